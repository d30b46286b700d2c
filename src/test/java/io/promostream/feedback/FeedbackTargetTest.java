package io.promostream.feedback;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.config.TableName;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class FeedbackTargetTest {

  private final FeedbackTarget target =
      new FeedbackTarget(
          new Database(
              "jdbc:postgresql://db:5432/x?password=hidden", "me", new Secret("s3cret", null)),
          TableName.parse("public.feedback"));

  @Test
  void anErrorTellsWhatWhereAndWhyAndNoPassword() {
    SQLException cause =
        new SQLException("ERROR: canceling statement due to lock timeout", "55P03");
    assertThat(target.failure("rows were not written", cause))
        .hasMessage(
            "rows were not written (table public.feedback, jdbc:postgresql://db:5432/x, role me):"
                + " ERROR: canceling statement due to lock timeout."
                + " Another session locks the table: pg_locks and pg_blocking_pids() tell which")
        .hasCause(cause);
  }

  @Test
  void anErrorWithoutStateIsToldToo() {
    assertThat(target.failure("rows were not written", new SQLException("odd")))
        .hasMessageEndingWith("role me): odd");
  }
}
