package io.promostream.promo;

/** Why a message can't be used: the closed list of codes in the header {@code reject.reason}. */
public enum RejectReason {
  EMPTY("empty", "there is no value, or only white space"),
  NOT_UTF8("not-utf8", "the bytes are no UTF-8 text"),
  NOT_JSON("not-json", "the text is no JSON, or more than one JSON value"),
  TOO_DEEP("too-deep", "the JSON is nested deeper than 1,000 levels"),
  NOT_AN_OBJECT("not-an-object", "the JSON value is no object"),
  DUPLICATE_FIELD("duplicate-field", "one of the eight fields stands there twice"),
  MISSING_FIELD("missing-field", "one of the eight fields is not there"),
  WRONG_TYPE("wrong-type", "a field is null or of another type than it should be"),
  BAD_LENGTH("bad-length", "an id is empty or longer than 255 characters"),
  OUT_OF_RANGE("out-of-range", "a time is not from 0 to 253402300799"),
  END_BEFORE_START("end-before-start", "the promo would end before it starts"),
  UNSTORABLE_TEXT(
      "unstorable-text",
      "a text holds U+0000, which Postgres can't store, or half a surrogate pair, which UTF-8 can't"),
  UNSTORABLE_VALUE(
      "unstorable-value",
      "the feedback table can't hold a value: a text is longer than its column or is no UUID, or a time is too great"),
  TOO_LARGE("too-large", "a notification of it could be larger than its topic takes"),
  NOTIFICATION_REFUSED(
      "notification-refused",
      "no promo: a notification that its topic refused, with the client's id as the key");

  private final String code;
  private final String meaning;

  RejectReason(String code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** What the header holds, and metrics are labelled by. */
  public String code() {
    return code;
  }

  /** For people: what such a message is like. */
  public String meaning() {
    return meaning;
  }
}
