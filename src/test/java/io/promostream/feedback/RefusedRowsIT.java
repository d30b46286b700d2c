package io.promostream.feedback;

import static io.promostream.feedback.FeedbackTableFixture.batch;
import static io.promostream.feedback.FeedbackTableFixture.promo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.Database;
import io.promostream.postgres.Connections;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows that the feedback table refuses are set aside one by one; all others are written. */
class RefusedRowsIT {

  private static final String TABLE = "public.subscribers_feedback";

  /** A trigger function that runs a statement for each row of the client "bad". */
  private static String onBadRow(String statement) {
    return """
        CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF NEW.client_id = 'bad' THEN %s; END IF;
          RETURN NEW; END $$;
        """
        .formatted(statement);
  }

  private static String trigger(String statement) {
    return onBadRow(statement)
        + "CREATE TRIGGER judge BEFORE INSERT ON subscribers_feedback FOR EACH ROW EXECUTE FUNCTION judge()";
  }

  private static void assertSetsOnlyBadRowsAside(FeedbackTableFixture feedback, String reason)
      throws Exception {
    feedback.write(
        batch(promo("r", "c"), "a", "bad", "d"),
        batch(promo("s", "c"), "bad"),
        batch(promo("t", "c"), "a"));
    assertThat(feedback.rows()).containsExactly("r c a", "r c d", "t c a");
    assertThat(feedback.refused()).containsExactly("r c bad", "s c bad");
    assertThat(feedback.reasons()).hasSize(2).allMatch(found -> found.startsWith(reason), reason);
    assertThat(feedback.counts()).containsExactly(3L, 2L, 0L);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "23514;ALTER TABLE subscribers_feedback ADD CHECK (client_id <> 'bad')",
        "22001;ALTER TABLE subscribers_feedback ALTER COLUMN client_id TYPE varchar(2)",
        "23503;CREATE TABLE clients (id text PRIMARY KEY); INSERT INTO clients VALUES ('a'), ('d');"
            + "ALTER TABLE subscribers_feedback ADD FOREIGN KEY (client_id) REFERENCES clients",
        "23503;CREATE TABLE clients (id text PRIMARY KEY); INSERT INTO clients VALUES ('a'), ('d');"
            + "ALTER TABLE subscribers_feedback ADD FOREIGN KEY (client_id) REFERENCES clients DEFERRABLE INITIALLY DEFERRED",
        "23514;CREATE TABLE elsewhere (LIKE subscribers_feedback INCLUDING IDENTITY) PARTITION BY LIST (client_id);"
            + "CREATE TABLE kept PARTITION OF elsewhere FOR VALUES IN ('a', 'd');"
            + "DROP TABLE subscribers_feedback; ALTER TABLE elsewhere RENAME TO subscribers_feedback",
        "44000;ALTER TABLE subscribers_feedback RENAME TO base; CREATE VIEW subscribers_feedback AS"
            + " SELECT * FROM base WHERE client_id <> 'bad' WITH CHECK OPTION",
        "23514;CREATE DOMAIN client AS text CHECK (VALUE <> 'bad');"
            + "ALTER TABLE subscribers_feedback ALTER COLUMN client_id TYPE client",
        "22P02;CREATE TABLE parsed (value jsonb); CREATE FUNCTION parse() RETURNS trigger LANGUAGE plpgsql AS"
            + " $$ BEGIN INSERT INTO parsed VALUES (CASE WHEN NEW.client_id = 'bad' THEN '{' ELSE '1' END::jsonb); RETURN NULL; END $$;"
            + "CREATE TRIGGER parse AFTER INSERT ON subscribers_feedback FOR EACH ROW EXECUTE FUNCTION parse()"
      })
  void setsAsideRowsThatConstraintRefuses(String reasonAndDdl) throws Exception {
    String[] parts = reasonAndDdl.split(";", 2);
    assertSetsOnlyBadRowsAside(FeedbackTableFixture.with(parts[1]), parts[0]);
  }

  /**
   * Includes codes that otherwise mean that the server shuts down or that a lock is not available.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "P0001", "12345", "U0001", "23505", "42501", "0A000", "XX000", "40001", "57014", "08006",
        "55P03", "53100"
      })
  void setsAsideRowsThatTriggerRefuses(String state) throws Exception {
    assertSetsOnlyBadRowsAside(
        FeedbackTableFixture.with(
            trigger("RAISE 'not this one' USING ERRCODE = '%s'".formatted(state))),
        state + " not this one");
  }

  @Test
  void setsAsideRowsThatDeferredConstraintTriggerRefuses() throws Exception {
    assertSetsOnlyBadRowsAside(
        FeedbackTableFixture.with(
            onBadRow("RAISE 'too late'")
                + "CREATE CONSTRAINT TRIGGER judge AFTER INSERT ON subscribers_feedback DEFERRABLE INITIALLY DEFERRED"
                + " FOR EACH ROW EXECUTE FUNCTION judge()"),
        "P0001 too late");
  }

  /** Errors that usually concern the session, but here a row. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "42P01;INSERT INTO nothing VALUES (1)",
        "42703;NEW.nothing = 1",
        "21000;PERFORM (SELECT 1 FROM generate_series(1, 2))",
        "22012;PERFORM 1 / 0",
        "P0002;SELECT 1 INTO STRICT NEW.feedback WHERE false"
      })
  void setsAsideRowsThatBreakTrigger(String stateAndStatement) throws Exception {
    String[] parts = stateAndStatement.split(";");
    assertSetsOnlyBadRowsAside(FeedbackTableFixture.with(trigger(parts[1])), parts[0]);
  }

  private static FeedbackTableFixture withRole(String role, String ddl) {
    return FeedbackTableFixture.with(
        """
        CREATE ROLE %1$s LOGIN PASSWORD 'x';
        GRANT INSERT ON subscribers_feedback, subscribers_feedback_refused TO %1$s;
        """
                .formatted(role)
            + ddl);
  }

  @Test
  void setsAsideRowsThatPolicyRefuses() throws Exception {
    FeedbackTableFixture feedback =
        withRole(
            "policed",
            "ALTER TABLE subscribers_feedback ENABLE ROW LEVEL SECURITY;"
                + "CREATE POLICY good ON subscribers_feedback FOR INSERT WITH CHECK (client_id <> 'bad')");
    feedback.writeInto(
        TABLE, feedback.database.as("policed", "x"), batch(promo("r", "c"), "a", "bad"));
    assertThat(feedback.rows()).containsExactly("r c a");
    assertThat(feedback.reasons())
        .singleElement()
        .asString()
        .startsWith("42501 new row violates row-level security policy");
  }

  /** A problem of every row must not set rows aside. */
  @Test
  void setsNothingAsideWhenEveryRowFails() throws Exception {
    FeedbackTableFixture feedback =
        withRole("shut_out", "ALTER TABLE subscribers_feedback ENABLE ROW LEVEL SECURITY");
    Database role = feedback.database.as("shut_out", "x");
    String[] clients = IntStream.range(0, 3_000).mapToObj(i -> "c" + i).toArray(String[]::new);
    assertThatThrownBy(
            () ->
                feedback.writeInto(
                    TABLE, role, batch(promo("r", "c"), clients), batch(promo("r", "d"), "a")))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("row-level security");
    feedback.database.execute(
        """
        ALTER TABLE subscribers_feedback DISABLE ROW LEVEL SECURITY;
        CREATE SEQUENCE id_of_rows;
        ALTER TABLE subscribers_feedback ADD COLUMN n int DEFAULT nextval('id_of_rows')""");
    assertThatThrownBy(() -> feedback.writeInto(TABLE, role, batch(promo("r", "c"), "a", "b")))
        .hasMessageContaining("permission denied for sequence id_of_rows");
    feedback.database.execute("REVOKE INSERT ON subscribers_feedback FROM shut_out");
    assertThatThrownBy(() -> feedback.writeInto(TABLE, role, batch(promo("r", "c"), "a", "b")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the role lacks INSERT on");
    assertThat(feedback.rows()).isEmpty();
    assertThat(feedback.refused()).isEmpty();
    assertThat(feedback.counts()).containsExactly(0L, 0L, 0L);
  }

  /**
   * The count of affected rows is 0 if a trigger routes the rows to another table. They are still
   * written.
   */
  @Test
  void setsAsideRowsThatTriggerCannotRoute() throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            """
            CREATE TABLE rows_of_r () INHERITS (subscribers_feedback);
            CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              EXECUTE format('INSERT INTO %I SELECT $1.*', 'rows_of_' || NEW.restaurant_id) USING NEW;
              RETURN NULL; END $$;
            CREATE TRIGGER route BEFORE INSERT ON subscribers_feedback FOR EACH ROW EXECUTE FUNCTION route()""");
    feedback.write(batch(promo("r", "c"), "a"), batch(promo("new", "c"), "a"));
    assertThat(feedback.rows()).containsExactly("r c a");
    assertThat(feedback.refused()).containsExactly("new c a");
    assertThat(feedback.reasons()).singleElement().asString().startsWith("42P01");
    assertThat(feedback.counts()).containsExactly(1L, 1L, 0L);
  }

  @Test
  void setsAsideAndEscapesTextThatEncodingLacks() throws Exception {
    FeedbackTableFixture feedback =
        new FeedbackTableFixture(TestDatabase.inEncoding("LATIN1").withFeedbackTable());
    feedback.write(
        batch(promo("r", "é"), "é", "😀"),
        batch(promo("r", "€"), "a"),
        batch(promo("r", "c"), "a"));
    assertThat(feedback.rows()).containsExactly("r c a", "r é é");
    assertThat(feedback.refused()).containsExactly("r \\u00e9 \\ud83d\\ude00", "r \\u20ac a");
    assertThat(feedback.reasons()).allMatch(reason -> reason.startsWith("22P05"));
  }

  /** Concurrent transactions may do this, but prepared transactions could not. */
  @Test
  void allowsTriggersThatNotifyAndUpdateSharedRow() throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            """
            CREATE TABLE total (rows int); INSERT INTO total VALUES (0);
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              UPDATE total SET rows = rows + 1; NOTIFY feedback; RETURN NULL; END $$;
            CREATE TRIGGER tell AFTER INSERT ON subscribers_feedback FOR EACH ROW EXECUTE FUNCTION tell();
            ALTER TABLE subscribers_feedback ADD CHECK (client_id <> 'bad')""");
    assertSetsOnlyBadRowsAside(feedback, "23514");
    assertThat(feedback.database.query("SELECT rows FROM total")).containsExactly("3");
  }

  @Test
  void setsAsideWholeCampaignInSeconds() throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "ALTER TABLE subscribers_feedback ADD CHECK (restaurant_id <> 'bad')");
    String[] clients = IntStream.range(0, 10_000).mapToObj(i -> "c" + i).toArray(String[]::new);
    long start = System.nanoTime();
    feedback.write(batch(promo("bad", "c"), clients), batch(promo("good", "c"), clients));
    Duration taken = Duration.ofNanos(System.nanoTime() - start);
    System.out.println("10,000 refused rows beside as many good ones: " + taken);
    assertThat(taken).isLessThan(Duration.ofSeconds(60));
    assertThat(feedback.counts()).containsExactly(10_000L, 10_000L, 0L);
    assertThat(feedback.refused()).doesNotHaveDuplicates().hasSize(10_000);
  }

  /**
   * A failure that no row caused must not leave a transaction open that blocks the next attempt.
   */
  @Test
  void rollsBackAfterFailure() throws Exception {
    FeedbackTableFixture feedback = FeedbackTableFixture.with("");
    try (var connection = Connections.open(feedback.database.asSuperuser(), "test")) {
      FeedbackSession session = feedback.session(connection);
      assertThatThrownBy(
              () ->
                  session.write(
                      c -> {
                        throw new IOException("not now");
                      },
                      List.of(batch(promo("r", "c"), "a"))))
          .hasMessage("not now");
      feedback.database.execute(
          trigger("RAISE 'only once' USING ERRCODE = '40001'").replace("'bad'", "'a'"));
      assertThatThrownBy(() -> session.write(c -> null, List.of(batch(promo("r", "c"), "a"))))
          .hasMessageContaining("only once");
      feedback.database.execute("DROP TRIGGER judge ON subscribers_feedback");
      session.write(c -> null, List.of(batch(promo("r", "c"), "a")));
    }
    assertThat(feedback.rows()).containsExactly("r c a");
    assertThat(feedback.refused()).isEmpty();
  }
}
