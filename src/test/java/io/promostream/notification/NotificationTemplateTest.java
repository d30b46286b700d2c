package io.promostream.notification;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import io.promostream.promo.Promo;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class NotificationTemplateTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void writesTenFieldsInOrder() {
    Promo promo = new Promo("r", "c", "Суп \"дня\"\n", "o", "k", 1, 2, 3);
    Message message = new NotificationTemplate(promo, 4).to("client".getBytes(UTF_8), true);
    assertThat(new String(message.key(), UTF_8)).isEqualTo("client");
    assertThat(new String(message.value(), UTF_8))
        .isEqualTo(
            "{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\","
                + "\"adv_campaign_content\":\"Суп \\\"дня\\\"\\n\",\"adv_campaign_owner\":\"o\","
                + "\"adv_campaign_owner_contact\":\"k\",\"adv_campaign_datetime_start\":1,"
                + "\"adv_campaign_datetime_end\":2,\"client_id\":\"client\","
                + "\"datetime_created\":3,\"trigger_datetime_created\":4}");
  }

  @Property
  void writesAnyTextWithinPredictedSize(
      @ForAll @StringLength(min = 1, max = 255) String client, @ForAll String content)
      throws Exception {
    String clientId = storable(client);
    Promo promo = new Promo(clientId, "c", storable(content), "", "", 1, 2, 3);
    Message message = new NotificationTemplate(promo, 4).to(clientId.getBytes(UTF_8), false);
    JsonNode json = JSON.readTree(message.value());
    assertThat(json.get("client_id").textValue()).isEqualTo(clientId);
    assertThat(json.get("restaurant_id").textValue()).isEqualTo(clientId);
    assertThat(json.get("adv_campaign_content").textValue()).isEqualTo(promo.content());
    assertThat(new String(message.key(), UTF_8)).isEqualTo(clientId);
    assertThat(TopicLimits.sizeOf(message))
        .isLessThanOrEqualTo(TopicLimits.sizeOf(NotificationTemplate.largest(promo)));
  }

  @Test
  void fitsLongestClientIds() {
    Promo promo = new Promo("r", "c", "", "", "", 1, 2, 3);
    int largest = TopicLimits.sizeOf(NotificationTemplate.largest(promo));
    for (String worst : new String[] {"\u0001", "\"", "\uD83C\uDF55", "\uffff"}) {
      Message message =
          new NotificationTemplate(promo, Long.MAX_VALUE)
              .to(worst.repeat(255).getBytes(UTF_8), false);
      assertThat(TopicLimits.sizeOf(message)).isLessThanOrEqualTo(largest);
    }
  }

  /** Any text from Postgres or the parser: UTF-8 without U+0000. */
  private static String storable(String text) {
    return new String(text.getBytes(UTF_8), UTF_8).replace('\u0000', '0');
  }
}
