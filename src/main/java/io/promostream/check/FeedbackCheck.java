package io.promostream.check;

import io.promostream.config.JobConfig;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.FeedbackTable;
import io.promostream.feedback.FeedbackTable.Role;
import io.promostream.postgres.Identifiers;
import io.promostream.promo.Promo;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Checks the server and the tables of the feedback sink. */
final class FeedbackCheck extends DatabaseCheck {

  private static final Set<String> OWN_TEXT_TYPES = Set.of("text", "varchar", "bpchar", "citext");
  private static final Set<String> OWN_TIME_TYPES = Set.of("int8", "numeric");

  private static final Map<String, Long> GREATEST =
      Map.of(
          "int2", (long) Short.MAX_VALUE,
          "int4", (long) Integer.MAX_VALUE,
          "int8", Long.MAX_VALUE);

  private final JobConfig.Feedback config;

  FeedbackCheck(JobConfig config, Findings findings) {
    super("feedback", config.feedback().database(), config.feedback().table(), "INSERT", findings);
    this.config = config.feedback();
  }

  @Override
  void checkServer() throws SQLException {
    String subject = "feedback.db";
    if (query("SELECT pg_is_in_recovery() AS standby", row -> row.getBoolean("standby")).get(0)) {
      findings.problem(subject, "is a standby", "set feedback.db.url to the primary server");
    }
    requireVersion(14, "older ones are not tested");
    if (!setting("server_encoding").equals("UTF8")) {
      findings.warning(
          subject,
          "its encoding is " + setting("server_encoding"),
          "rows with characters that it lacks are refused, and lengths may count bytes; use a database in UTF8");
    }
    if (query(
            "SELECT FROM pg_language WHERE lanname = 'plpgsql' AND has_language_privilege(oid, 'USAGE')",
            row -> true)
        .isEmpty()) {
      findings.problem(
          subject,
          "no PL/pgSQL, which the sink needs to set refused rows aside",
          "CREATE EXTENSION plpgsql, and GRANT USAGE ON LANGUAGE plpgsql TO " + role());
    }
  }

  @Override
  void checkTable(long oid, Map<String, Column> columns) throws SQLException {
    checkPresent(FeedbackTable.WRITTEN.keySet(), columns);
    for (Column column : columns.values()) {
      if (!FeedbackTable.WRITTEN.containsKey(column.name())) {
        checkOther(oid, column);
      } else if (column.generated()) {
        findings.problem(
            subject(), column.name() + " is computed", "make it a column that the job can write");
      } else {
        checkType(column);
      }
    }
    checkGranted(FeedbackTable.WRITTEN.keySet(), columns);
    checkRowSecurity(oid, "the job's rows may be refused");
    checkKind(table(), oid);
    checkSequences(oid, columns);
    checkRefusals(oid);
    checkConflictTarget(oid);
  }

  private void checkOther(long oid, Column column) throws SQLException {
    if (column.filledByItself()) {
      return;
    }
    String found = column.name() + " is NOT NULL without default, and the job does not write it";
    if (query(
            "SELECT FROM pg_trigger WHERE tgrelid = ? AND NOT tgisinternal AND tgtype & 7 = 7",
            row -> true,
            oid)
        .isEmpty()) {
      findings.problem(subject(), found, "give it a default, or DROP NOT NULL");
    } else {
      findings.warning(subject(), found, "make sure that a trigger fills it");
    }
  }

  private void checkType(Column column) {
    Role role = FeedbackTable.WRITTEN.get(column.name());
    boolean text = role == Role.TEXT;
    String found = column.name() + " is " + column.type();
    if (text && column.baseType().equals("uuid")) {
      if (FeedbackTable.KEY.contains(column.name())) {
        findings.ok(subject(), found + ": promos and clients with other ids are left out");
      } else {
        findings.warning(subject(), found, "promos with other texts are rejected; make it a text");
      }
    } else if (!role.accepts(column.baseType())) {
      findings.problem(
          subject(),
          found,
          text
              ? "it must be text, varchar, char, citext or uuid"
              : "it must be bigint, integer, numeric, timestamp or timestamptz");
    } else if (text
        && column.length() > 0
        && !(FeedbackTable.KEY.contains(column.name()) && column.length() >= Promo.MAX_ID_CHARS)) {
      findings.warning(
          subject(),
          found,
          column.name().equals(DeliveryBatch.CLIENT_ID)
              ? "clients with longer ids receive no promo"
              : "promos with longer texts are rejected");
    } else if (column.baseType().equals("int4")) {
      findings.warning(
          subject(),
          column.name() + " is integer, which overflows on 2038-01-19",
          "ALTER TABLE %s ALTER COLUMN %s TYPE bigint, when there is time"
              .formatted(Identifiers.quote(table()), column.name()));
    }
  }

