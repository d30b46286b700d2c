package io.promostream.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.io.File;
import java.lang.ref.WeakReference;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ConnectionsIT {

  @Test
  void deregistersDriverWhenJobEnds() throws Exception {
    WeakReference<ClassLoader> job = connectInJob(TestDatabase.create());
    Waiting.until(
        "the job's classes to be collected",
        () -> {
          System.gc();
          return job.get() == null;
        });
  }

  /** As in a TaskManager, the job has its own class loader, which is closed at its end. */
  private static WeakReference<ClassLoader> connectInJob(TestDatabase database) throws Exception {
    URL[] classPath =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(ConnectionsIT::url)
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
          (Connection)
              job.loadClass(Connections.class.getName())
                  .getMethod("open", jobs.getClass(), String.class)
                  .invoke(null, jobs, "job")) {
        assertThat(connection.getClass().getClassLoader()).isSameAs(job);
      }
      return new WeakReference<>(job);
    }
  }

  @Test
  void adviceMatchesRefusal() {
    TestDatabase database = TestDatabase.create();
    database.execute(
        """
        CREATE ROLE refused LOGIN PASSWORD 'secret' CONNECTION LIMIT 0;
        CREATE ROLE unwelcome LOGIN PASSWORD 'secret'""");
    assertAdvice(database.as("refused", "secret"), "too many connections", "CONNECTION LIMIT");
    database.execute("REVOKE CONNECT ON DATABASE %s FROM PUBLIC".formatted(database.name()));
    assertAdvice(database.as("unwelcome", "secret"), "permission denied", "Grant the user CONNECT");
    assertAdvice(at(database.url() + "x"), "does not exist", "database name in the URL");
    assertAdvice(
        at(database.url() + "?options=-c%20nothing=1"), "\"nothing\"", "refused the connection");
    assertAdvice(at("jdbc:postgresql://127.0.0.1:1/x"), "refused", "the network");
    database.refuseConnections(true);
    assertAdvice(database.asSuperuser(), "not currently accepting", "refused the connection");
  }

  @Test
  void advisesOnTimeZoneUnknownToServer() {
    Database database = TestDatabase.create().asSuperuser();
    TimeZone before = TimeZone.getDefault();
    TimeZone.setDefault(new SimpleTimeZone(0, "Mars/Phobos"));
    try {
      assertAdvice(database, "Mars/Phobos", "start the JVM with -Duser.timezone=UTC");
    } finally {
      TimeZone.setDefault(before);
    }
  }

  private static Database at(String url) {
    return new Database(
        url, EmbeddedDatabase.SUPERUSER, new Secret(EmbeddedDatabase.SUPERUSER, null));
  }

  private static void assertAdvice(Database database, String reason, String advice) {
    assertThatThrownBy(() -> Connections.open(database, "test"))
        .isInstanceOf(SQLException.class)
        .hasMessageContainingAll(database.url(), reason, advice);
  }

  private static URL url(String path) {
    try {
      return new File(path).toURI().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalArgumentException(path, e);
    }
  }
}
