package io.promostream.drills;

import io.promostream.drills.Expectation.Due;
import io.promostream.local.Delivery;
import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What one sink holds, compared row by row with what it should hold.
 *
 * @param lost that are not there
 * @param doubled too many of the same
 * @param wrong that nobody should have got, or not with this promo, or not yet
 * @param examples of what is wrong, a few
 */
public record SinkAudit(long lost, long doubled, long wrong, List<String> examples) {

  /** Nothing to complain of. */
  public static final SinkAudit NOTHING = new SinkAudit(0, 0, 0, List.of());

  private static final int EXAMPLES = 10;

  /**
   * Compares.
   *
   * @param sink for the examples
   */
  public static SinkAudit of(String sink, Map<Due, Promo> expected, List<Delivery> delivered) {
    Map<Due, Promo> missing = new HashMap<>(expected);
    List<String> doubled = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    for (Delivery delivery : delivered) {
      Promo promo = delivery.promo();
      Due due = new Due(promo.restaurantId(), promo.campaignId(), delivery.clientId());
      Promo right = expected.get(due);
      if (!promo.equals(right) || delivery.matchedAt() < promo.start()) {
        wrong.add(sink + ", wrong: " + delivery + ", right: " + right);
      } else if (missing.remove(due) == null) {
        doubled.add(sink + ", again: " + delivery);
      }
    }
    List<String> lost =
        missing.entrySet().stream()
            .map(entry -> sink + ", lost: " + entry.getKey() + " " + entry.getValue().content())
            .toList();
    List<String> examples = new ArrayList<>();
    for (List<String> kind : List.of(lost, doubled, wrong)) {
      examples.addAll(kind.subList(0, Math.min(EXAMPLES, kind.size())));
    }
    return new SinkAudit(lost.size(), doubled.size(), wrong.size(), examples);
  }
}
