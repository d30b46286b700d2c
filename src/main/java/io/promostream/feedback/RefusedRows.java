package io.promostream.feedback;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.postgres.Identifiers;
import io.promostream.postgres.SqlStateClass;
import io.promostream.promo.PromoField;
import java.io.IOException;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

/**
 * Inserts rows when the table refuses some of them. The transaction writes each refused row with
 * its reason to the table of refused rows. Restaurants with valid rows are not affected.
 *
 * <p>If a group of rows fails, a PL/pgSQL block inserts it row by row in the server. This takes one
 * second for 10,000 refused rows. One statement per row from the client took twenty times as long
 * and wrote each error to the server's log.
 *
 * <p>Some errors may have another cause than the row, such as a missing privilege. They are
 * uncertain, and count as a refusal only if the table accepts other rows of the same transaction.
 * Otherwise a revoked privilege would set all rows aside.
 */
final class RefusedRows {

  /** An error of these classes always refers to the row. */
  private static final Set<String> OF_ROW =
      Set.of(
          SqlStateClass.TRIGGERED_ACTION_EXCEPTION,
          SqlStateClass.DATA_EXCEPTION,
          SqlStateClass.INTEGRITY_CONSTRAINT_VIOLATION,
          SqlStateClass.TRIGGERED_DATA_CHANGE_VIOLATION,
          SqlStateClass.EXTERNAL_ROUTINE_EXCEPTION,
          SqlStateClass.EXTERNAL_ROUTINE_INVOCATION_EXCEPTION,
          SqlStateClass.WITH_CHECK_OPTION_VIOLATION,
          SqlStateClass.PROGRAM_LIMIT_EXCEEDED,
          SqlStateClass.PLPGSQL_ERROR);

  /**
   * An error of these classes refers to the connection, the transaction or the server, so only
   * another attempt helps. An error of any class in neither set may refer to the row. Examples of
   * class 42 are a row security policy and a broken trigger.
   */
  private static final Set<String> NOT_OF_ROW =
      Set.of(
          SqlStateClass.CONNECTION_EXCEPTION,
          SqlStateClass.INVALID_TRANSACTION_STATE,
          SqlStateClass.INVALID_AUTHORIZATION_SPECIFICATION,
          SqlStateClass.INVALID_CATALOG_NAME,
          SqlStateClass.TRANSACTION_ROLLBACK,
          SqlStateClass.INSUFFICIENT_RESOURCES,
          SqlStateClass.OBJECT_NOT_IN_PREREQUISITE_STATE,
          SqlStateClass.OPERATOR_INTERVENTION,
          SqlStateClass.SYSTEM_ERROR,
          SqlStateClass.SNAPSHOT_FAILURE,
          SqlStateClass.CONFIGURATION_FILE_ERROR);

  /** The server function that reports the RAISE of a trigger, whatever the SQLSTATE is. */
  private static final String RAISE_ROUTINE = "exec_stmt_raise";

