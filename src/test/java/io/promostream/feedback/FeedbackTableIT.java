package io.promostream.feedback;

import static io.promostream.feedback.FeedbackTableFixture.CREATED;
import static io.promostream.feedback.FeedbackTableFixture.batch;
import static io.promostream.feedback.FeedbackTableFixture.promo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.Database;
import io.promostream.promo.Promo;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Feedback tables of users: those that the job accepts, and the rows that it writes into them. */
class FeedbackTableIT {

  private static final String ID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

  private static final String TEXTS =
      "restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner, adv_campaign_owner_contact, client_id";
  private static final String IDS = "restaurant_id, adv_campaign_id, client_id";
  private static final String TIMES =
      "adv_campaign_datetime_start, adv_campaign_datetime_end, datetime_created, trigger_datetime_created";

  private static String alter(String columns, String type) {
    return List.of(columns.split(", ")).stream()
        .map(
            column ->
                "ALTER TABLE subscribers_feedback ALTER COLUMN %s TYPE %s USING NULL;"
                    .formatted(column, type))
        .reduce("", String::concat);
  }

  @ParameterizedTest
  @ValueSource(strings = {"int4", "int8", "numeric", "numeric(12,2)", "seconds"})
  void writesTimesAsSeconds(String type) throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "CREATE DOMAIN seconds AS int8 CHECK (VALUE >= 0);" + alter(TIMES, type));
    feedback.write(batch(promo("r", "c"), "a"));
    assertThat(
            feedback.database.query(
                "SELECT concat_ws(' ', " + TIMES + ") FROM subscribers_feedback"))
        .singleElement()
        .asString()
        .matches("1700000000(\\.00)? 1700000001(\\.00)? 1700000002(\\.00)? 1700000003(\\.00)?");
  }

  @ParameterizedTest
  @CsvSource({
    "timestamp,2023-11-14 22:13:20",
    "timestamp(0),2023-11-14 22:13:20",
    "timestamptz,2023-11-14 22:13:20+00"
  })
  void writesTimestampsInUtcInAnyTimeZone(String type, String start) throws Exception {
    FeedbackTableFixture feedback = FeedbackTableFixture.with(alter(TIMES, type));
    feedback.write(batch(promo("r", "c"), "a"));
    assertThat(
            feedback.database.query("SELECT adv_campaign_datetime_start FROM subscribers_feedback"))
        .containsExactly(start);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"text", "varchar", "varchar(36)", "char(36)", "citext", "name36", "short"})
  void writesTexts(String type) throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "CREATE EXTENSION citext; CREATE DOMAIN name36 AS varchar(36); CREATE DOMAIN short AS name36;"
                + alter(TEXTS, type));
    feedback.write(batch(promo(ID, "c"), "a", ID));
    assertThat(
            feedback.database.query(
                "SELECT restaurant_id, trim(adv_campaign_id), trim(adv_campaign_content), trim(adv_campaign_owner),"
                    + " trim(adv_campaign_owner_contact), trim(client_id) FROM subscribers_feedback"))
        .containsExactlyInAnyOrder(
            ID + ",c,content,owner,contact,a", ID + ",c,content,owner,contact," + ID);
  }

  @ParameterizedTest
  @ValueSource(strings = {"uuid", "key"})
  void writesUuids(String type) throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with("CREATE DOMAIN key AS uuid;" + alter(IDS, type));
    feedback.write(batch(promo(ID, ID), ID));
    assertThat(feedback.rows()).containsExactly(ID + " " + ID + " " + ID);
  }

  /** {@code whyNot} must refuse exactly the promos that Postgres refuses. */
  @ParameterizedTest
  @CsvSource({
    "adv_campaign_content,varchar(5),12345,123456",
    "adv_campaign_content,varchar(5),😀😀😀😀😀,😀😀😀😀😀😀",
    "restaurant_id,char(3),abc,abcd",
    "adv_campaign_owner,inner_name,1234,12345",
    "adv_campaign_owner,outer_name,1234,12345",
    "restaurant_id,uuid,1b4e28ba-2fa1-11d2-883f-0016d3cca427,r",
    "restaurant_id,uuid,1B4E28BA2FA111D2883F0016D3CCA427,1b4e28ba-2fa1-11d2-883f-0016d3cca42",
    "adv_campaign_id,uuid,{1b4e28ba-2fa1-11d2-883f-0016d3cca427},{1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "adv_campaign_id,uuid,1b4e-28ba-2fa1-11d2-883f-0016-d3cc-a427,1b4e-28ba-2fa1-11d2-883f-0016-d3cc-a427-",
    "adv_campaign_datetime_end,int4,2147483647,2147483648",
    "adv_campaign_datetime_end,whole,2147483647,2147483648",
    "datetime_created,numeric(10),9999999999,10000000000",
    "datetime_created,'numeric(12,2)',9999999999,10000000000",
    "datetime_created,timestamp,253402300799,",
    "datetime_created,timestamptz,253402300799,",
    "adv_campaign_datetime_start,numeric,253402300799,"
  })
  void refusesExactlyThePromosThatPostgresRefuses(
      String column, String type, String good, String bad) throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "CREATE DOMAIN inner_name AS varchar(4); CREATE DOMAIN outer_name AS inner_name; CREATE DOMAIN whole AS int4;"
                + alter(column, type));
    FeedbackTable table = feedback.describe();
    assertThat(table.whyNot(promoWith(column, good))).isNull();
    feedback.write(batch(promoWith(column, good), "a"));
    assertThat(feedback.counts()).containsExactly(1L, 0L, 0L);
    if (bad != null) {
      assertThat(table.whyNot(promoWith(column, bad))).startsWith(column + " is ");
      feedback.write(batch(promoWith(column, bad), "a"));
      assertThat(feedback.counts()).containsExactly(1L, 1L, 0L);
    }
  }

  private static Promo promoWith(String column, String value) {
    long time = value.matches("\\d+") ? Long.parseLong(value) : 0;
    return new Promo(
        column.equals("restaurant_id") ? value : "r",
        column.equals("adv_campaign_id") ? value : "c",
        column.equals("adv_campaign_content") ? value : "",
        column.equals("adv_campaign_owner") ? value : "",
        "",
        column.equals("adv_campaign_datetime_start") ? time : 1,
        column.equals("adv_campaign_datetime_end") ? time : 1,
        column.equals("datetime_created") ? time : 1);
  }

  @Test
  void acceptsTablesOfAnyNameAndKind() throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            """
            CREATE SCHEMA "Shop";
            CREATE TABLE restaurants (id text PRIMARY KEY);
            INSERT INTO restaurants VALUES ('r');
            CREATE TABLE "Shop"."Feed-back" (
                note text, client_id text, trigger_datetime_created int4,
                seen bool NOT NULL DEFAULT false, id bigint GENERATED ALWAYS AS IDENTITY,
                length int GENERATED ALWAYS AS (length(client_id)) STORED,
                datetime_created int8, adv_campaign_datetime_end int8,
                adv_campaign_datetime_start int8, adv_campaign_owner_contact text,
                adv_campaign_owner text, adv_campaign_content text, adv_campaign_id text,
                restaurant_id text REFERENCES restaurants, feedback text);
            CREATE TABLE without_id (LIKE subscribers_feedback);
            ALTER TABLE without_id DROP COLUMN id;
            CREATE TABLE with_serial (id serial8, LIKE without_id);
            CREATE TABLE partitioned (LIKE subscribers_feedback INCLUDING DEFAULTS INCLUDING IDENTITY,
                PRIMARY KEY (id, trigger_datetime_created))
              PARTITION BY RANGE (trigger_datetime_created);
            CREATE TABLE all_times PARTITION OF partitioned DEFAULT;
            CREATE VIEW seen AS SELECT * FROM without_id;
            CREATE VIEW instead AS SELECT * FROM without_id;
            CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO without_id SELECT NEW.*; RETURN NULL; END $$;
            CREATE TRIGGER elsewhere INSTEAD OF INSERT ON instead FOR EACH ROW EXECUTE FUNCTION elsewhere();
            CREATE TABLE inherited (LIKE without_id);
            CREATE UNIQUE INDEX ON inherited (restaurant_id, adv_campaign_id, client_id);
            CREATE RULE elsewhere AS ON INSERT TO inherited DO INSTEAD
                INSERT INTO without_id SELECT NEW.*;
            CREATE TABLE filled (must text NOT NULL, LIKE without_id);
            CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                NEW.must = 'filled'; RETURN NEW; END $$;
            CREATE TRIGGER fill BEFORE INSERT ON filled FOR EACH ROW EXECUTE FUNCTION fill();
            """);
    List<String> tables =
        List.of(
            "Shop.Feed-back",
            "without_id",
            "with_serial",
            "partitioned",
            "seen",
            "instead",
            "inherited",
            "filled");
    for (String table : tables) {
      feedback.writeInto(table, feedback.database.asSuperuser(), batch(promo("r", "c"), "a", "b"));
    }
    assertThat(feedback.reasons()).isEmpty();
    assertThat(feedback.counts()).containsExactly(2L * tables.size(), 0L, 0L);
    assertThat(
            feedback.database.query(
                "SELECT client_id, datetime_created, length, id FROM \"Shop\".\"Feed-back\""))
        .containsExactly("a,%d,1,1".formatted(CREATED + 2), "b,%d,1,2".formatted(CREATED + 2));
    assertThat(feedback.database.query("SELECT count(*) FROM without_id")).containsExactly("8");
  }

  @Test
  void reportsAllProblemsAtStart() {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            """
            ALTER TABLE subscribers_feedback DROP COLUMN adv_campaign_owner,
                ALTER COLUMN client_id TYPE name, ALTER COLUMN restaurant_id TYPE int4 USING NULL,
                ALTER COLUMN datetime_created TYPE date USING NULL,
                ADD COLUMN must int NOT NULL,
                DROP COLUMN adv_campaign_content,
                ADD COLUMN adv_campaign_content text GENERATED ALWAYS AS ('x') STORED;
            CREATE MATERIALIZED VIEW frozen AS SELECT * FROM subscribers_feedback;
            CREATE ROLE writer_of_%1$s LOGIN PASSWORD 'x';
            CREATE TABLE closed (LIKE subscribers_feedback_refused);
            GRANT SELECT ON closed TO writer_of_%1$s;
            """
                .formatted("start"));
    assertThatThrownBy(feedback::write)
        .isInstanceOf(IOException.class)
        .hasMessage(
            "Table public.subscribers_feedback cannot take feedback rows:"
                + " column restaurant_id is integer, which cannot store a text;"
                + " column datetime_created is date, which cannot store a time;"
                + " column client_id is name, which cannot store a text;"
                + " column must is NOT NULL without a default, and the job does not write it, so give it a default;"
                + " column adv_campaign_content is GENERATED ALWAYS, so no INSERT may set it;"
                + " column adv_campaign_owner is missing");
    Database superuser = feedback.database.asSuperuser();
    assertThatThrownBy(() -> feedback.writeInto("frozen", superuser))
        .hasMessage("frozen is not a table or view");
    assertThatThrownBy(() -> feedback.writeInto("public.nothing", superuser))
        .hasMessageStartingWith("Table public.nothing does not exist. ");
    assertThatThrownBy(
            () -> feedback.writeInto("closed", feedback.database.as("writer_of_start", "x")))
        .hasMessageContaining("the role lacks INSERT on restaurant_id, adv_campaign_id, ");
  }

  @Test
  void refusesUnsuitableTableOfRefusedRows() {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "ALTER TABLE subscribers_feedback_refused DROP COLUMN reason,"
                + " ALTER COLUMN client_id TYPE varchar(255), ALTER COLUMN restaurant_id TYPE uuid USING NULL,"
                + " ALTER COLUMN datetime_created TYPE int4, ALTER COLUMN adv_campaign_datetime_end TYPE timestamp USING NULL");
    assertThatThrownBy(feedback::write)
        .hasMessage(
            "Table public.subscribers_feedback_refused cannot take refused rows:"
                + " column reason is missing;"
                + " column restaurant_id cannot store every value, change its type to text;"
                + " column adv_campaign_datetime_end cannot store every value, change its type to bigint;"
                + " column datetime_created cannot store every value, change its type to bigint;"
                + " column client_id cannot store every value, change its type to text");
    feedback.database.execute("DROP TABLE subscribers_feedback_refused");
    assertThatThrownBy(feedback::write)
        .hasMessageStartingWith("Table public.subscribers_feedback_refused does not exist");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "UNIQUE (restaurant_id, adv_campaign_id, client_id)",
        "UNIQUE (client_id, datetime_created, adv_campaign_id, restaurant_id)",
        "UNIQUE (client_id, adv_campaign_id, restaurant_id) INCLUDE (datetime_created)",
        "UNIQUE NULLS NOT DISTINCT (feedback, client_id, adv_campaign_id, restaurant_id)",
        "UNIQUE (restaurant_id, adv_campaign_id, client_id, datetime_created),"
            + " ADD UNIQUE (restaurant_id, adv_campaign_id, client_id)",
        "DROP CONSTRAINT id_pk, ADD PRIMARY KEY (restaurant_id, adv_campaign_id, client_id)"
      })
  void countsExistingRows(String constraint) throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "ALTER TABLE subscribers_feedback "
                + (constraint.startsWith("DROP") ? constraint : "ADD " + constraint));
    feedback.write(batch(promo("r", "c"), "a", "b"));
    feedback.write(batch(promo("r", "c"), "b", "d"), batch(promo("s", "c"), "b"));
    assertThat(feedback.rows()).containsExactly("r c a", "r c b", "r c d", "s c b");
    assertThat(feedback.counts()).containsExactly(4L, 0L, 1L);
  }

  /** A newer version of a promo counts as the same delivery. */
  @Test
  void usesUniqueIndexWithFewestColumns() throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "ALTER TABLE subscribers_feedback ADD UNIQUE (restaurant_id, adv_campaign_id, client_id, datetime_created),"
                + " ADD UNIQUE (restaurant_id, adv_campaign_id, client_id)");
    feedback.write(batch(promo("r", "c"), "a"));
    feedback.write(batch(new Promo("r", "c", "", "", "", 1, 1, 1), "a"));
    assertThat(feedback.counts()).containsExactly(1L, 0L, 1L);
  }

  @Test
  void writesDuplicatesWithoutUniqueIndex() throws Exception {
    FeedbackTableFixture feedback = FeedbackTableFixture.with("");
    feedback.write(batch(promo("r", "c"), "a"));
    feedback.write(batch(promo("r", "c"), "a"));
    assertThat(feedback.rows()).containsExactly("r c a", "r c a");
    assertThat(feedback.counts()).containsExactly(2L, 0L, 0L);
  }

  /**
   * Rows that conflict with another index are set aside, because they are not known to be
   * duplicates.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "CREATE UNIQUE INDEX ON subscribers_feedback (restaurant_id, adv_campaign_id, client_id) WHERE feedback IS NULL",
        "CREATE UNIQUE INDEX ON subscribers_feedback (restaurant_id, adv_campaign_id, lower(client_id))",
        "CREATE UNIQUE INDEX ON subscribers_feedback (restaurant_id, client_id)",
        "CREATE UNIQUE INDEX ON subscribers_feedback (restaurant_id, feedback) NULLS NOT DISTINCT",
        "ALTER TABLE subscribers_feedback ADD UNIQUE (restaurant_id, adv_campaign_id, client_id) DEFERRABLE INITIALLY DEFERRED",
        "CREATE EXTENSION btree_gist; ALTER TABLE subscribers_feedback ADD EXCLUDE USING gist"
            + " (restaurant_id WITH =, adv_campaign_id WITH =, client_id WITH =)",
        "CREATE EXTENSION btree_gist; ALTER TABLE subscribers_feedback ADD EXCLUDE USING gist"
            + " (restaurant_id WITH =, int8range(adv_campaign_datetime_start, adv_campaign_datetime_end, '[]') WITH &&)"
            + " DEFERRABLE INITIALLY DEFERRED"
      })
  void setsAsideDuplicatesOfOtherIndexes(String ddl) throws Exception {
    FeedbackTableFixture feedback = FeedbackTableFixture.with(ddl);
    feedback.write(batch(promo("r", "c"), "a"));
    feedback.write(batch(promo("r", "c"), "a"), batch(promo("s", "c"), "b"));
    assertThat(feedback.rows()).containsExactly("r c a", "s c b");
    assertThat(feedback.refused()).containsExactly("r c a");
    assertThat(feedback.reasons()).singleElement().asString().startsWith("23");
    assertThat(feedback.counts()).containsExactly(2L, 1L, 0L);
  }

  /** ON CONFLICT reads the columns of the index, which requires the privilege to SELECT them. */
  @Test
  void setsAsideDuplicatesWithoutSelectPrivilege() throws Exception {
    String role = "blind_writer";
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            """
            CREATE UNIQUE INDEX ON subscribers_feedback (restaurant_id, adv_campaign_id, client_id);
            CREATE ROLE %1$s LOGIN PASSWORD 'x';
            GRANT INSERT ON subscribers_feedback, subscribers_feedback_refused TO %1$s"""
                .formatted(role));
    Database blind = feedback.database.as(role, "x");
    String table = "public.subscribers_feedback";
    feedback.writeInto(table, blind, batch(promo("r", "c"), "a"));
    feedback.writeInto(table, blind, batch(promo("r", "c"), "a", "b"));
    assertThat(feedback.counts()).containsExactly(2L, 1L, 0L);
    feedback.database.execute(
        "GRANT SELECT (restaurant_id, adv_campaign_id, client_id) ON subscribers_feedback TO "
            + role);
    feedback.writeInto(table, blind, batch(promo("r", "c"), "a", "b"));
    assertThat(feedback.counts()).containsExactly(2L, 1L, 2L);
  }

  /** Older versions of the service's feedback table: see the contract. */
  @Test
  void acceptsTableOfExistingInstallation() throws Exception {
    FeedbackTableFixture feedback =
        FeedbackTableFixture.with(
            "DROP TABLE subscribers_feedback; CREATE TABLE subscribers_feedback (%s)"
                .formatted(TestDatabase.EXISTING_FEEDBACK_COLUMNS));
    feedback.write(batch(promo("r", "c"), "a"));
    assertThat(feedback.rows()).containsExactly("r c a");
  }
}
