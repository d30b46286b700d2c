package io.promostream;

/**
 * The operators' uids, which are also their names. Flink assigns the state of a savepoint to
 * operators by uid. So these literals never change and never depend on the configuration.
 */
final class Uids {

  static final String PROMOS = "promos";
  static final String PARSE_PROMO = "parse-promo";
  static final String SUBSCRIBERS = "subscribers";
  static final String ADDRESS_REFRESHES = "address-refreshes";
  static final String DELIVER_PROMOS = "deliver-promos";
  static final String TO_NOTIFICATIONS = "to-notifications";
  static final String FEEDBACK = "feedback";
  static final String TO_REJECTED = "to-rejected";
  static final String TO_REPORTS = "to-reports";
  static final String CONTROL = "control";
  static final String PARSE_COMMAND = "parse-command";
  static final String COMMANDS = "commands";

  // The connectors' sinks under at-least-once. Release 0.1 used them under both guarantees.
  static final String EXPAND_NOTIFICATIONS = "expand-notifications";
  static final String NOTIFICATIONS = "notifications";
  static final String REJECTED = "rejected";
  static final String REPORTS = "reports";
  static final String FEEDBACK_AT_LEAST_ONCE = "feedback-at-least-once";

  // The committers of the connectors' sinks, as Flink names them.
  static final String NOTIFICATIONS_COMMITTER = "Sink Committer: " + NOTIFICATIONS;
  static final String REJECTED_COMMITTER = "Sink Committer: " + REJECTED;
  static final String FEEDBACK_COMMITTER = "Sink Committer: " + FEEDBACK;

  static final String REPORTS_COMMITTER = "Sink Committer: " + REPORTS;

  private Uids() {}
}
