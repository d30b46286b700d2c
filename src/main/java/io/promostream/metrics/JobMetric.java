package io.promostream.metrics;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;

/**
 * All metrics of the job's own, named once: the operators register them from here, and the table in
 * k8s/monitoring/README.md, the alerts and the dashboard are compared with it. Alerts and other
 * people's dashboards rely on the names.
 *
 * <p>A counter begins at 0 with each attempt of its subtask; a gauge is of one subtask, unless its
 * meaning says otherwise.
 */
public enum JobMetric {
  PROMOS_READ(
      Type.COUNTER,
      "promosRead",
      "promos",
      "parse-promo",
      "Messages read from the promos' topic.",
      "It stands still while producers write."),
  PROMOS_REJECTED(
      Type.COUNTER,
      "promosRejected",
      "promos",
      "parse-promo",
      "Of these, what can't be used and went to the rejected topic; by `reason`, a code of `formats.md`.",
      "More than one promo in twenty.",
      "reason"),
  PROMOS_LATE(
      Type.COUNTER,
      "promosLate",
      "promos",
      "deliver-promos",
      "Promos that were over when they came.",
      "Many: a producer is behind, or its clock is wrong."),
  PROMOS_MISSED(
      Type.COUNTER,
      "promosMissed",
      "promos",
      "deliver-promos",
      "Campaigns whose whole time passed while they waited for the list, or while the job was down.",
      "Any."),
  PROMOS_REPEATED(
      Type.COUNTER,
      "promosRepeated",
      "promos",
      "deliver-promos",
      "Promos of which as new a version or a newer one was known; nothing comes of them.",
      "Many: a producer sends in a loop."),
  PROMOS_CANCELLED(
      Type.COUNTER,
      "promosCancelled",
      "promos",
      "deliver-promos",
      "Campaigns that ran when a version came whose end had passed.",
      "Never by itself."),
  CAMPAIGNS_WAITING(
      Type.GAUGE,
      "campaignsWaiting",
      "campaigns",
      "deliver-promos",
      "Campaigns that wait for their start. Right as a sum over the subtasks.",
      "Never by itself."),
  CAMPAIGNS_LIVE(
      Type.GAUGE,
      "campaignsLive",
      "campaigns",
      "deliver-promos",
      "Campaigns that are live, or have slices to send. Right as a sum over the subtasks.",
      "Never by itself."),
  CAMPAIGNS_REMEMBERED(
      Type.GAUGE,
      "campaignsRemembered",
      "campaigns",
      "deliver-promos",
      "Ended campaigns, for `promos.remember-ended`. Right as a sum over the subtasks.",
      "It grows for longer than `promos.remember-ended`: the state does too."),
  RECIPIENTS_REMEMBERED(
      Type.GAUGE,
      "recipientsRemembered",
      "clients",
      "deliver-promos",
      "Recipients of all campaigns known, some 16 bytes of state each. Right as a sum over the subtasks.",
      "It outgrows the disk or the checkpoint's time."),
  SLICES_PENDING(
      Type.GAUGE,
      "slicesPending",
      "slices",
      "deliver-promos",
      "Parts of campaigns, of 1,000 clients at most, that are due and have not gone out. Right as a sum over the subtasks.",
      "It does not come down between campaigns."),
  DELIVERIES(
      Type.COUNTER,
      "deliveries",
      "deliveries",
      "deliver-promos",
      "Pairs of promo and client handed to both sinks.",
      "None while campaigns are live and clients subscribe."),
  BATCHES(
      Type.COUNTER,
      "batches",
      "batches",
      "deliver-promos",
      "Batches that these came in; `deliveries` by `batches` is the mean batch.",
      "Never by itself."),
  BATCH_CLIENTS(
      Type.RECENT_MAX,
      "batchClients",
      "clients",
      "deliver-promos",
      "Clients of the largest batch, of 1,000 at most.",
      "Always small while campaigns are large: the sinks then do more work for as much."),
  NOTIFICATIONS_WRITTEN(
      Type.COUNTER,
      "notificationsWritten",
      "notifications",
      "to-notifications",
      "Notifications committed to Kafka; under at-least-once, given to the producer.",
      "It departs from `rowsWritten` for longer than an outage."),
  REJECTED_WRITTEN(
      Type.COUNTER,
      "rejectedWritten",
      "messages",
      "to-rejected",
      "Rejected promos committed to Kafka (exactly-once only).",
      "It stays behind `promosRejected`."),
  MESSAGES_REFUSED(
      Type.COUNTER,
      "messagesRefused",
      "messages",
      "to-notifications, to-rejected",
      "Messages that their topic refused, written to the rejected topic instead, with a reason. Under at-least-once, `expand-notifications` has it.",
      "Any: these clients got no notification."),
  ROWS_WRITTEN(
      Type.COUNTER,
      "rowsWritten",
      "rows",
      "feedback",
      "Feedback rows committed to Postgres; under at-least-once, given to the connector.",
      "It departs from `notificationsWritten` for longer than an outage."),
  ROWS_REFUSED(
      Type.COUNTER,
      "rowsRefused",
      "rows",
      "feedback",
      "Rows that the feedback table refused, written to `feedback.refused-table` instead, with a reason.",
      "Any: these deliveries have no feedback row."),
  ROWS_ALREADY_THERE(
      Type.COUNTER,
      "rowsAlreadyThere",
      "rows",
      "feedback",
      "Rows that were there already, under a unique index on restaurant, campaign and client (exactly-once only).",
      "Any, other than after a start from `earliest` or from an older checkpoint."),
  DELIVERY_DELAY(
      Type.RECENT_MAX,
      "deliveryDelayMillis",
      "ms",
      "to-notifications, to-rejected, feedback",
      "The longest time from when a delivery was due until it was committed. Due is: for a promo that came"
          + " while it was live, its Kafka timestamp or its start, whichever is later; for one that waited, its start; for clients"
          + " who subscribed later, the arrival of the list that holds them; for what waited in slices, the second of its"
          + " matching.",
      "More than five minutes, other than after an outage."),
  COMMIT_MILLIS(
      Type.RECENT_MAX,
      "commitMillis",
      "ms",
      "to-notifications, to-rejected, feedback",
      "The longest replay of one committable, from its first statement to the answer of its commit (exactly-once only).",
      "Seconds: the target's disk is too slow, or it waits for a replica."),
  REPLAY_HELD_BYTES(
      Type.GAUGE,
      "replayHeldBytes",
      "bytes",
      "to-notifications, to-rejected, feedback",
      "Packed deliveries that are not yet known to be committed: of the running checkpoint interval and of earlier ones.",
      "It does not come down between checkpoints."),
  REPLAY_DELAY(
      Type.GAUGE,
      "replayDelaySeconds",
      "s",
      "to-notifications, to-rejected, feedback",
      "How long the oldest committable of a completed checkpoint has waited to be replayed; 0 if none waits.",
      "More than a minute: the target is slow or unreachable, the log says why."),
  REPLAY_FAILURES(
      Type.COUNTER,
      "replayFailures",
      "tries",
      "to-notifications, to-rejected, feedback",
      "Failed tries to replay; each is tried again.",
      "Many."),
  TRANSACTIONS_LOST(
      Type.COUNTER,
      "transactionsLost",
      "transactions",
      "to-notifications, to-rejected, feedback",
      "Commits that Postgres or Kafka had confirmed and no longer has (exactly-once only).",
      "Any."),
  RECORDS_LOST(
      Type.COUNTER,
      "recordsLost",
      "rows or messages",
      "to-notifications, to-rejected, feedback",
      "Rows or messages in these commits (exactly-once only).",
      "Any."),
  LIST_RESTAURANTS(
      Type.GAUGE,
      "listRestaurants",
      "restaurants",
      "subscribers",
      "Restaurants with subscribers, by the last refresh.",
      "It drops."),
  LIST_SUBSCRIPTIONS(
      Type.GAUGE,
      "listSubscriptions",
      "rows",
      "subscribers",
      "Rows of the subscriber list, by the last refresh.",
      "It drops at once, or is 0."),
  LIST_VERSION(
      Type.GAUGE,
      "listVersion",
      "refreshes",
      "deliver-promos",
      "Number of the last refresh that the subtask has whole.",
      "Subtasks differ by more than one for long."),
  LIST_AGE(
      Type.GAUGE,
      "listAgeSeconds",
      "s",
      "subscribers, deliver-promos",
      "Since the last refresh began that the operator has whole; -1 before the first.",
      "More than five minutes, or -1."),
  REFRESHES(
      Type.COUNTER,
      "refreshes",
      "refreshes",
      "subscribers",
      "Refreshes that ended well.",
      "Fewer than one in a `subscribers.refresh-interval`."),
  REFRESH_FAILURES(
      Type.COUNTER,
      "refreshFailures",
      "refreshes",
      "subscribers",
      "Refreshes that failed; each is tried again.",
      "Many."),
  REFRESH_CONSECUTIVE_FAILURES(
      Type.GAUGE,
      "refreshConsecutiveFailures",
      "refreshes",
      "subscribers",
      "Of these, since the last that ended well.",
      "Three."),
  REFRESH_DURATION(
      Type.GAUGE,
      "refreshDurationMillis",
      "ms",
      "subscribers",
      "Of the last refresh, until all that had changed was read; -1 before the first.",
      "It nears `subscribers.refresh-interval`."),
  ROWS_READ(
      Type.COUNTER,
      "rowsRead",
      "rows",
      "subscribers",
      "Rows of the subscriptions of restaurants that had changed; an unchanged refresh reads none.",
      "Many in each refresh: `subscribers.distribution: keyed` may be better."),
  ROWS_SKIPPED(
      Type.GAUGE,
      "rowsSkipped",
      "rows",
      "subscribers",
      "Rows with an id that is empty, longer than 255 characters or not UTF-8, or with a client's id that the feedback table can't hold, at the last refresh.",
      "Any: these clients get nothing.");

