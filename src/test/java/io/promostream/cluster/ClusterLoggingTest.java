package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.logging.log4j.core.LoggerContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The logging of flink-conf/: one JSON object an event, and no secret that somebody logs. */
class ClusterLoggingTest {

  private static final String SECRET = "hunter2-and-more";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "connecting to jdbc:postgresql://db/promos?user=reader&password=" + SECRET + "&ssl=true",
        "connecting to postgresql://reader:" + SECRET + "@db/promos",
        "sasl.jaas.config=ScramLoginModule required username=\"u\" password=\"" + SECRET + "\";",
        "sasl.jaas.config=ScramLoginModule required password=\"a\\\"b c " + SECRET + "\";",
        "{feedback.db.password=" + SECRET + ", feedback.db.user=writer}",
        "PROMO_STREAM_FEEDBACK_DB_PASSWORD=" + SECRET,
        "{\"ssl.keystore.password\": \"" + SECRET + "\"}",
        "s3.secret-access-key: x, api-key: " + SECRET,
      })
  void leavesSecretsOut(String message, @TempDir Path directory) throws IOException {
    for (String file : List.of("log4j-console.properties", "log4j.properties")) {
      String line = logged(file, directory.resolve(file), message, new IOException(message));
      assertThat(line).doesNotContain(SECRET);
      Map<String, String> event = parse(line);
      assertThat(event.get("message")).contains("******");
      assertThat(event.get("exception")).contains("java.io.IOException: ", "******", "\tat ");
    }
    assertThat(
            logged(
                "log4j-cli.properties", directory.resolve("x"), message, new IOException(message)))
        .contains("******", "\tat ")
        .doesNotContain(SECRET);
  }

  @Test
  void keepsWhatIsNoSecret(@TempDir Path directory) throws IOException {
    String message =
        "FATAL: password authentication failed for user \"promo\"; password-file=/secrets/db, "
            + "http://host:8081/jobs/a@b \u2028 \u00e9 \"quoted\"";
    String line = logged("log4j-console.properties", directory.resolve("x"), message, null);
    assertThat(parse(line))
        .containsEntry("message", message)
        .containsEntry("level", "WARN")
        .containsEntry("logger", "io.promostream.Example")
        .containsEntry("exception", "")
        .containsKeys("timestamp", "thread");
  }

  /** What the configuration makes of one event, on standard output, standard error or in a file. */
  private static String logged(String configuration, Path file, String message, Throwable thrown)
      throws IOException {
    PrintStream out = System.out;
    PrintStream err = System.err;
    var captured = new ByteArrayOutputStream();
    var stream = new PrintStream(captured, true, StandardCharsets.UTF_8);
    System.setProperty("log.file", file.toString());
    System.setOut(stream);
    System.setErr(stream);
    try (var context = new LoggerContext("test")) {
      context.setConfigLocation(Path.of("flink-conf", configuration).toUri());
      context.getLogger("io.promostream.Example").warn(message, thrown);
    } finally {
      System.setOut(out);
      System.setErr(err);
      System.clearProperty("log.file");
    }
    return Files.exists(file) ? Files.readString(file) : captured.toString(StandardCharsets.UTF_8);
  }

  private static Map<String, String> parse(String line) throws IOException {
    assertThat(line).endsWith("}" + System.lineSeparator());
    Map<String, String> fields = new LinkedHashMap<>();
    try (JsonParser parser = new JsonFactory().createParser(line)) {
      while (parser.nextToken() != null) {
        if (parser.currentToken() == JsonToken.VALUE_STRING) {
          fields.put(parser.currentName(), parser.getText());
        }
      }
    }
    return fields;
  }
}
