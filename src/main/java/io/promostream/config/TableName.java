package io.promostream.config;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A table name as configured: {@code table} or {@code schema.table}. A part that contains a dot or
 * a quote must be in double quotes, as in SQL. Case is preserved: {@code Promos} is the table
 * {@code "Promos"}.
 *
 * @param parts one or two, none of them empty
 */
public record TableName(List<String> parts) implements Serializable {

  private static final Pattern PART =
      Pattern.compile("\\G(?:\"((?:[^\"]|\"\")+)\"|([^\".]+))(\\.|$)");

  public TableName {
    parts = List.copyOf(parts);
  }

  /**
   * Parses a configured name.
   *
   * @throws IllegalArgumentException if the text is not a table name
   */
  public static TableName parse(String text) {
    List<String> parts = new ArrayList<>();
    Matcher part = PART.matcher(text);
    boolean ended = false;
    while (!ended && part.find()) {
      parts.add(part.group(1) == null ? part.group(2) : part.group(1).replace("\"\"", "\""));
      ended = part.group(3).isEmpty();
    }
    if (!ended || parts.size() > 2) {
      throw new IllegalArgumentException("is not a table name such as public.promos");
    }
    return new TableName(parts);
  }

  @Override
  public String toString() {
    return String.join(".", parts);
  }
}
