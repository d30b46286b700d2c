package io.promostream.metrics;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;

/**
 * All metrics of the job, declared once. Operators register them from here, and tests compare the
 * table in k8s/monitoring/README.md, the alerts and the dashboard with them. Alerts and other
 * people's dashboards rely on the names.
 *
 * <p>A counter starts at 0 with each attempt of its subtask. A gauge is the value of one subtask,
 * unless its meaning says otherwise.
 */
public enum JobMetric {
  PROMOS_READ(
      Type.COUNTER,
      "promosRead",
      "promos",
      "parse-promo",
      "Messages read from the promos topic.",
      "It does not grow while producers write."),
  PROMOS_REJECTED(
      Type.COUNTER,
      "promosRejected",
      "promos",
      "parse-promo",
      "Messages that are not valid promos and went to the rejected topic, by `reason` (the codes in `formats.md`).",
      "More than 5 % of the promos.",
      "reason"),
  PROMOS_LATE(
      Type.COUNTER,
      "promosLate",
      "promos",
      "deliver-promos",
      "Promos that had already ended when they arrived.",
      "Many: a producer is behind, or its clock is wrong."),
  PROMOS_MISSED(
      Type.COUNTER,
      "promosMissed",
      "promos",
      "deliver-promos",
      "Campaigns that ended before the job could deliver them: it was down, or it waited for the first refresh.",
      "Any."),
  PROMOS_HELD(
      Type.COUNTER,
      "promosHeld",
      "promos",
      "deliver-promos",
      "Campaigns that ended with pending clients while they were paused, or in quiet hours. Their reports say `missed`.",
      "No value alone is a problem."),
  PROMOS_REPEATED(
      Type.COUNTER,
      "promosRepeated",
      "promos",
      "deliver-promos",
      "Promos ignored because the same or a newer version was already known.",
      "Many: a producer sends in a loop."),
  PROMOS_CANCELLED(
      Type.COUNTER,
      "promosCancelled",
      "promos",
      "deliver-promos",
      "Waiting or live campaigns that a newer promo ended: its end was in the past.",
      "No value alone is a problem."),
  CLIENTS_HELD_OUT(
      Type.COUNTER,
      "clientsHeldOut",
      "clients",
      "deliver-promos",
      "Clients in the control group of a campaign, see `delivery.control-group-percent`. They got nothing.",
      "Its share of all clients is not that of the key."),
  CLIENTS_TOO_LATE(
      Type.COUNTER,
      "clientsTooLate",
      "clients",
      "deliver-promos",
      "Clients who subscribed to a live campaign after `delivery.late-subscribers-within`. They got nothing.",
      "No value alone is a problem."),
  COMMANDS(
      Type.COUNTER,
      "commandsRead",
      "commands",
      "parse-command",
      "Valid commands read from the control topic. The log names who gave them and why.",
      "No value alone is a problem."),
  COMMANDS_REJECTED(
      Type.COUNTER,
      "commandsRejected",
      "commands",
      "parse-command",
      "Messages of the control topic that are not valid commands and went to the rejected topic.",
      "Any: somebody believes that a campaign is paused or stopped."),
  COMMANDS_IN_FORCE(
      Type.GAUGE,
      "commandsInForce",
      "commands",
      "deliver-promos",
      "Commands that still pause or stop campaigns. All subtasks have the same.",
      "More than 0 for longer than planned: somebody forgot to resume."),
  CAMPAIGNS_WAITING(
      Type.GAUGE,
      "campaignsWaiting",
      "campaigns",
      "deliver-promos",
      "Campaigns that wait for their start. Sum it over the subtasks.",
      "No value alone is a problem."),
  CAMPAIGNS_LIVE(
      Type.GAUGE,
      "campaignsLive",
      "campaigns",
      "deliver-promos",
      "Campaigns that are live or have pending slices. Sum it over the subtasks.",
      "No value alone is a problem."),
  CAMPAIGNS_REMEMBERED(
      Type.GAUGE,
      "campaignsRemembered",
      "campaigns",
      "deliver-promos",
      "Ended campaigns that are still remembered, for `promos.remember-ended`. Sum it over the subtasks.",
      "It grows for longer than `promos.remember-ended`: the state grows with it."),
  RECIPIENTS_REMEMBERED(
      Type.GAUGE,
      "recipientsRemembered",
      "clients",
      "deliver-promos",
      "Recipients of all known campaigns, about 16 bytes of state each. Sum it over the subtasks.",
      "The state becomes too large for the disk or for the checkpoint timeout."),
  SLICES_PENDING(
      Type.GAUGE,
      "slicesPending",
      "slices",
      "deliver-promos",
      "Slices of at most 1,000 clients that are due but not sent. Sum it over the subtasks.",
      "It does not fall between campaigns."),
  DELIVERIES(
      Type.COUNTER,
      "deliveries",
      "deliveries",
      "deliver-promos",
      "Deliveries (one campaign to one client) sent to both sinks.",
      "It does not grow while campaigns are live and clients subscribe."),
  BATCHES(
      Type.COUNTER,
      "batches",
      "batches",
      "deliver-promos",
      "Batches sent to both sinks; `deliveries` divided by `batches` is the mean batch size.",
      "No value alone is a problem."),
  BATCH_CLIENTS(
      Type.RECENT_MAX,
      "batchClients",
      "clients",
      "deliver-promos",
      "Clients of the largest batch, at most 1,000.",
      "Always small while campaigns are large: the sinks then do more work for the same deliveries."),
  NOTIFICATIONS_WRITTEN(
      Type.COUNTER,
      "notificationsWritten",
      "notifications",
      "to-notifications",
      "Notifications committed to Kafka; under at-least-once, passed to the producer.",
      "It differs from `rowsWritten` for longer than an outage."),
  REJECTED_WRITTEN(
      Type.COUNTER,
      "rejectedWritten",
      "messages",
      "to-rejected",
      "Rejected promos committed to Kafka (exactly-once only).",
      "It stays lower than `promosRejected`."),
  REPORTS_WRITTEN(
      Type.COUNTER,
      "reportsWritten",
      "messages",
      "to-reports",
      "Reports and tombstones committed to the reports topic; under at-least-once, passed to the producer.",
      "It does not grow while promos are delivered."),
  MESSAGES_REFUSED(
      Type.COUNTER,
      "messagesRefused",
      "messages",
      "to-notifications, to-rejected, to-reports",
      "Messages that their topic refused; the job wrote them to the rejected topic with a reason. Under at-least-once, the operator `expand-notifications` reports it.",
      "More than 0: these clients got no notification."),
  ROWS_WRITTEN(
      Type.COUNTER,
      "rowsWritten",
      "rows",
      "feedback",
      "Feedback rows committed to Postgres; under at-least-once, passed to the connector.",
      "It differs from `notificationsWritten` for longer than an outage."),
  ROWS_REFUSED(
      Type.COUNTER,
      "rowsRefused",
      "rows",
      "feedback",
      "Rows that the feedback table refused; the job wrote them to `feedback.refused-table` with a reason.",
      "More than 0: these deliveries have no feedback row."),
  ROWS_ALREADY_THERE(
      Type.COUNTER,
      "rowsAlreadyThere",
      "rows",
      "feedback",
      "Rows not inserted because a unique index on restaurant, campaign and client already had them (exactly-once only).",
      "More than 0, except after a start from `earliest` or from an older checkpoint."),
  DELIVERY_DELAY(
      Type.RECENT_MAX,
      "deliveryDelayMillis",
      "ms",
      "to-notifications, to-rejected, to-reports, feedback",
      "The longest time from when a delivery was due until it was committed. A promo that arrived live is due at its"
          + " Kafka timestamp or its start, whichever is later. A promo that waited is due at its start. For a client who"
          + " subscribed later, it is due when the list with that client arrives. A pending slice is due in the second of"
          + " its matching.",
      "More than five minutes, other than after an outage."),
  COMMIT_MILLIS(
      Type.RECENT_MAX,
      "commitMillis",
      "ms",
      "to-notifications, to-rejected, to-reports, feedback",
      "The longest replay of one committable, from its first statement to the reply to its commit (exactly-once only).",
      "Seconds: the target's disk is too slow, or it waits for a replica."),
  REPLAY_HELD_BYTES(
      Type.GAUGE,
      "replayHeldBytes",
      "bytes",
      "to-notifications, to-rejected, to-reports, feedback",
      "Size of the packed deliveries that are not confirmed as committed, of the current and of earlier checkpoint intervals.",
      "It does not fall between checkpoints."),
  REPLAY_DELAY(
      Type.GAUGE,
      "replayDelaySeconds",
      "s",
      "to-notifications, to-rejected, to-reports, feedback",
      "Seconds that the oldest committable of a completed checkpoint has waited for its replay; 0 if none waits.",
      "More than a minute: the target is slow or unreachable. The log says why."),
  REPLAY_FAILURES(
      Type.COUNTER,
      "replayFailures",
      "tries",
      "to-notifications, to-rejected, to-reports, feedback",
      "Failed attempts to replay a committable; the job repeats each.",
      "Many."),
  TRANSACTIONS_LOST(
      Type.COUNTER,
      "transactionsLost",
      "transactions",
      "to-notifications, to-rejected, to-reports, feedback",
      "Commits that Postgres or Kafka had confirmed and then lost (exactly-once only).",
      "Any."),
  RECORDS_LOST(
      Type.COUNTER,
      "recordsLost",
      "rows or messages",
      "to-notifications, to-rejected, to-reports, feedback",
      "Rows or messages in lost commits (exactly-once only).",
      "Any."),
  LIST_RESTAURANTS(
      Type.GAUGE,
      "listRestaurants",
      "restaurants",
      "subscribers",
      "Restaurants with subscribers, according to the last refresh.",
      "It drops."),
  LIST_SUBSCRIPTIONS(
      Type.GAUGE,
      "listSubscriptions",
      "rows",
      "subscribers",
      "Rows of the subscriber list, according to the last refresh.",
      "It drops suddenly, or is 0."),
  LIST_VERSION(
      Type.GAUGE,
      "listVersion",
      "refreshes",
      "deliver-promos",
      "Number of the last refresh that the subtask received completely.",
      "Subtasks differ by more than one for a long time."),
  LIST_AGE(
      Type.GAUGE,
      "listAgeSeconds",
      "s",
      "subscribers, deliver-promos",
      "Seconds since the start of the last refresh that the operator received completely; -1 before the first.",
      "More than five minutes, or -1."),
  REFRESHES(
      Type.COUNTER,
      "refreshes",
      "refreshes",
      "subscribers",
      "Successful refreshes.",
      "Fewer than one per `subscribers.refresh-interval`."),
  REFRESH_FAILURES(
      Type.COUNTER,
      "refreshFailures",
      "refreshes",
      "subscribers",
      "Failed refreshes; the job repeats each.",
      "Many."),
  REFRESH_CONSECUTIVE_FAILURES(
      Type.GAUGE,
      "refreshConsecutiveFailures",
      "refreshes",
      "subscribers",
      "Failed refreshes since the last successful one.",
      "Three or more."),
  REFRESH_DURATION(
      Type.GAUGE,
      "refreshDurationMillis",
      "ms",
      "subscribers",
      "Duration of the last refresh, until all changed audiences were read; -1 before the first.",
      "It approaches `subscribers.refresh-interval`."),
  ROWS_READ(
      Type.COUNTER,
      "rowsRead",
      "rows",
      "subscribers",
      "Rows read for restaurants whose audience changed; a refresh without changes reads none.",
      "Many in each refresh: consider `subscribers.distribution: keyed`."),
  ROWS_SKIPPED(
      Type.GAUGE,
      "rowsSkipped",
      "rows",
      "subscribers",
      "Rows that the last refresh ignored: an id is empty, longer than 255 characters or not UTF-8, or the feedback table can't store the client id.",
      "More than 0: these clients get no notification.");

