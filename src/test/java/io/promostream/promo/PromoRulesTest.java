package io.promostream.promo;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.promostream.kafka.TopicLimits;
import io.promostream.notification.NotificationTemplate;
import io.promostream.testing.PromoJson;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

/** The size up to which promos need no exact check of their notification's size. */
class PromoRulesTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Property
  void notificationIsHardlyLargerThanPromo(
      @ForAll @StringLength(min = 1, max = 255) String id, @ForAll String content)
      throws Exception {
    requireHardlyLarger(id, content);
  }

  @Test
  void notificationWithEscapedTextIsHardlyLargerThanPromo() throws Exception {
    String all =
        IntStream.rangeClosed(1, 0xffff)
            .filter(c -> !Character.isSurrogate((char) c))
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    requireHardlyLarger("\"".repeat(255), all);
    requireHardlyLarger("\u0001".repeat(255), "\\");
  }

  private static void requireHardlyLarger(String id, String content) throws Exception {
    byte[] message =
        PromoJson.good()
            .with("restaurant_id", json(id))
            .with("adv_campaign_content", json(content))
            .with("adv_campaign_datetime_start", "0")
            .with("adv_campaign_datetime_end", "0")
            .with("datetime_created", "0")
            .bytes();
    assertThat(TopicLimits.sizeOf(NotificationTemplate.largest(PromoParser.parse(message))))
        .isLessThanOrEqualTo(message.length + PromoRules.MAX_ADDED_BYTES);
  }

  /** The shortest JSON of a promo. */
  private static String json(String text) throws Exception {
    return JSON.writeValueAsString(new String(text.getBytes(UTF_8), UTF_8).replace('\u0000', '0'));
  }
}
