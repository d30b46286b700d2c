package io.promostream.delivery;

import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;

final class DeliverPromosOnRocksDbTest extends DeliveryRules {

  DeliverPromosOnRocksDbTest() {
    super(new EmbeddedRocksDBStateBackend());
  }
}