  private void checkKind(TableName name, long oid) throws SQLException {
    String kind =
        query(
                "SELECT relkind::text || relpersistence::text AS kind FROM pg_class WHERE oid = ?",
                row -> row.getString("kind"),
                oid)
            .get(0);
    if (!kind.endsWith("p")) {
      findings.problem(
          subject(name),
          "is UNLOGGED, so a crash of the server empties it",
          "ALTER TABLE ... SET LOGGED");
    }
    if (kind.startsWith("m")) {
      findings.problem(
          subject(name), "is a materialized view", "name a table in the configuration");
    }
  }

  /**
   * Lists the constraints, triggers, indexes and domains of the table and its partitions that can
   * refuse a row. A unique index with a column filled by a sequence is skipped: it never conflicts.
   */
  private void checkRefusals(long oid) throws SQLException {
    List<String> refusals =
        query(
            """
            WITH relations AS (
              SELECT relid::oid AS relation FROM pg_partition_tree(?::oid::regclass)
              UNION SELECT ?::oid)
            SELECT what FROM (
              SELECT CASE contype WHEN 'c' THEN 'CHECK ' WHEN 'f' THEN 'foreign key '
                     ELSE 'exclusion constraint ' END || conname AS what
              FROM pg_constraint JOIN relations ON conrelid = relation
              WHERE contype IN ('c', 'f', 'x') AND conparentid = 0 AND (contype <> 'c' OR conislocal)
              UNION
              SELECT 'CHECK ' || conname || ' of a domain'
              FROM pg_constraint JOIN pg_attribute ON atttypid = contypid
              WHERE attrelid = ? AND contype = 'c'
              UNION
              SELECT 'trigger ' || tgname FROM pg_trigger JOIN relations ON tgrelid = relation
              WHERE NOT tgisinternal AND tgparentid = 0 AND tgtype & 4 = 4 AND tgenabled <> 'D'
              UNION
              SELECT 'unique index ' || c.relname
              FROM pg_index i JOIN relations ON i.indrelid = relation
              JOIN pg_class c ON c.oid = i.indexrelid
              WHERE i.indisunique AND NOT i.indisexclusion
                AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = i.indexrelid)
                AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL OR NOT i.indimmediate
                  OR NOT %s <@ ARRAY(
                    SELECT a.attname::text FROM pg_attribute a
                    WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)))
                AND NOT EXISTS (
                  SELECT FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = d.classid
                    AND d.refobjid = i.indrelid AND d.refobjsubid = ANY (i.indkey))
              UNION
              SELECT 'no DEFAULT partition' FROM pg_partitioned_table
              WHERE partrelid = ? AND partdefid = 0) AS refusals (what)
            ORDER BY what
            """
                .formatted(FeedbackTable.KEY_ARRAY),
            row -> row.getString("what"),
            oid,
            oid,
            oid,
            oid);
    if (!refusals.isEmpty()) {
      findings.warning(
          subject(),
          "can refuse rows: " + String.join(", ", refusals),
          "make sure that they accept all deliveries; refused rows go to " + config.refusedTable());
    }
  }

  /** ON CONFLICT needs SELECT on the columns of the unique index. */
  private void checkConflictTarget(long oid) throws SQLException {
    List<String> unreadable =
        query(
            """
            SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            CROSS JOIN LATERAL (
              SELECT array_agg(a.attname::text) AS names,
                     bool_and(has_column_privilege(a.attrelid, a.attnum, 'SELECT')) AS readable
              FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) k
            WHERE i.indrelid = ? AND i.indisunique AND i.indimmediate AND i.indpred IS NULL
              AND i.indexprs IS NULL AND NOT k.readable
              AND k.names @> %s
            """
                .formatted(FeedbackTable.KEY_ARRAY),
            row -> row.getString("relname"),
            oid);
    if (!unreadable.isEmpty()) {
      findings.warning(
          subject(),
          "unique index %s knows rows that are already there, but its columns can't be read, so these are set aside"
              .formatted(String.join(", ", unreadable)),
          "GRANT SELECT (its columns) ON %s TO %s".formatted(Identifiers.quote(table()), role()));
    }
  }

