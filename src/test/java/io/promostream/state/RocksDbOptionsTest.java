package io.promostream.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.state.rocksdb.RocksDBOptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompactionStyle;
import org.rocksdb.NativeLibraryLoader;

class RocksDbOptionsTest {

  @BeforeAll
  static void loadRocksDb(@TempDir Path directory) throws Exception {
    NativeLibraryLoader.getInstance().loadLibrary(directory.toString());
  }

  @Test
  void areTheJobsUnlessFlinkHasOthers() {
    Configuration flink = RocksDbOptions.unlessChosen(new Configuration());
    EmbeddedRocksDBStateBackend backend =
        new EmbeddedRocksDBStateBackend().configure(flink, getClass().getClassLoader());
    assertThat(backend.getRocksDBOptions()).isInstanceOf(RocksDbOptions.class);
    Configuration chosen = new Configuration().set(RocksDBOptions.OPTIONS_FACTORY, "other");
    assertThat(RocksDbOptions.unlessChosen(chosen).toMap()).isEmpty();
  }

  @Test
  void mergeSixteenFilesOfSimilarSizeAndSlowWritersMuchLater() {
    try (ColumnFamilyOptions options = new ColumnFamilyOptions()) {
      new RocksDbOptions().createColumnOptions(options, new ArrayList<>());
      assertThat(options.compactionStyle()).isEqualTo(CompactionStyle.UNIVERSAL);
      assertThat(options.level0FileNumCompactionTrigger()).isEqualTo(16);
      assertThat(options.level0SlowdownWritesTrigger()).isEqualTo(40);
      assertThat(options.level0StopWritesTrigger()).isEqualTo(60);
    }
  }
}
