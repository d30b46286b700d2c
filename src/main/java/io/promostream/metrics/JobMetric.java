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
      "Of these, what can't be used and went to the rejected topic; by `reason`, a code of the README.",
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
      "Notifications given to Kafka's producer, seen by readers when the checkpoint is committed.",
      "It departs from `rowsWritten`."),
  ROWS_WRITTEN(
      Type.COUNTER,
      "rowsWritten",
      "rows",
      "feedback",
      "Feedback rows sent to Postgres, seen by readers when the checkpoint is committed.",
      "It departs from `notificationsWritten`."),
  ROWS_COMMITTED(
      Type.COUNTER,
      "rowsCommitted",
      "rows",
      "feedback",
      "Feedback rows committed (exactly-once only); after a restart also those that were prepared before it.",
      "It stands still while `rowsWritten` goes on."),
  DELIVERY_DELAY(
      Type.RECENT_MAX,
      "deliveryDelayMillis",
      "ms",
      "feedback",
      "The longest time from when a batch was due until its rows were sent to Postgres. Due is: for a promo that came"
          + " while it was live, its Kafka timestamp or its start, what is later; for one that waited, its start; for clients"
          + " who subscribed later, the arrival of the list that holds them; for what waited in slices, the second of its"
          + " matching. To be seen, it takes until the checkpoint is committed.",
      "More than five minutes, other than after an outage."),
  COMMIT_MILLIS(
      Type.RECENT_MAX,
      "commitMillis",
      "ms",
      "feedback",
      "The longest commit of a prepared transaction (exactly-once only).",
      "Seconds: Postgres' disk is too slow, or it waits for a standby."),
  TRANSACTIONS_PREPARED(
      Type.GAUGE,
      "transactionsPrepared",
      "transactions",
      "feedback",
      "Prepared transactions of this subtask, as of the last look, which is no more than 15 s ago unless the"
          + " subtask is blocked (exactly-once only).",
      "More than a few for long."),
  OLDEST_PREPARED(
      Type.GAUGE,
      "oldestPreparedSeconds",
      "s",
      "feedback",
      "Age of the oldest of these, now; 0 if there is none (exactly-once only).",
      "More than ten minutes: it holds back vacuum."),
  PREPARED_SLOTS(
      Type.GAUGE,
      "preparedSlots",
      "transactions",
      "feedback",
      "The server's `max_prepared_transactions`; the same for each subtask (exactly-once only).",
      "Never by itself."),
  PREPARED_SLOTS_USED(
      Type.GAUGE,
      "preparedSlotsUsed",
      "transactions",
      "feedback",
      "Prepared transactions of the whole server, of all its users; the same for each subtask (exactly-once only).",
      "More than four fifths of `preparedSlots`."),
  TRANSACTIONS_ROLLED_BACK(
      Type.COUNTER,
      "transactionsRolledBack",
      "transactions",
      "feedback",
      "Transactions that an earlier attempt left prepared for no checkpoint, and that were rolled back (exactly-once only).",
      "Some come with each restart; others mean that something else prepares under this prefix."),
  TRANSACTIONS_LOST(
      Type.COUNTER,
      "transactionsLost",
      "transactions",
      "feedback, notifications, rejected",
      "Transactions of a completed checkpoint that could not be committed any more (exactly-once only).",
      "Any."),
  ROWS_LOST(
      Type.COUNTER,
      "rowsLost",
      "rows",
      "feedback",
      "Rows in the feedback sink's lost transactions (exactly-once only).",
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
      "Rows with an id that is empty, longer than 255 characters or not UTF-8, at the last refresh.",
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
