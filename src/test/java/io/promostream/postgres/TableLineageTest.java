package io.promostream.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.config.TableName;
import org.apache.flink.streaming.api.lineage.LineageDataset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableLineageTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          jdbc:postgresql://host/db                         | s.t | postgres://host:5432            | db.s.t
          jdbc:postgresql://host:5433/db?sslmode=require    | s.t | postgres://host:5433            | db.s.t
          jdbc:postgresql://host/db?user=somebody           | s.t | postgres://host:5432            | db.s.t
          jdbc:postgresql://one:5433,two/db                 | s.t | postgres://one:5433,two:5432    | db.s.t
          jdbc:postgresql://[::1]/db                        | s.t | postgres://[::1]:5432           | db.s.t
          jdbc:postgresql:db                                | s.t | postgres://localhost:5432       | db.s.t
          jdbc:postgresql://host/a%20b                      | s.t | postgres://host:5432            | a b.s.t
          jdbc:postgresql://host/                           | s.t | postgres://host:5432            | role.s.t
          jdbc:postgresql://host/db                         | t   | postgres://host:5432            | db.public.t
          jdbc:postgresql://host/db?currentSchema=one,two   | t   | postgres://host:5432            | db.one.t
          """)
  void namesTable(String url, String table, String namespace, String name) {
    LineageDataset dataset =
        TableLineage.dataset(
            new Database(url, "role", new Secret("secret", null)), TableName.parse(table));
    assertThat(dataset.namespace()).isEqualTo(namespace);
    assertThat(dataset.name()).isEqualTo(name);
    assertThat(dataset.facets()).isEmpty();
  }
}
