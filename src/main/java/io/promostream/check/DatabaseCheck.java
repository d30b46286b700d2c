package io.promostream.check;

import io.promostream.config.Database;
import io.promostream.config.TableName;
import io.promostream.postgres.Connections;
import io.promostream.postgres.Identifiers;
import io.promostream.postgres.TransactionSettings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The checks that both databases share. They read the catalog and change nothing. */
abstract class DatabaseCheck {

  private static final int ANSWER_TIMEOUT_MILLIS = 20_000;

  /**
   * A column as described by the catalog.
   *
   * @param type the type to show, such as {@code character varying(20)}
   * @param category {@code typcategory} of {@code pg_type}; S is a string
   * @param baseType the internal name of the type, such as int8 or varchar
   * @param length the maximum length of a string in characters, 0 if unlimited
   * @param filledByItself whether an INSERT may omit the column
   * @param generated whether an INSERT must omit the column, because Postgres computes it
   * @param granted whether the role has the privilege that the job needs
   */
  record Column(
      int number,
      String name,
      String type,
      String category,
      String baseType,
      int length,
      boolean filledByItself,
      boolean generated,
      boolean granted) {

    boolean isText() {
      // The string types name and "char" truncate long values instead of refusing them.
      return category.equals("S") && !baseType.equals("name") && !baseType.equals("char");
    }

    /** Whether the text form of a value is unambiguous enough to serve as an id. */
    boolean isReadableId() {
      // S: strings, N: numbers, E: enums.
      return "SNE".contains(category) || baseType.equals("uuid");
    }
  }

  /** Converts one row of a query. */
  interface Reader<T> {
    T read(ResultSet row) throws SQLException;
  }

  private final String group;
  private final Database database;
  private final TableName table;
  private final String privilege;
  protected final Findings findings;
  private Connection connection;

  /**
   * A check of one database.
   *
   * @param group the prefix of the database's configuration keys
   * @param privilege the privilege that the job needs on the table's columns
   */
  DatabaseCheck(
      String group, Database database, TableName table, String privilege, Findings findings) {
    this.group = group;
    this.database = database;
    this.table = table;
    this.privilege = privilege;
    this.findings = findings;
  }

  /** Checks the server and, if the table exists, the table. */
  void run() throws SQLException {
    try (Connection opened = Connections.open(database, "promo-stream check")) {
      connection = opened;
      // The URL may disable the socket timeout.
      connection.setNetworkTimeout(Runnable::run, ANSWER_TIMEOUT_MILLIS);
      TransactionSettings.beginCatalog(connection);
      findings.ok(
          group + ".db",
          "PostgreSQL %s at %s as %s"
              .formatted(setting("server_version"), database.url(), database.user()));
      checkServer();
      Optional<Long> oid = find(table, "table");
      if (oid.isPresent()) {
        checkTable(oid.get(), columns(oid.get(), privilege));
      }
      checkMore();
    } catch (SQLException e) {
      if (connection == null) {
        findings.problem(group + ".db", e.getMessage());
      } else {
        throw e;
      }
    }
  }

  /** Checks the server's settings. */
  abstract void checkServer() throws SQLException;

  /** Checks the table. */
  abstract void checkTable(long oid, Map<String, Column> columns) throws SQLException;

  /** Checks everything else that the job needs in the database. */
  void checkMore() throws SQLException {}

  final String subject() {
    return subject(table);
  }

  static String subject(TableName name) {
    return "table " + name;
  }

  final TableName table() {
    return table;
  }

  final String setting(String name) throws SQLException {
    return query("SELECT current_setting(?) AS value", row -> row.getString("value"), name).get(0);
  }

  /** Reports a server older than the job supports. */
  final void requireVersion(int least, String why) throws SQLException {
    if (Integer.parseInt(setting("server_version_num")) < least * 10_000) {
      findings.problem(group + ".db", "is older than PostgreSQL " + least, "upgrade it: " + why);
    }
  }

