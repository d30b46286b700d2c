package io.promostream.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.io.File;
import java.lang.ref.WeakReference;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.sql.Connection;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DatabaseTest {

  @Test
  void theDriverOfAJobIsForgottenWithTheJob() throws Exception {
    WeakReference<ClassLoader> job = connectInJob(TestDatabase.create());
    Waiting.until(
        "the job's classes to be collected",
        () -> {
          System.gc();
          return job.get() == null;
        });
  }

  /** As in a TaskManager: by a class loader of the job's own, which is closed in the end. */
  private static WeakReference<ClassLoader> connectInJob(TestDatabase database) throws Exception {
    URL[] classPath =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(DatabaseTest::url)
            .toArray(URL[]::new);
    try (URLClassLoader job = new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader())) {
      Class<?> secret = job.loadClass(Secret.class.getName());
      Object superuser =
          secret
              .getConstructor(String.class, String.class)
              .newInstance(database.asSuperuser().password().value(), null);
      Object jobs =
          job.loadClass(Database.class.getName())
              .getConstructor(String.class, String.class, secret)
              .newInstance(database.url(), database.asSuperuser().user(), superuser);
      try (Connection connection =
          (Connection) jobs.getClass().getMethod("connect", String.class).invoke(jobs, "job")) {
        assertThat(connection.getClass().getClassLoader()).isSameAs(job);
      }
      return new WeakReference<>(job);
    }
  }

  private static URL url(String path) {
    try {
      return new File(path).toURI().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalArgumentException(path, e);
    }
  }
}
