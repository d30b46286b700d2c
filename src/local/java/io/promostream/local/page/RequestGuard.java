package io.promostream.local.page;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Refuses requests that another web site in the same browser makes.
 *
 * <p>Such a site can send a form or a script's request to 127.0.0.1, and its browser names the site
 * in the header {@code Origin}. The site can also give its own name the address 127.0.0.1 (DNS
 * rebinding), and its browser then names the site in the header {@code Host}. As a second barrier,
 * a body must be JSON: a browser sends JSON to another origin only if that origin agrees first, and
 * this server never does.
 */
final class RequestGuard {

  private static final Set<String> METHODS = Set.of("GET", "POST");

  private final Set<String> hosts;
  private final Set<String> origins;

  RequestGuard(int port) {
    hosts = Set.of("127.0.0.1:" + port, "localhost:" + port);
    origins = Set.of("http://127.0.0.1:" + port, "http://localhost:" + port);
  }

  /** A refused request. */
  record Refusal(int status, String reason) {}

  /** Why a request is refused; null if it is not. */
  @Nullable Refusal check(
      String method, @Nullable String host, @Nullable String origin, @Nullable String contentType) {
    if (!METHODS.contains(method)) {
      return new Refusal(405, "only GET and POST are supported");
    }
    if (host == null || !hosts.contains(host)) {
      return new Refusal(403, "this page answers only at the address that the run printed");
    }
    if (origin != null && !origins.contains(origin)) {
      return new Refusal(403, "another web site sent this request");
    }
    if (method.equals("POST")
        && !(contentType != null && contentType.startsWith("application/json"))) {
      return new Refusal(415, "the body must be application/json");
    }
    return null;
  }
}
