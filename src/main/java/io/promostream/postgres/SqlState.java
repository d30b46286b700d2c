package io.promostream.postgres;

/**
 * The SQLSTATE codes that the job tells apart, with <a
 * href="https://www.postgresql.org/docs/current/errcodes-appendix.html">the names that Postgres
 * gives them</a>. The enum {@code PSQLState} of the driver lacks half of them.
 */
public final class SqlState {

  /** The driver uses this code when the server rejects the login. */
  public static final String CONNECTION_REJECTED = "08004";

  public static final String INVALID_AUTHORIZATION = "28000";
  public static final String INVALID_PASSWORD = "28P01";
  public static final String INVALID_CATALOG_NAME = "3D000";
  public static final String INSUFFICIENT_PRIVILEGE = "42501";
  public static final String UNDEFINED_COLUMN = "42703";
  public static final String UNDEFINED_TABLE = "42P01";
  public static final String TOO_MANY_CONNECTIONS = "53300";
  public static final String LOCK_NOT_AVAILABLE = "55P03";
  public static final String CANNOT_CONNECT_NOW = "57P03";

  private SqlState() {}
}
