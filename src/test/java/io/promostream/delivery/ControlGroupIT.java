package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.subscribers.Audience;
import io.promostream.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** An analyst finds the control group with the query of the documentation. */
class ControlGroupIT {

  private static final Pattern SQL = Pattern.compile("```sql\\n(.*?)```", Pattern.DOTALL);

  @Test
  void postgresFindsTheSameClients() throws Exception {
    List<String> clients =
        IntStream.range(0, 500)
            .mapToObj(i -> i % 2 == 0 ? "käufer " + i : new UUID(i, i).toString())
            .toList();
    TestDatabase database = TestDatabase.create().withSubscribersTable();
    for (String client : clients) {
      database.execute(
          "INSERT INTO subscribers_restaurants (client_id, restaurant_id) VALUES ('%s', 'ré/st')"
              .formatted(client));
    }
    Matcher query = SQL.matcher(Files.readString(Path.of("src/site/markdown/concepts.md")));
    assertThat(query.find()).isTrue();
    List<String> found =
        database.query(
            query
                .group(1)
                .replace(":'restaurant'", "'ré/st'")
                .replace(":'campaign'", "'spring'")
                .replace(":percent", "12.5"));
    Audience all = Audience.of(clients);
    assertThat(found).hasSizeGreaterThan(20);
    assertThat(Audience.of(found))
        .isEqualTo(
            all.minus(
                new ControlGroup(1_250)
                    .removeFrom(all, ControlGroupTest.promo("ré/st", "spring"))));
  }
}
