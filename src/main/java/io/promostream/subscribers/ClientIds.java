package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.Serializable;
import java.util.regex.Pattern;

/**
 * The rule for usable client ids: the feedback table must be able to store them. The rule exists
 * twice, as SQL and for rows that were read.
 *
 * @param maxChars the most characters of an id, if that is less than the job's own limit
 * @param uuid whether an id must be a UUID in a form that Postgres accepts
 */
public record ClientIds(int maxChars, boolean uuid) implements Serializable {

  /** Every id that the job itself can use. */
  public static final ClientIds ANY = new ClientIds(Integer.MAX_VALUE, false);

  /** Java and Postgres interpret this expression in the same way. */
  private static final String UUID_REGEX =
      "H|[{]H[}]".replace("H", "([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}");

  private static final Pattern UUID = Pattern.compile(UUID_REGEX);

  /** Finds the rule in the task, at the first refresh. */
  @FunctionalInterface
  public interface Lookup extends Serializable {

    /**
     * Returns the rule.
     *
     * @throws IOException if the columns of the feedback table cannot be read
     */
    ClientIds find() throws IOException;
  }

  /** Returns the rule as an SQL condition. The id is an SQL expression. */
  String condition(String id) {
    return uuid ? " AND %s COLLATE \"C\" ~ '^(%s)$'".formatted(id, UUID_REGEX) : "";
  }

  /** Whether an id has an allowed form. The caller checks its length. */
  boolean hasAllowedForm(CopyRows rows, int row, int column) {
    return !uuid
        || UUID.matcher(
                new String(
                    rows.bytes(row), rows.start(row, column), rows.length(row, column), UTF_8))
            .matches();
  }
}