  final <T> List<T> query(String sql, Reader<T> reader, Object... parameters) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      List<T> rows = new ArrayList<>();
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          rows.add(reader.read(result));
        }
      }
      return rows;
    }
  }

  /**
   * Finds a table, or reports that it does not exist.
   *
   * @param key the configuration key of the name, without the group
   */
  final Optional<Long> find(TableName name, String key) throws SQLException {
    List<Long> found = List.of();
    String reason = "does not exist in this database";
    Savepoint before = connection.setSavepoint();
    try {
      found =
          query(
              "SELECT oid FROM pg_class WHERE oid = to_regclass(?) AND relkind IN ('r', 'p', 'v', 'm', 'f')",
              row -> row.getLong("oid"),
              Identifiers.quote(name));
    } catch (SQLException e) {
      // The role lacks USAGE on the schema.
      connection.rollback(before);
      reason = e.getMessage();
    }
    if (found.isEmpty()) {
      findings.problem(
          subject(name),
          reason,
          "create it, correct %s.%s, or grant USAGE on its schema".formatted(group, key));
    }
    return found.stream().findFirst();
  }

  /** Reads the columns of a table and whether the role has a privilege on each. */
  final Map<String, Column> columns(long oid, String onEach) throws SQLException {
    Map<String, Column> columns = new LinkedHashMap<>();
    query(
            """
            WITH RECURSIVE types (attnum, type, modifier) AS (
              SELECT attnum, atttypid, atttypmod FROM pg_attribute
              WHERE attrelid = ? AND attnum > 0 AND NOT attisdropped
              UNION ALL
              SELECT types.attnum, d.typbasetype, d.typtypmod
              FROM types JOIN pg_type d ON d.oid = types.type AND d.typtype = 'd')
            SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type,
                   t.typcategory, t.typname AS base,
                   CASE WHEN t.typname IN ('varchar', 'bpchar') AND types.modifier > 4
                        THEN types.modifier - 4 ELSE 0 END AS length,
                   NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '' AS filled,
                   a.attgenerated <> '' OR a.attidentity = 'a' AS generated,
                   has_column_privilege(a.attrelid, a.attnum, ?) AS granted
            FROM types
            JOIN pg_type t ON t.oid = types.type AND t.typtype <> 'd'
            JOIN pg_attribute a ON a.attrelid = ? AND a.attnum = types.attnum
            ORDER BY a.attnum
            """,
            row ->
                new Column(
                    row.getInt("attnum"),
                    row.getString("attname"),
                    row.getString("type"),
                    row.getString("typcategory"),
                    row.getString("base"),
                    row.getInt("length"),
                    row.getBoolean("filled"),
                    row.getBoolean("generated"),
                    row.getBoolean("granted")),
            oid,
            onEach,
            oid)
        .forEach(column -> columns.put(column.name(), column));
    return columns;
  }

  /** Reports all missing columns in one finding. */
  final void checkPresent(Set<String> needed, Map<String, Column> columns) {
    checkPresent(table, "table", needed, columns);
  }

  final void checkPresent(
      TableName name, String key, Set<String> needed, Map<String, Column> columns) {
    List<String> missing = needed.stream().filter(column -> !columns.containsKey(column)).toList();
    if (!missing.isEmpty()) {
      findings.problem(
          subject(name),
          "lacks " + String.join(", ", missing),
          "add what is missing, or correct %s.%s".formatted(group, key));
    }
  }

  /** Reports all columns without the privilege in one finding. */
  final void checkGranted(Set<String> needed, Map<String, Column> columns) {
    checkGranted(table, privilege, needed, columns);
  }

  final void checkGranted(
      TableName name, String onEach, Set<String> needed, Map<String, Column> columns) {
    List<String> refused =
        columns.values().stream()
            .filter(column -> needed.contains(column.name()) && !column.granted())
            .map(Column::name)
            .toList();
    if (!refused.isEmpty()) {
      findings.problem(
          subject(name),
          "no right to %s %s".formatted(onEach, String.join(", ", refused)),
          "GRANT %s ON %s TO %s".formatted(onEach, Identifiers.quote(name), role()));
    } else if (columns.keySet().containsAll(needed)) {
      findings.ok(subject(name), "has all columns and grants " + onEach);
    }
  }

  /** The job's role, quoted for SQL. */
  final String role() {
    return Identifiers.quote(database.user());
  }

  final void checkRowSecurity(long oid, String consequence) throws SQLException {
    if (query("SELECT row_security_active(?::oid) AS on", row -> row.getBoolean("on"), oid)
        .get(0)) {
      findings.warning(
          subject(),
          "has row security, " + consequence,
          "see that the policies let \"%s\" through, or give it BYPASSRLS"
              .formatted(database.user()));
    }
  }
}