  @Override
  void checkMore() throws SQLException {
    checkCommits(config.commitsTable());
    checkRefused(config.refusedTable());
  }

  private void checkCommits(TableName name) throws SQLException {
    Map<String, Set<String>> types =
        Map.of(
            "prefix",
            OWN_TEXT_TYPES,
            "writer",
            OWN_TEXT_TYPES,
            "owner",
            OWN_TEXT_TYPES,
            "sequence",
            Set.of("int8"),
            "records",
            Set.of("int8"),
            "updated_at",
            Set.of("timestamptz", "timestamp"));
    Optional<Long> oid = find(name, "commits-table");
    if (oid.isPresent()) {
      checkSmallTable(
          name, oid.get(), "commits-table", types, List.of("SELECT", "INSERT", "UPDATE"));
      if (query(
              """
              SELECT FROM pg_index i
              WHERE i.indrelid = ? AND i.indisunique AND i.indimmediate AND i.indisvalid
                AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = 2
                AND ARRAY['prefix', 'writer'] <@ ARRAY(
                  SELECT a.attname::text FROM pg_attribute a
                  WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey))
              """,
              row -> true,
              oid.get())
          .isEmpty()) {
        findings.problem(
            subject(name),
            "no PRIMARY KEY (prefix, writer), by which a row is written once",
            "add it as in feedback.sql in the jar");
      }
    }
  }

  private void checkRefused(TableName name) throws SQLException {
    Map<String, Set<String>> types = new HashMap<>();
    FeedbackTable.WRITTEN.forEach(
        (column, role) -> types.put(column, role == Role.TEXT ? OWN_TEXT_TYPES : OWN_TIME_TYPES));
    types.put("reason", OWN_TEXT_TYPES);
    Optional<Long> oid = find(name, "refused-table");
    if (oid.isPresent()) {
      checkSmallTable(name, oid.get(), "refused-table", types, List.of("INSERT"));
    }
  }

  /** Checks a table created by feedback.sql, which must accept every value that the job writes. */
  private void checkSmallTable(
      TableName name, long oid, String key, Map<String, Set<String>> types, List<String> privileges)
      throws SQLException {
    Map<String, Column> columns = Map.of();
    for (String privilege : privileges) {
      columns = columns(oid, privilege);
      checkGranted(name, privilege, types.keySet(), columns);
    }
    checkPresent(name, key, types.keySet(), columns);
    for (Column column : columns.values()) {
      Set<String> accepted = types.get(column.name());
      if (accepted == null ? !column.filledByItself() : isNarrow(column, accepted)) {
        findings.problem(
            subject(name),
            "%s is %s%s"
                .formatted(column.name(), column.type(), accepted == null ? " NOT NULL" : ""),
            "define it as in feedback.sql in the jar");
      }
    }
    checkKind(name, oid);
  }

  private static boolean isNarrow(Column column, Set<String> accepted) {
    return !accepted.contains(column.baseType()) || column.length() > 0;
  }

  /**
   * A sequence that fills a column.
   *
   * @param usable whether the role may call nextval; identity columns do not need that right
   * @param last the last value, or null if the sequence is unused or the role may not read it
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

  /** Finds the sequences of identity columns and of column defaults. */
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

  /** Every row consumes a number, even when it is rolled back, so an int4 column can run out. */
  private void checkLeft(Sequence sequence, Column column) {
    long greatest =
        Math.min(sequence.greatest(), GREATEST.getOrDefault(column.baseType(), Long.MAX_VALUE));
    if (!sequence.seen()) {
      findings.warning(
          subject(),
          "cannot read the sequence of %s".formatted(column.name()),
          "GRANT SELECT ON SEQUENCE %s, or check it with another role".formatted(sequence.name()));
      return;
    }
    long last = sequence.last() == null ? 0 : sequence.last();
    long percent = (long) (100.0 * last / greatest);
    String found = "%s has used %d %% of %d".formatted(column.name(), percent, greatest);
    String remedy =
        "ALTER TABLE %s ALTER COLUMN %s TYPE bigint (it rewrites the table), and ALTER SEQUENCE %s AS bigint"
            .formatted(Identifiers.quote(table()), column.name(), sequence.name());
    if (percent >= 95) {
      findings.problem(subject(), found, remedy);
    } else if (percent >= 50) {
      findings.warning(subject(), found, remedy);
    } else {
      findings.ok(subject(), found);
    }
  }
}