  /**
   * Inserts row by row.
   *
   * <ul>
   *   <li>DO has no parameters, so a setting of the transaction passes the rows as JSON. Another
   *       setting returns the outcome.
   *   <li>Each text is passed twice. The base64 form lets the server refuse only the row that has a
   *       character that the encoding of the database lacks. Such a row is set aside in the other
   *       form, ASCII with escapes.
   *   <li>PL/pgSQL does not tell which function raised an error, but the context names the RAISE
   *       statement.
   * </ul>
   */
  private static final String ROW_BY_ROW =
      """
      DECLARE
        v_promo json; v_client json; v_rows int8;
        v_state text; v_message text; v_detail text; v_context text; v_raised bool; v_certain bool;
        v_reason text; v_inserted int8 := 0; v_refused int8 := 0; v_passed bool := false;
        v_uncertain text; v_uncertain_state text; v_example text;
      BEGIN
        FOR v_promo, v_client IN
          SELECT b.value->'promo', c.value
          FROM pg_catalog.json_array_elements(
                 pg_catalog.current_setting('promo_stream.rows')::json) AS b,
               pg_catalog.json_array_elements(b.value->'clients') AS c
        LOOP
          BEGIN
            %1$s;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
            v_inserted := v_inserted + v_rows;
            v_passed := v_passed OR v_rows > 0 OR %2$s;
          EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
            GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
              v_detail = PG_EXCEPTION_DETAIL, v_context = PG_EXCEPTION_CONTEXT;
            v_raised := v_context ~ '^[^\\n]* RAISE(\\n|$)';
            IF NOT v_raised AND pg_catalog.left(v_state, 2) = ANY (ARRAY[%4$s]) THEN
              RAISE;
            END IF;
            v_certain := pg_catalog.left(v_state, 2) = ANY (ARRAY[%3$s])
              OR v_raised AND pg_catalog.left(v_state, 2) <> ALL (ARRAY[%4$s]);
            v_reason := v_state || ' ' || v_message
              || CASE WHEN v_detail <> '' THEN ' ' || v_detail ELSE '' END;
            v_refused := v_refused + 1;
            IF NOT v_certain THEN
              v_uncertain := v_message;
              v_uncertain_state := v_state;
            END IF;
            v_example := pg_catalog.format('restaurant %%s, campaign %%s, client %%s: %%s',
              %7$s, v_reason);
            BEGIN
              %5$s;
            EXCEPTION WHEN untranslatable_character THEN
              %6$s;
            END;
          END;
        END LOOP;
        PERFORM pg_catalog.set_config('promo_stream.outcome', pg_catalog.json_build_object(
          'inserted', v_inserted, 'refused', v_refused, 'passed', v_passed, 'uncertain', v_uncertain,
          'state', v_uncertain_state, 'example', v_example)::text, true);
      END""";

  private static final String OUTCOME =
      """
      SELECT (o->>'inserted')::int8 AS inserted, (o->>'refused')::int8 AS refused,
             (o->>'passed')::bool AS passed, o->>'uncertain' AS uncertain, o->>'state' AS state,
             o->>'example' AS example
      FROM (SELECT pg_catalog.current_setting('promo_stream.outcome')::json) AS outcome (o)
      """;

  private static final JsonFactory JSON = new JsonFactory();

  /** Decodes the base64 form of a text. */
  private static final String TEXT =
      "pg_catalog.convert_from(pg_catalog.decode(%s ->> 0, 'base64'), 'UTF8')";

  /** The ASCII form of a text. */
  private static final String ESCAPED = "%s ->> 1";

  private final Connection connection;
  private final FeedbackTable table;
  private final TableName refusedTable;
  private int inserted;
  private int refused;
  private boolean passed;
  private @Nullable SQLException uncertain;
  private String example = "";

  RefusedRows(Connection connection, FeedbackTable table, TableName refusedTable) {
    this.connection = connection;
    this.table = table;
    this.refusedTable = refusedTable;
  }

  /** Whether an error may refer to a row. */
  static boolean isRefusal(SQLException e) {
    String state = e.getSQLState();
    boolean raised =
        e instanceof PSQLException refusal
            && refusal.getServerErrorMessage() != null
            && RAISE_ROUTINE.equals(refusal.getServerErrorMessage().getRoutine());
    return raised
        || (state != null && state.length() == 5 && !NOT_OF_ROW.contains(SqlStateClass.of(state)));
  }

  /**
   * Inserts the rows that the table accepts, and sets the others aside.
   *
   * @throws SQLException if the cause of a failure is not in the rows
   */
  void insert(List<List<DeliveryBatch>> pieces) throws SQLException {
    List<List<DeliveryBatch>> failed = new ArrayList<>();
    for (List<DeliveryBatch> piece : pieces) {
      if (!insertWhole(piece)) {
        failed.add(piece);
      }
    }
    for (List<DeliveryBatch> piece : failed) {
      insertRowByRow(piece);
    }
    if (uncertain != null && !passed) {
      throw uncertain;
    }
  }

