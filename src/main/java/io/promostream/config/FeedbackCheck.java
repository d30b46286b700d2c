package io.promostream.config;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Looks at the server and the table that feedback rows go to. */
final class FeedbackCheck extends DatabaseCheck {

  /** Texts as long as the contract lets ids be. */
  private static final Set<String> IDS = Set.of("restaurant_id", "adv_campaign_id", "client_id");

  /** Texts of any length. */
  private static final Set<String> TEXTS =
      Set.of("adv_campaign_content", "adv_campaign_owner", "adv_campaign_owner_contact");

  private static final int ID_LENGTH = 255;

  private static final String TRIGGERED = "trigger_datetime_created";

  /** Seconds up to the year 9999, too many for an int4. */
  private static final Set<String> TIMES =
      Set.of("adv_campaign_datetime_start", "adv_campaign_datetime_end", "datetime_created");

  private static final Set<String> WRITTEN =
      Stream.of(IDS, TEXTS, TIMES, Set.of(TRIGGERED))
          .flatMap(Set::stream)
          .collect(Collectors.toUnmodifiableSet());

  private static final Map<String, Long> GREATEST =
      Map.of(
          "int2", (long) Short.MAX_VALUE,
          "int4", (long) Integer.MAX_VALUE,
          "int8", Long.MAX_VALUE);

  FeedbackCheck(JobConfig config, Findings findings) {
    super("feedback", config.feedback().database(), config.feedback().table(), "INSERT", findings);
  }

  @Override
  void checkServer() throws SQLException {
    String subject = "feedback.db";
    if (query("SELECT pg_is_in_recovery() AS standby", row -> row.getBoolean("standby")).get(0)) {
      findings.problem(subject, "is a standby", "set feedback.db.url to the primary server");
    }
    if (setting("default_transaction_read_only").equals("on")) {
      findings.problem(
          subject,
          "default_transaction_read_only is on",
          "set it to off for this role or database (ALTER ROLE ... SET)");
    }
    requireVersion(14, "older ones are not tested");
    if (!setting("server_encoding").equals("UTF8")) {
      findings.problem(
          subject,
          "its encoding is " + setting("server_encoding"),
          "use a database in UTF8: promos hold any character");
    }
  }

  @Override
  void checkTable(long oid, Map<String, Column> columns) throws SQLException {
    checkPresent(WRITTEN, columns);
    for (Column column : columns.values()) {
      if (!WRITTEN.contains(column.name())) {
        checkOther(column);
      } else if (column.generated()) {
        findings.problem(
            subject(), column.name() + " is computed", "make it a column that the job can write");
      } else {
        checkType(column);
      }
    }
    checkGranted(WRITTEN, columns);
    checkRowSecurity(oid, "the job's rows may be refused");
    checkKind(oid);
    checkSequences(oid, columns);
  }

  private void checkOther(Column column) {
    if (!column.filledByItself()) {
      findings.problem(
          subject(),
          column.name() + " is NOT NULL without default, and the job does not write it",
          "give it a default, or DROP NOT NULL");
    }
  }

  private void checkType(Column column) {
    String wrong = wrong(column);
    if (wrong != null) {
      findings.problem(subject(), column.name() + " is " + column.type(), wrong);
    } else if (column.name().equals(TRIGGERED) && column.baseType().equals("int4")) {
      findings.warning(
          subject(),
          TRIGGERED + " is integer, which ends on 2038-01-19",
          "ALTER TABLE %s ALTER COLUMN %s TYPE bigint, when there is time"
              .formatted(table().quoted(), TRIGGERED));
    }
  }

  private static @Nullable String wrong(Column column) {
    if (IDS.contains(column.name())) {
      return column.isText() && (column.length() == 0 || column.length() >= ID_LENGTH)
          ? null
          : "it must be a text of at least " + ID_LENGTH + " characters";
    }
    if (TEXTS.contains(column.name())) {
      return column.isText() && column.length() == 0 ? null : "it must be a text of any length";
    }
    boolean seconds = column.baseType().equals("int8") || column.type().equals("numeric");
    boolean enough = column.name().equals(TRIGGERED) && column.baseType().equals("int4");
    return seconds || enough ? null : "it must be bigint, for seconds";
  }

