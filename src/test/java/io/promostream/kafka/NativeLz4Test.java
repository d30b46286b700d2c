package io.promostream.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NativeLz4Test {

  /** As in a TaskManager, where each start of the job has a new class loader. */
  @Test
  void isUsedInTheClassLoaderOfEachJobAndLeavesNoFile() throws Exception {
    List<String> before = copies();
    for (int job = 0; job < 2; job++) {
      try (URLClassLoader loader =
          new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
        assertThat(fastestInstance(loader)).contains("Java");
      }
      try (URLClassLoader loader =
          new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
        Method load = loader.loadClass(NativeLz4.class.getName()).getDeclaredMethod("load");
        load.setAccessible(true);
        load.invoke(null);
        assertThat(fastestInstance(loader)).contains("JNI");
      }
    }
    assertThat(copies()).isEqualTo(before);
  }

  private static String fastestInstance(ClassLoader loader) throws Exception {
    return loader
        .loadClass("net.jpountz.lz4.LZ4Factory")
        .getMethod("fastestInstance")
        .invoke(null)
        .toString();
  }

  private static URL[] classPath() throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    return urls.toArray(URL[]::new);
  }

  private static List<String> copies() {
    String[] names = new File(System.getProperty("java.io.tmpdir")).list();
    return List.of(names == null ? new String[0] : names).stream()
        .filter(name -> name.startsWith("liblz4-java-"))
        .sorted()
        .toList();
  }
}
