package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.Serializable;
import java.util.regex.Pattern;

/**
 * Which client ids the job can use: those that the feedback table can hold. The same rule twice, as
 * SQL and for rows that were read.
 *
 * @param maxChars the most characters of an id, if that is less than the job's own limit
 * @param uuid whether an id must be a UUID, as Postgres reads one
 */
public record ClientIds(int maxChars, boolean uuid) implements Serializable {

  /** Any that the job itself can use. */
  public static final ClientIds ANY = new ClientIds(Integer.MAX_VALUE, false);

  /** The same to Java and to Postgres. */
  private static final String UUID_REGEX =
      "H|[{]H[}]".replace("H", "([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}");

  private static final Pattern UUID = Pattern.compile(UUID_REGEX);

  /** Finds the rule, where and when it is needed. */
  @FunctionalInterface
  public interface Lookup extends Serializable {

    /**
     * The rule.
     *
     * @throws IOException if the feedback table can't be asked
     */
    ClientIds find() throws IOException;
  }

  /** As a condition on an id that is SQL. */
  String condition(String id) {
    return uuid ? " AND %s COLLATE \"C\" ~ '^(%s)$'".formatted(id, UUID_REGEX) : "";
  }

  /** Whether the form of an id is right; its length is another matter. */
  boolean isFormOf(CopyRows rows, int row, int column) {
    return !uuid
        || UUID.matcher(
                new String(
                    rows.bytes(row), rows.start(row, column), rows.length(row, column), UTF_8))
            .matches();
  }
}
