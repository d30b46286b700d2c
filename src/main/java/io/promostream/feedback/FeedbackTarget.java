package io.promostream.feedback;

import io.promostream.config.Database;
import io.promostream.config.TableName;
import java.io.IOException;
import java.io.Serializable;
import java.sql.SQLException;

/** The feedback table, and how its errors are told. */
record FeedbackTarget(Database database, TableName table) implements Serializable {

  // SQLSTATEs, https://www.postgresql.org/docs/current/errcodes-appendix.html
  static final String UNDEFINED_OBJECT = "42704";
  static final String INSUFFICIENT_PRIVILEGE = "42501";
  static final String FEATURE_NOT_SUPPORTED = "0A000";
  static final String NOT_IN_PREREQUISITE_STATE = "55000";
  static final String INVALID_PARAMETER_VALUE = "22023";

  /** What failed, where, why, and what to do about it. */
  IOException failure(String what, SQLException e) {
    return new IOException("%s: %s%s".formatted(at(what), e.getMessage(), advice(e)), e);
  }

  /** What happened, and to which table. */
  String at(String what) {
    // What follows the question mark may hold a password.
    return "%s (table %s, %s, role %s)"
        .formatted(what, table, database.url().replaceFirst("\\?.*", ""), database.user());
  }

  private String advice(SQLException e) {
    return switch (String.valueOf(e.getSQLState())) {
      case INSUFFICIENT_PRIVILEGE ->
          ". The role needs INSERT on the table, USAGE on its schema and on the sequence of a serial id";
      case "42P01", "42703" ->
          ". The job creates no tables: create this one as its feedback.sql says, or set feedback.table";
      case "55P03" ->
          ". Another session locks the table: pg_locks and pg_blocking_pids() tell which";
      default -> "";
    };
  }
}
