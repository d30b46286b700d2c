package io.promostream.promo;

/**
 * Why the job cannot use a message: the closed list of codes in the header {@code reject.reason}.
 */
public enum RejectReason {
  EMPTY("empty", "the value is missing or contains only white space"),
  NOT_UTF8("not-utf8", "the value is not valid UTF-8"),
  NOT_JSON("not-json", "the value is not JSON, or contains more than one JSON value"),
  TOO_DEEP("too-deep", "the JSON is nested deeper than 1,000 levels"),
  NOT_AN_OBJECT("not-an-object", "the JSON value is not an object"),
  DUPLICATE_FIELD("duplicate-field", "one of the eight fields occurs twice"),
  MISSING_FIELD("missing-field", "one of the eight fields is missing"),
  WRONG_TYPE("wrong-type", "a field is null or has the wrong type"),
  BAD_LENGTH("bad-length", "an id is empty or longer than 255 characters"),
  OUT_OF_RANGE("out-of-range", "a time is not from 0 to 253402300799"),
  END_BEFORE_START("end-before-start", "the end of the promo is before its start"),
  UNSTORABLE_TEXT(
      "unstorable-text",
      "a text holds U+0000, which Postgres cannot store, or half a surrogate pair, which UTF-8 cannot encode"),
  UNSTORABLE_VALUE(
      "unstorable-value",
      "the feedback table cannot store a value: a text is longer than its column or not a UUID, or a time is too large"),
  TOO_LARGE("too-large", "a notification of the promo could be larger than its topic accepts"),
  NOTIFICATION_REFUSED(
      "notification-refused",
      "the message is not a promo but a notification that its topic refused; the key is the client's id"),
  BAD_COMMAND("bad-command", "the message is of the control topic, and is not a valid command"),
  REPORT_REFUSED(
      "report-refused", "the message is not a promo but a report that the reports topic refused");

  private final String code;
  private final String meaning;

  RejectReason(String code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** The code in the header {@code reject.reason} and in the metric label {@code reason}. */
  public String code() {
    return code;
  }

  /** A description for people. */
  public String meaning() {
    return meaning;
  }
}
