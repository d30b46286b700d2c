package io.promostream.preview;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of the documentation, with the sample files and a fixed time. */
class PreviewExampleIT {

  private static final Path SAMPLES = Path.of("src/local/resources/samples");
  private static final Pattern EXAMPLE =
      Pattern.compile("## Preview a campaign\n.*?```\n(line .*?)```\n", Pattern.DOTALL);

  @TempDir Path directory;

  @Test
  void printsWhatThePageShows() throws Exception {
    TestDatabase database = TestDatabase.create().withSubscribersTable().withFeedbackTable();
    database.execute(Files.readString(SAMPLES.resolve("subscribers_restaurants.sql")));
    TestBroker.get().createTopic("preview-example", 1);
    String promo = Files.readAllLines(SAMPLES.resolve("promos.jsonl")).get(0);
    Path promos =
        Files.writeString(
            directory.resolve("promos.jsonl"),
            promo + "\n" + promo.replace("\"Ivanov Ivan Ivanovich\"", "null") + "\n");
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(printed, true, UTF_8);
    new Preview(
            config(database), 2, Clock.fixed(Instant.parse("2026-12-01T12:00:00Z"), ZoneOffset.UTC))
        .run(promos.toString(), false, InputStream.nullInputStream(), out, out);
    Matcher page = EXAMPLE.matcher(Files.readString(Path.of("src/site/markdown/configuration.md")));
    assertThat(page.find()).isTrue();
    assertThat(printed.toString(UTF_8)).isEqualTo(page.group(1));
  }

  private static JobConfig config(TestDatabase database) {
    String[] args = {
      "--kafka.bootstrap-servers=" + TestBroker.get().bootstrapServers(),
      "--notifications.topic=preview-example",
      "--subscribers.db.url=" + database.url(),
      "--subscribers.db.user=" + EmbeddedDatabase.SUPERUSER,
      "--feedback.db.url=" + database.url(),
      "--feedback.db.user=" + EmbeddedDatabase.SUPERUSER,
      "--delivery.control-group-percent=10",
      "--delivery.max-per-second=4",
    };
    return JobConfig.load(
        args,
        Map.of(
            "PROMO_STREAM_SUBSCRIBERS_DB_PASSWORD", EmbeddedDatabase.SUPERUSER,
            "PROMO_STREAM_FEEDBACK_DB_PASSWORD", EmbeddedDatabase.SUPERUSER));
  }
}
