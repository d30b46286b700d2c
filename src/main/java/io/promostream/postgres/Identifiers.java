package io.promostream.postgres;

import static java.util.stream.Collectors.joining;

import io.promostream.config.TableName;

/** Quotes identifiers, which prevents SQL injection and preserves their case. */
public final class Identifiers {

  private Identifiers() {}

  /** Quotes each part of a table's name. */
  public static String quote(TableName table) {
    return table.parts().stream().map(Identifiers::quote).collect(joining("."));
  }

  /** Quotes one identifier. */
  public static String quote(String identifier) {
    return '"' + identifier.replace("\"", "\"\"") + '"';
  }
}
