package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Compares the hash with Postgres' own. */
class PostgresHashIT {

  @Test
  void matchesPostgres() throws Exception {
    List<String> texts = new ArrayList<>();
    for (int length = 0; length <= 50; length++) {
      texts.add("0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLM".substring(0, length));
      texts.add("ÿ".repeat(length));
      texts.add("x" + "😀é".repeat(length));
    }
    try (Connection connection = TestDatabase.create().connect();
        PreparedStatement query =
            connection.prepareStatement(
                """
                SELECT text, hashtextextended(text COLLATE "C", 0), hashtextextended(text COLLATE "C", 1)
                FROM unnest(?) text""")) {
      query.setArray(1, connection.createArrayOf("text", texts.toArray()));
      ResultSet hashes = query.executeQuery();
      int compared = 0;
      for (; hashes.next(); compared++) {
        String text = hashes.getString(1);
        byte[] amidOthers = ("_" + text + "__").getBytes(UTF_8);
        for (int seed = 0; seed < 2; seed++) {
          assertThat(PostgresHash.of(amidOthers, 1, amidOthers.length - 3, seed))
              .as("%s, seed %d", text, seed)
              .isEqualTo(hashes.getLong(2 + seed));
        }
      }
      assertThat(compared).isEqualTo(texts.size());
    }
  }
}
