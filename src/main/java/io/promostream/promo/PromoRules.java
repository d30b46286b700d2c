package io.promostream.promo;

import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import java.io.IOException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a message is a promo that the job accepts: by its JSON, by what the feedback
 * table can store, and by what the notifications' topic accepts. The job and {@code --preview} ask
 * this class, so both give the same reason.
 */
public final class PromoRules {

  /**
   * The most bytes that a notification can add to its promo's message: the client's id as key and
   * as field, a time, and the JSON around them, about 2,800 bytes. The promo's texts do not grow,
   * because the message contains them in escaped form already.
   */
  static final int MAX_ADDED_BYTES = 4_096;

  private final TopicLimits.Current notificationLimit;
  private final String notificationsTopic;
  private final Function<Promo, @Nullable String> storageProblem;
  private final Function<Promo, Message> largestNotification;

  /**
   * Looks up the limit of the topic.
   *
   * @param storageProblem why the feedback table cannot store the rows of a promo; null if it can
   * @param largestNotification makes the largest possible notification of a promo
   * @throws IOException if the broker does not answer
   */
  public PromoRules(
      TopicLimits.Lookup limits,
      String notificationsTopic,
      Function<Promo, @Nullable String> storageProblem,
      Function<Promo, Message> largestNotification)
      throws IOException {
    this.notificationLimit = new TopicLimits.Current(limits, notificationsTopic);
    this.notificationsTopic = notificationsTopic;
    this.storageProblem = storageProblem;
    this.largestNotification = largestNotification;
  }

  /**
   * Reads the value of a message.
   *
   * @throws UnusablePromoException if the job cannot use it; it names the first problem
   */
  public Promo read(byte @Nullable [] value) throws UnusablePromoException {
    Promo promo = PromoParser.parse(value);
    requireStorable(promo);
    if (value.length > notificationLimit.bytes() - MAX_ADDED_BYTES) {
      requireSendable(promo);
    }
    return promo;
  }

  private void requireStorable(Promo promo) throws UnusablePromoException {
    String problem = storageProblem.apply(promo);
    if (problem != null) {
      throw new UnusablePromoException(
          RejectReason.UNSTORABLE_VALUE, problem + " for its column of the feedback table");
    }
  }

  private void requireSendable(Promo promo) throws UnusablePromoException {
    int bytes = TopicLimits.sizeOf(largestNotification.apply(promo));
    if (!notificationLimit.accepts(bytes)) {
      throw new UnusablePromoException(
          RejectReason.TOO_LARGE,
          "a notification of it may take %d bytes, but topic %s takes only %d"
              .formatted(bytes, notificationsTopic, notificationLimit.bytes()));
    }
  }
}
