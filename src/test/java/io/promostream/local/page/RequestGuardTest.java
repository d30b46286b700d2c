package io.promostream.local.page;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RequestGuardTest {

  private static final String HERE = "127.0.0.1:8080";

  private final RequestGuard guard = new RequestGuard(8080);

  @Test
  void acceptsRequestsOfThePageItself() {
    assertThat(status("GET", HERE, null, null)).isZero();
    assertThat(status("POST", HERE, "http://127.0.0.1:8080", "application/json")).isZero();
    assertThat(
            status(
                "POST",
                "localhost:8080",
                "http://localhost:8080",
                "application/json;charset=utf-8"))
        .isZero();
  }

  @Test
  void acceptsRequestsOfProgramsWithoutOrigin() {
    assertThat(status("POST", HERE, null, "application/json")).isZero();
  }

  @Test
  void refusesOtherHostsAfterDnsRebinding() {
    for (String host :
        new String[] {null, "evil.example", "evil.example:8080", "127.0.0.1:8081", "127.0.0.1"}) {
      assertThat(status("GET", host, null, null)).isEqualTo(403);
      assertThat(status("POST", host, "http://127.0.0.1:8080", "application/json")).isEqualTo(403);
    }
  }

  @Test
  void refusesOtherOrigins() {
    for (String origin :
        new String[] {
          "http://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:8080", ""
        }) {
      assertThat(status("POST", HERE, origin, "application/json")).isEqualTo(403);
      assertThat(status("GET", HERE, origin, null)).isEqualTo(403);
    }
  }

  @Test
  void refusesBodiesThatBrowsersSendToAnyOrigin() {
    for (String type :
        new String[] {
          null, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"
        }) {
      assertThat(status("POST", HERE, null, type)).isEqualTo(415);
    }
  }

  @Test
  void refusesOtherMethods() {
    assertThat(status("PUT", HERE, null, "application/json")).isEqualTo(405);
    assertThat(status("OPTIONS", HERE, "http://evil.example", null)).isEqualTo(405);
  }

  /** The status of the refusal; 0 if there is none. */
  private int status(
      String method, @Nullable String host, @Nullable String origin, @Nullable String type) {
    RequestGuard.Refusal refusal = guard.check(method, host, origin, type);
    return refusal == null ? 0 : refusal.status();
  }
}
