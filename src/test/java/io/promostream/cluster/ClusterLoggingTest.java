package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.message.SimpleMessage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The logging of flink-conf/ writes one JSON object per event, and masks secrets. */
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
        "s3.secret-access-key: " + SECRET,
        "api-key=" + SECRET,
      })
  void masksSecrets(String message) throws IOException {
    var thrown = new IOException(message);
    for (String file : List.of("log4j-console.properties", "log4j.properties")) {
      Map<String, String> event = parse(logged(file, message, thrown));
      assertThat(event.get("message")).contains("******").doesNotContain(SECRET);
      assertThat(event.get("exception"))
          .contains("java.io.IOException: ", "******", "\tat ")
          .doesNotContain(SECRET);
    }
    assertThat(logged("log4j-cli.properties", message, thrown))
        .contains("******", "\tat ")
        .doesNotContain(SECRET);
  }

  @Test
  void keepsOtherText() throws IOException {
    String message =
        "FATAL: password authentication failed for user \"promo\"; password-file=/secrets/db, "
            + "http://host:8081/jobs/a@b \u2028 \u00e9 \"quoted\"";
    assertThat(parse(logged("log4j-console.properties", message, null)))
        .containsEntry("message", message)
        .containsEntry("level", "WARN")
        .containsEntry("logger", "io.promostream.Example")
        .containsEntry("exception", "")
        .containsKeys("timestamp", "thread");
  }

  /** The configuration has 4 KB. A new TaskManager creates dozens of clients. */
  @ParameterizedTest
  @ValueSource(strings = {"log4j-console.properties", "log4j.properties"})
  void omitsConfigurationsOfKafkaClients(String file) {
    System.setProperty("log.file", "target/cluster-logging-test.log");
    try (var context = new LoggerContext("test")) {
      context.setConfigLocation(Path.of("flink-conf", file).toUri());
      context.start();
      assertThat(context.getLogger(AbstractConfig.class.getName()).getLevel())
          .isEqualTo(Level.WARN);
    } finally {
      System.clearProperty("log.file");
    }
  }

  /** The output of a configuration's only appender for an event. */
  private static String logged(String file, String message, Throwable thrown) {
    System.setProperty("log.file", "target/cluster-logging-test.log");
    try (var context = new LoggerContext("test")) {
      context.setConfigLocation(Path.of("flink-conf", file).toUri());
      context.start();
      Appender appender = context.getConfiguration().getAppenders().values().iterator().next();
      return new String(
          appender
              .getLayout()
              .toByteArray(
                  Log4jLogEvent.newBuilder()
                      .setLoggerName("io.promostream.Example")
                      .setLevel(Level.WARN)
                      .setMessage(new SimpleMessage(message))
                      .setThrown(thrown)
                      .build()),
          StandardCharsets.UTF_8);
    } finally {
      System.clearProperty("log.file");
    }
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
