package io.promostream;

/**
 * The operators' uids, by which a savepoint's state finds its operator: literals for ever, never
 * made of configuration. They serve as the operators' names too.
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

  // Of connectors' sinks under at-least-once. Release 0.1 had them under both guarantees.
  static final String EXPAND_NOTIFICATIONS = "expand-notifications";
  static final String NOTIFICATIONS = "notifications";
  static final String REJECTED = "rejected";
  static final String FEEDBACK_AT_LEAST_ONCE = "feedback-at-least-once";

  // Of release 0.1's committers, as Flink named them.
  static final String NOTIFICATIONS_COMMITTER = "Sink Committer: " + NOTIFICATIONS;
  static final String REJECTED_COMMITTER = "Sink Committer: " + REJECTED;
  static final String FEEDBACK_COMMITTER = "Sink Committer: " + FEEDBACK;

  private Uids() {}
}
