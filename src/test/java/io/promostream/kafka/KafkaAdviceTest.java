package io.promostream.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;

class KafkaAdviceTest {

  @Test
  void explainsLoginErrorWithoutQuotingLogin() {
    String module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    for (String login :
        new String[] {
          module + " required username=a password=a hunter2;",
          module + " required username=a password=\"a'\" \"hunter2's\" ;",
          module + " hunter2 username=a;"
        }) {
      Throwable refused =
          catchThrowable(
              () ->
                  Admin.create(
                      Map.of(
                          "bootstrap.servers", "127.0.0.1:9",
                          "security.protocol", "SASL_PLAINTEXT",
                          "sasl.mechanism", "PLAIN",
                          "sasl.jaas.config", login)));
      assertThat(refused).hasStackTraceContaining("hunter2");
      assertThat(KafkaAdvice.causeAndAdvice(refused))
          .contains("'***' in JAAS config")
          .doesNotContain("hunter2");
    }
  }
}
