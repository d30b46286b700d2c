package io.promostream.drills;

import io.promostream.drills.Expectation.Due;
import io.promostream.local.Delivery;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What one sink holds, compared row by row with what it should hold.
 *
 * @param lost that are not there
 * @param doubled too many of the same
 * @param wrong that nobody may have got, or not with this promo, or not at that time
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
  public static SinkAudit of(String sink, Expectation expectation, List<Delivery> delivered) {
    Set<Due> missing = new HashSet<>(expectation.owed());
    Set<Due> there = new HashSet<>();
    List<String> doubled = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    for (Delivery delivery : delivered) {
      Due due = Due.of(delivery);
      missing.remove(due);
      if (!expectation.allows(delivery)) {
        wrong.add(sink + ", wrong: " + delivery);
      } else if (!there.add(due)) {
        doubled.add(sink + ", again: " + delivery);
      }
    }
    List<String> lost = missing.stream().map(due -> sink + ", lost: " + due).toList();
    List<String> examples = new ArrayList<>();
    for (List<String> kind : List.of(lost, doubled, wrong)) {
      examples.addAll(kind.subList(0, Math.min(EXAMPLES, kind.size())));
    }
    return new SinkAudit(lost.size(), doubled.size(), wrong.size(), examples);
  }
}
