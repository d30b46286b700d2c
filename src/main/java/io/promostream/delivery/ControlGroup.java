package io.promostream.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * The clients of each campaign who get nothing, so that the effect of the campaign can be measured.
 *
 * <p>A client belongs to the group if the first four bytes of {@code md5(restaurant_id || '/' ||
 * adv_campaign_id || '/' || client_id)}, as an unsigned number modulo 10,000, are less than the
 * share in hundredths of a percent. Every restart and every subtask therefore finds the same
 * clients, and an analyst can find them in SQL. Each campaign has another group.
 */
public final class ControlGroup {

  private static final int HUNDREDTHS = 10_000;

  private final int share;
  private final MessageDigest md5;

  /**
   * Makes a group.
   *
   * @param share of all clients, in hundredths of a percent
   */
  public ControlGroup(int share) {
    this.share = share;
    try {
      md5 = MessageDigest.getInstance("MD5");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform must support MD5", e);
    }
  }

  /** The clients who are not in the group of a campaign. */
  public Audience removeFrom(Audience clients, Promo promo) {
    if (share == 0) {
      return clients;
    }
    byte[] campaign = (promo.restaurantId() + '/' + promo.campaignId() + '/').getBytes(UTF_8);
    return clients.filter(client -> !contains(campaign, client));
  }

  private boolean contains(byte[] campaign, byte[] client) {
    md5.update(campaign);
    long number = Integer.toUnsignedLong(ByteBuffer.wrap(md5.digest(client)).getInt());
    return number % HUNDREDTHS < share;
  }
}
