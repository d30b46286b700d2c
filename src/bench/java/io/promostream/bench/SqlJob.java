package io.promostream.bench;

import io.promostream.local.EmbeddedDatabase;
import io.promostream.processes.FlinkCluster;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;

/**
 * The job as a user of Flink SQL would write it. It delivers the same messages and rows, the rows
 * at least once. It knows nothing of earlier deliveries, of promos that start later, of newer
 * versions, or of clients who subscribe while a promo is live: it does less than the job.
 */
final class SqlJob {

  /** Its own topic, so that it and the job do not deliver each other's promos. */
  static final String PROMOS = "restaurant.promos.sql";

  /** The jars of Flink SQL and of its connectors, which the cluster's class path lacks. */
  private static final Pattern JARS =
      Pattern.compile(
          "/(flink-(table-(?!planner)|json|connector-)|kafka-clients|postgresql)[^/]*(?<!test)\\.jar$");

  private static final String PROMO_COLUMNS =
      """
      restaurant_id STRING,
      adv_campaign_id STRING,
      adv_campaign_content STRING,
      adv_campaign_owner STRING,
      adv_campaign_owner_contact STRING,
      adv_campaign_datetime_start BIGINT,
      adv_campaign_datetime_end BIGINT,
      """;

  private static final String DELIVERY_COLUMNS =
      PROMO_COLUMNS
          + """
          client_id STRING,
          datetime_created BIGINT,
          trigger_datetime_created BIGINT
          """;

  private static final String DELIVERIES =
      """
      CREATE VIEW deliveries AS
      SELECT
        p.restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,
        adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end,
        client_id, datetime_created, UNIX_TIMESTAMP() AS trigger_datetime_created
      FROM promos AS p
      JOIN subscribers FOR SYSTEM_TIME AS OF p.seen_at AS s ON p.restaurant_id = s.restaurant_id
      WHERE UNIX_TIMESTAMP() BETWEEN adv_campaign_datetime_start AND adv_campaign_datetime_end
      """;

  private final String kafka;
  private final String producer;
  private final String postgres;

  private SqlJob(Installation installation, Map<String, Object> producerSettings) {
    producer =
        producerSettings.entrySet().stream()
            .map(one -> ", 'properties.%s' = '%s'".formatted(one.getKey(), one.getValue()))
            .collect(Collectors.joining());
    kafka =
        "'connector' = 'kafka', 'properties.bootstrap.servers' = '%s'"
            .formatted(installation.broker().bootstrapServers());
    postgres =
        "'connector' = 'jdbc', 'url' = '%1$s?reWriteBatchedInserts=true', 'username' = '%2$s', 'password' = '%2$s'"
            .formatted(installation.databaseUrl(), EmbeddedDatabase.SUPERUSER);
  }

  /** Starts it; it runs when this returns. */
  static JobID submit(
      Installation installation,
      FlinkCluster cluster,
      int parallelism,
      Map<String, Object> producerSettings)
      throws Exception {
    installation.broker().createTopic(PROMOS, Installation.PARTITIONS);
    installation.execute("CREATE INDEX ON subscribers_restaurants (restaurant_id)");
    Configuration configuration = new Configuration(cluster.configuration());
    configuration.set(DeploymentOptions.TARGET, "remote");
    configuration.set(CoreOptions.DEFAULT_PARALLELISM, parallelism);
    configuration.set(PipelineOptions.JARS, jars());
    TableEnvironment environment =
        TableEnvironment.create(
            EnvironmentSettings.newInstance().withConfiguration(configuration).build());
    new SqlJob(installation, producerSettings).tables().forEach(environment::executeSql);
    // The planner sees that both read the same view, and looks each promo's clients up once.
    StatementSet inserts = environment.createStatementSet();
    inserts.addInsertSql("INSERT INTO notifications SELECT * FROM deliveries");
    inserts.addInsertSql("INSERT INTO feedback SELECT * FROM deliveries");
    JobID job = inserts.execute().getJobClient().orElseThrow().getJobID();
    cluster.awaitRunning(job);
    return job;
  }

  private static List<String> jars() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(path -> JARS.matcher(path).find())
        .map(path -> Path.of(path).toUri().toString())
        .toList();
  }

  private Stream<String> tables() {
    return Stream.of(promos(), subscribers(), DELIVERIES, notifications(), feedback());
  }

  private String promos() {
    return """
    CREATE TABLE promos (%s datetime_created BIGINT, seen_at AS PROCTIME()) WITH (
      %s,
      'topic' = '%s',
      'properties.group.id' = 'sql',
      'scan.startup.mode' = 'earliest-offset',
      'properties.isolation.level' = 'read_committed',
      'format' = 'json'
    )
    """
        .formatted(PROMO_COLUMNS, kafka, PROMOS);
  }

  private String subscribers() {
    return """
    CREATE TABLE subscribers (client_id STRING, restaurant_id STRING) WITH (
      %s,
      'table-name' = 'subscribers_restaurants',
      'lookup.cache' = 'PARTIAL',
      'lookup.partial-cache.max-rows' = '1000000',
      'lookup.partial-cache.expire-after-write' = '30 s'
    )
    """
        .formatted(postgres);
  }

  private String notifications() {
    return """
    CREATE TABLE notifications (%s) WITH (
      %s,
      'topic' = '%s',
      'key.format' = 'raw',
      'key.fields' = 'client_id',
      'value.format' = 'json',
      'sink.delivery-guarantee' = 'exactly-once',
      'sink.transactional-id-prefix' = 'sql',
      'properties.transaction.timeout.ms' = '900000'
    )
    """
        .formatted(DELIVERY_COLUMNS, kafka + producer, Installation.NOTIFICATIONS);
  }

  private String feedback() {
    return "CREATE TABLE feedback (%s) WITH (%s, 'table-name' = 'subscribers_feedback')"
        .formatted(DELIVERY_COLUMNS, postgres);
  }
}
