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
  static final String NOTIFICATIONS = "notifications";
  static final String FEEDBACK = "feedback";
  static final String REJECTED = "rejected";

  private Uids() {}
}
