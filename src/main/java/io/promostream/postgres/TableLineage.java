package io.promostream.postgres;

import io.promostream.config.Database;
import io.promostream.config.TableName;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.streaming.api.lineage.DefaultLineageDataset;
import org.apache.flink.streaming.api.lineage.LineageDataset;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * Names tables in the job's lineage as OpenLineage prescribes. Release 4.0.0 of the JDBC connector
 * has no lineage.
 */
public final class TableLineage {

  private static final String DEFAULT_SCHEMA = "public";

  private TableLineage() {}

  /**
   * A table as a dataset: {@code database.schema.table} in the namespace {@code
   * postgres://host:port}. With several hosts, the namespace lists all, separated by commas.
   */
  public static LineageDataset dataset(Database database, TableName table) {
    Properties url = Driver.parseURL(database.url(), null);
    if (url == null) {
      throw new IllegalArgumentException("not the URL of a Postgres database: " + database.url());
    }
    // If the URL names no database, Postgres connects to the one named like the role.
    String name = PGProperty.PG_DBNAME.getOrDefault(url);
    return new DefaultLineageDataset(
        String.join(".", name == null ? database.user() : name, qualified(table, url)),
        "postgres://" + authority(url),
        Map.of());
  }

  private static String authority(Properties url) {
    String[] hosts = String.valueOf(PGProperty.PG_HOST.getOrDefault(url)).split(",", -1);
    String[] ports = String.valueOf(PGProperty.PG_PORT.getOrDefault(url)).split(",", -1);
    return IntStream.range(0, hosts.length)
        .mapToObj(i -> hosts[i] + ":" + ports[i])
        .collect(Collectors.joining(","));
  }

  private static String qualified(TableName table, Properties url) {
    if (table.parts().size() > 1) {
      return table.toString();
    }
    String searchPath = PGProperty.CURRENT_SCHEMA.getOrDefault(url);
    String schema = searchPath == null ? DEFAULT_SCHEMA : List.of(searchPath.split(",")).get(0);
    return schema.strip() + "." + table;
  }
}