  /** The kind of a metric. */
  public enum Type {
    COUNTER,
    GAUGE,
    /** A {@link RecentMax}. */
    RECENT_MAX
  }

  private final Type type;
  private final String metricName;
  private final String unit;
  private final String operators;
  private final String meaning;
  private final String worry;
  private final @Nullable String label;

  JobMetric(
      Type type, String metricName, String unit, String operators, String meaning, String worry) {
    this(type, metricName, unit, operators, meaning, worry, null);
  }

  JobMetric(
      Type type,
      String metricName,
      String unit,
      String operators,
      String meaning,
      String worry,
      @Nullable String label) {
    this.type = type;
    this.metricName = metricName;
    this.unit = unit;
    this.operators = operators;
    this.meaning = meaning;
    this.worry = worry;
    this.label = label;
  }

  /** Registers the metric as a counter. */
  public Counter counter(MetricGroup group) {
    return is(Type.COUNTER, group).counter(metricName);
  }

  /** Registers the given counter for the metric, such as one for several threads. */
  public <C extends Counter> C counter(MetricGroup group, C counter) {
    return is(Type.COUNTER, group).counter(metricName, counter);
  }

  /** Registers the metric as the counter of one value of its label. */
  public Counter counter(MetricGroup group, String labelValue) {
    return counter(group.addGroup(label, labelValue));
  }

  /** Registers the metric as a gauge. Reporters read the value in their own threads. */
  public void gauge(MetricGroup group, Gauge<Long> value) {
    is(Type.GAUGE, group).gauge(metricName, value);
  }

  /** Registers the metric as a recent maximum. */
  public RecentMax recentMax(MetricGroup group) {
    return is(Type.RECENT_MAX, group).gauge(metricName, new RecentMax());
  }

  private MetricGroup is(Type registered, MetricGroup group) {
    if (registered != type) {
      throw new IllegalArgumentException(metricName + " is a " + type);
    }
    return group;
  }

  /** The name in Flink. */
  public String metricName() {
    return metricName;
  }

  /** The name in Prometheus. */
  public String prometheusName() {
    return "flink_taskmanager_job_task_operator_" + (label == null ? "" : label + "_") + metricName;
  }

  public Type type() {
    return type;
  }

  public String unit() {
    return unit;
  }

  /** The names of the operators that report it; for a writer or committer, the name of its sink. */
  public String operators() {
    return operators;
  }

  /** What the metric means, for people. */
  public String meaning() {
    return meaning;
  }

  /** Which values need attention, for people. */
  public String worry() {
    return worry;
  }
}