  private void checkKind(long oid) throws SQLException {
    String kind =
        query(
                "SELECT relkind::text || relpersistence::text AS kind FROM pg_class WHERE oid = ?",
                row -> row.getString("kind"),
                oid)
            .get(0);
    if (kind.endsWith("u")) {
      findings.problem(
          subject(), "is UNLOGGED, a crash of the server empties it", "ALTER TABLE ... SET LOGGED");
    }
    if (kind.startsWith("m")) {
      findings.problem(subject(), "is a materialized view", "set feedback.table to a table");
    }
  }

  /**
   * A sequence that fills a column.
   *
   * @param usable whether the job's role may take numbers from it; not asked for identity columns
   * @param last the last number given out, null if there is none or the role may not see it
   */
  private record Sequence(
      String name, int column, long greatest, boolean usable, @Nullable Long last, boolean seen) {}

  private void checkSequences(long oid, Map<String, Column> columns) throws SQLException {
    Map<Integer, Column> byNumber = new HashMap<>();
    columns.values().forEach(column -> byNumber.put(column.number(), column));
    for (Sequence sequence : sequences(oid)) {
      Column column = byNumber.get(sequence.column());
      if (!sequence.usable()) {
        findings.problem(
            subject(),
            "no right to " + sequence.name() + ", which fills " + column.name(),
            "GRANT USAGE ON SEQUENCE %s".formatted(sequence.name()));
      }
      checkLeft(sequence, column);
    }
  }

  /** The sequences of identity columns, and those that a column's default refers to. */
  private List<Sequence> sequences(long oid) throws SQLException {
    return query(
        """
        SELECT s.oid::regclass::text AS name, uses.attnum, q.seqmax,
               uses.identity OR has_sequence_privilege(s.oid, 'USAGE, UPDATE') AS usable,
               has_sequence_privilege(s.oid, 'USAGE, SELECT') AS seen,
               CASE WHEN has_sequence_privilege(s.oid, 'USAGE, SELECT')
                    THEN pg_sequence_last_value(s.oid) END AS last
        FROM (SELECT d.objid AS sequence, d.refobjsubid AS attnum, true AS identity
              FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                AND d.refobjid = ?::oid AND d.deptype = 'i'
              UNION ALL
              SELECT d.refobjid, f.adnum, false
              FROM pg_attrdef f
              JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> f.adrelid
              WHERE f.adrelid = ?::oid) uses
        JOIN pg_class s ON s.oid = uses.sequence AND s.relkind = 'S'
        JOIN pg_sequence q ON q.seqrelid = s.oid
        """,
        row ->
            new Sequence(
                row.getString("name"),
                row.getInt("attnum"),
                row.getLong("seqmax"),
                row.getBoolean("usable"),
                row.getObject("last", Long.class),
                row.getBoolean("seen")),
        oid,
        oid);
  }

  /** One number goes with each row, those that are rolled back too: an int4 ends some day. */
  private void checkLeft(Sequence sequence, Column column) {
    long greatest =
        Math.min(sequence.greatest(), GREATEST.getOrDefault(column.baseType(), Long.MAX_VALUE));
    if (!sequence.seen()) {
      findings.warning(
          subject(),
          "how far %s is used up can't be seen".formatted(column.name()),
          "GRANT SELECT ON SEQUENCE %s, or look at it yourself".formatted(sequence.name()));
      return;
    }
    long last = sequence.last() == null ? 0 : sequence.last();
    long percent = (long) (100.0 * last / greatest);
    String found = "%s has used %d %% of %d".formatted(column.name(), percent, greatest);
    String remedy =
        "ALTER TABLE %s ALTER COLUMN %s TYPE bigint (it rewrites the table), and ALTER SEQUENCE %s AS bigint"
            .formatted(table().quoted(), column.name(), sequence.name());
    if (percent >= 95) {
      findings.problem(subject(), found, remedy);
    } else if (percent >= 50) {
      findings.warning(subject(), found, remedy);
    } else {
      findings.ok(subject(), found);
    }
  }
}