  private boolean insertWhole(List<DeliveryBatch> piece) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      int rows = FeedbackRows.insert(connection, table.insert(), piece);
      connection.releaseSavepoint(before);
      inserted += rows;
      passed |= rows > 0 || acceptsWithoutInserting();
      return true;
    } catch (SQLException e) {
      if (!isRefusal(e)) {
        throw e;
      }
      connection.rollback(before);
      return false;
    }
  }

  /**
   * Whether an INSERT without an error proves that the table accepts rows. A trigger may redirect
   * rows, and then the server counts none. With ON CONFLICT, the rows may only have been there
   * already.
   */
  private boolean acceptsWithoutInserting() {
    return table.conflictTarget() == null;
  }

  private void insertRowByRow(List<DeliveryBatch> piece) throws SQLException {
    try (PreparedStatement rows =
            connection.prepareStatement(
                "SELECT pg_catalog.set_config('promo_stream.rows', ?, true)");
        Statement statement = connection.createStatement()) {
      rows.setString(1, json(piece));
      rows.execute();
      statement.setEscapeProcessing(false);
      statement.execute(
          "DO '%s'".formatted(connection.unwrap(PGConnection.class).escapeLiteral(rowByRow())));
      try (ResultSet outcome = statement.executeQuery(OUTCOME)) {
        outcome.next();
        inserted += outcome.getInt("inserted");
        refused += outcome.getInt("refused");
        passed |= outcome.getBoolean("passed");
        if (outcome.getString("uncertain") != null) {
          uncertain = new SQLException(outcome.getString("uncertain"), outcome.getString("state"));
        }
        if (outcome.getString("example") != null) {
          example = outcome.getString("example");
        }
      }
    }
  }

  private String rowByRow() {
    String columns = String.join(", ", FeedbackTable.WRITTEN.keySet());
    String setAside =
        "INSERT INTO %s (%s, reason) SELECT %s, v_reason FROM (SELECT %s) AS row"
            .formatted(Identifiers.quote(refusedTable), columns, columns, "%s");
    return ROW_BY_ROW.formatted(
        table.insert("(SELECT " + values(TEXT) + ") AS row"),
        acceptsWithoutInserting(),
        literals(OF_ROW),
        literals(NOT_OF_ROW),
        setAside.replace("%s", values(TEXT)),
        setAside.replace("%s", values(ESCAPED)),
        FeedbackTable.KEY.stream()
            .map(column -> ESCAPED.formatted(value(column)))
            .collect(joining(", ")));
  }

  /** The values of a row, with the names of their columns. */
  private static String values(String text) {
    return FeedbackTable.WRITTEN.entrySet().stream()
        .map(
            column ->
                (column.getValue() == FeedbackTable.Role.TIME ? "(%s)::text::int8" : text)
                        .formatted(value(column.getKey()))
                    + " AS "
                    + column.getKey())
        .collect(joining(", "));
  }

  private static String value(String column) {
    return column.equals(DeliveryBatch.CLIENT_ID) ? "v_client" : "(v_promo -> '" + column + "')";
  }

  private static String literals(Set<String> classes) {
    return new TreeSet<>(classes).stream().map(each -> "'" + each + "'").collect(joining(", "));
  }

  private static String json(List<DeliveryBatch> batches) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartArray();
      for (DeliveryBatch batch : batches) {
        json.writeStartObject();
        json.writeObjectFieldStart("promo");
        for (PromoField field : PromoField.values()) {
          json.writeFieldName(field.toString());
          if (field.isTime()) {
            json.writeNumber(field.time(batch.promo()));
          } else {
            write(json, field.text(batch.promo()));
          }
        }
        json.writeNumberField(DeliveryBatch.MATCHED_AT, batch.matchedAt());
        json.writeEndObject();
        json.writeArrayFieldStart("clients");
        for (String client : batch.clients().clientIds()) {
          write(json, client);
        }
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndArray();
    } catch (IOException e) {
      throw new IllegalStateException("Cannot write to a StringWriter", e);
    }
    return text.toString();
  }

  private static void write(JsonGenerator json, String text) throws IOException {
    StringBuilder ascii = new StringBuilder();
    text.chars()
        .forEach(c -> ascii.append(c < 0x7f ? Character.toString(c) : "\\u%04x".formatted(c)));
    json.writeStartArray();
    json.writeString(Base64.getEncoder().encodeToString(text.getBytes(UTF_8)));
    json.writeString(ascii.toString());
    json.writeEndArray();
  }

  /** How many rows were inserted. */
  int inserted() {
    return inserted;
  }

  /** How many rows the table refused. */
  int count() {
    return refused;
  }

  /** The ids and the reason of one refused row, for the log. */
  String example() {
    return example;
  }

  /** Whether a refusal may have another cause than its row. */
  boolean hasUncertainRefusal() {
    return uncertain != null;
  }
}
