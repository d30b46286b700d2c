package io.promostream.postgres;

/**
 * The classes of SQLSTATE codes that the job tells apart, with the names that Postgres gives them.
 * The first two characters of a code are its class.
 */
public final class SqlStateClass {

  public static final String CONNECTION_EXCEPTION = "08";
  public static final String TRIGGERED_ACTION_EXCEPTION = "09";
  public static final String DATA_EXCEPTION = "22";
  public static final String INTEGRITY_CONSTRAINT_VIOLATION = "23";
  public static final String INVALID_TRANSACTION_STATE = "25";
  public static final String TRIGGERED_DATA_CHANGE_VIOLATION = "27";
  public static final String INVALID_AUTHORIZATION_SPECIFICATION = "28";
  public static final String EXTERNAL_ROUTINE_EXCEPTION = "38";
  public static final String EXTERNAL_ROUTINE_INVOCATION_EXCEPTION = "39";
  public static final String INVALID_CATALOG_NAME = "3D";
  public static final String TRANSACTION_ROLLBACK = "40";
  public static final String WITH_CHECK_OPTION_VIOLATION = "44";
  public static final String INSUFFICIENT_RESOURCES = "53";
  public static final String PROGRAM_LIMIT_EXCEEDED = "54";
  public static final String OBJECT_NOT_IN_PREREQUISITE_STATE = "55";
  public static final String OPERATOR_INTERVENTION = "57";
  public static final String SYSTEM_ERROR = "58";
  public static final String SNAPSHOT_FAILURE = "72";
  public static final String CONFIGURATION_FILE_ERROR = "F0";
  public static final String PLPGSQL_ERROR = "P0";

  private SqlStateClass() {}

  /** The class of a code. */
  public static String of(String state) {
    return state.substring(0, 2);
  }
}
