package io.promostream.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.List;

/** Messages that are no promos, by hand: each with the code that it must be rejected with. */
public final class HostileMessages {

  /**
   * One message.
   *
   * @param value null for none
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Hostile(String reason, String what, byte[] value) {
    @Override
    public String toString() {
      return what;
    }
  }

  private static final List<String> TEXTS =
      List.of(
          "restaurant_id",
          "adv_campaign_id",
          "adv_campaign_content",
          "adv_campaign_owner",
          "adv_campaign_owner_contact");

  private static final List<String> TIMES =
      List.of("adv_campaign_datetime_start", "adv_campaign_datetime_end", "datetime_created");

  private HostileMessages() {}

  /** All of them. */
  public static List<Hostile> all() {
    List<Hostile> all = new ArrayList<>();
    all.add(new Hostile("empty", "no value", null));
    all.add(new Hostile("empty", "no bytes", new byte[0]));
    all.add(new Hostile("empty", "white space", " \n\t".getBytes(UTF_8)));
    notText(all);
    notAnObject(all);
    for (String field : TEXTS) {
      fieldOfAnyType(all, field);
      for (String json : List.of("7", "7.5", "[]", "{}", "[\"x\"]")) {
        all.add(field("wrong-type", field, json));
      }
      all.add(field("unstorable-text", field, "\"a\\u0000b\""));
      all.add(field("unstorable-text", field, "\"\\ud83c\""));
      all.add(field("unstorable-text", field, "\"\\udf55\\ud83c\""));
    }
    for (String field : List.of("restaurant_id", "adv_campaign_id")) {
      all.add(field("bad-length", field, "\"\""));
      all.add(field("bad-length", field, "\"" + "x".repeat(256) + "\""));
      all.add(field("bad-length", field, "\"" + "\uD83C\uDF55".repeat(256) + "\""));
    }
    for (String field : TIMES) {
      fieldOfAnyType(all, field);
      for (String json :
          List.of(
              "1.0",
              "1e9",
              "[]",
              "{}",
              "\"\"",
              "\"x\"",
              "\" 1\"",
              "\"+1\"",
              "\"-1\"",
              "\"1.5\"",
              "\"\u0661\u0662\"")) {
        all.add(field("wrong-type", field, json));
      }
      for (String json :
          List.of(
              "-1",
              "253402300800",
              "9223372036854775808",
              "9".repeat(5_000),
              "\"253402300800\"",
              "\"" + "9".repeat(5_000) + "\"")) {
        all.add(field("out-of-range", field, json));
      }
    }
    all.add(
        new Hostile(
            "end-before-start",
            "end before start",
            PromoJson.good()
                .with("adv_campaign_datetime_start", "1000000001")
                .with("adv_campaign_datetime_end", "1000000000")
                .bytes()));
    return all;
  }

  private static void notText(List<Hostile> all) {
    String good = PromoJson.good().toString();
    for (byte[] bytes :
        List.of(
            new byte[] {(byte) 0xff},
            new byte[] {(byte) 0xc0, (byte) 0x80},
            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
            new byte[] {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80})) {
      String broken = PromoJson.good().with("adv_campaign_content", "\"?\"").toString();
      all.add(
          new Hostile(
              "not-utf8",
              "bytes that are no UTF-8",
              broken.replace("?", new String(bytes, ISO_8859_1)).getBytes(ISO_8859_1)));
    }
    all.add(new Hostile("not-json", "UTF-16", good.getBytes(UTF_16BE)));
    all.add(new Hostile("not-json", "UTF-32", good.getBytes(Charset.forName("UTF-32BE"))));
    all.add(new Hostile("not-json", "a byte order mark", ("\ufeff" + good).getBytes(UTF_8)));
  }

  private static void notAnObject(List<Hostile> all) {
    String good = PromoJson.good().toString();
    for (String json :
        List.of(
            "{",
            "}",
            "{]",
            "hello",
            "{'restaurant_id':1}",
            "{restaurant_id:1}",
            good + good,
            good + ",",
            good + "//",
            good.replace("}", ",}"),
            good.substring(0, good.length() - 1),
            good.replace("content\"", "content\n\""),
            good.replace("1000000000", "01000000000"),
            good.replace("1000000000", "NaN"),
            "[".repeat(900),
            "[1,2",
            "\u0000" + good,
            "<promo/>")) {
      all.add(new Hostile("not-json", "no JSON", json.getBytes(UTF_8)));
    }
    for (String json : List.of("[]", "[" + good + "]", "null", "true", "7", "\"text\"")) {
      all.add(new Hostile("not-an-object", json, json.getBytes(UTF_8)));
    }
    for (String nested :
        List.of(
            "[".repeat(100_000) + "]".repeat(100_000),
            "{\"a\":".repeat(5_000) + "1" + "}".repeat(5_000))) {
      all.add(new Hostile("too-deep", "nested deep", nested.getBytes(UTF_8)));
      all.add(
          new Hostile(
              "too-deep",
              "an unknown field nested deep",
              PromoJson.good().with("x", nested).bytes()));
    }
  }

  private static void fieldOfAnyType(List<Hostile> all, String field) {
    all.add(new Hostile("missing-field", "no " + field, PromoJson.good().without(field).bytes()));
    all.add(field("wrong-type", field, "null"));
    all.add(field("wrong-type", field, "true"));
    String good = PromoJson.good().toString();
    all.add(
        new Hostile(
            "duplicate-field",
            field + " twice",
            good.replace("{", "{\"" + field + "\":\"1\",").getBytes(UTF_8)));
    all.add(
        new Hostile(
            "duplicate-field",
            field + " twice, once in disguise",
            good.replace("{", "{\"" + field.replace("a", "\\u0061") + "\":\"1\",")
                .getBytes(UTF_8)));
  }

  private static Hostile field(String reason, String field, String json) {
    String shown = json.length() > 40 ? json.substring(0, 40) + "..." : json;
    return new Hostile(reason, field + " is " + shown, PromoJson.good().with(field, json).bytes());
  }
}