  /** What kind of number it is. */
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

  /** Registers it as a counter. */
  public Counter counter(MetricGroup group) {
    return is(Type.COUNTER, group).counter(metricName);
  }

  /** Registers a counter as it, such as one for several threads. */
  public <C extends Counter> C counter(MetricGroup group, C counter) {
    return is(Type.COUNTER, group).counter(metricName, counter);
  }

  /** Registers it as the counter of one value of its label. */
  public Counter counter(MetricGroup group, String labelValue) {
    return counter(group.addGroup(label, labelValue));
  }

  /** Registers it as a gauge; reporters read the value in threads of their own. */
  public void gauge(MetricGroup group, Gauge<Long> value) {
    is(Type.GAUGE, group).gauge(metricName, value);
  }

  /** Registers it as what was greatest lately. */
  public RecentMax recentMax(MetricGroup group) {
    return is(Type.RECENT_MAX, group).gauge(metricName, new RecentMax());
  }

  private MetricGroup is(Type registered, MetricGroup group) {
    if (registered != type) {
      throw new IllegalArgumentException(metricName + " is a " + type);
    }
    return group;
  }

  /** As Flink knows it. */
  public String metricName() {
    return metricName;
  }

  /** As Prometheus knows it. */
  public String prometheusName() {
    return "flink_taskmanager_job_task_operator_" + (label == null ? "" : label + "_") + metricName;
  }

  public Type type() {
    return type;
  }

  public String unit() {
    return unit;
  }

  /** The operators that have it, by their names; a sink's writer or committer by the sink's. */
  public String operators() {
    return operators;
  }

  /** For people: what it tells. */
  public String meaning() {
    return meaning;
  }

  /** For people: when to look into it. */
  public String worry() {
    return worry;
  }
}
