package io.promostream.drills;

import io.promostream.drills.Expectation.Due;
import io.promostream.local.Delivery;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The deliveries in one sink, compared row by row with the expected ones.
 *
 * @param lost owed deliveries that are missing
 * @param doubled superfluous copies
 * @param wrong deliveries that the contract forbids: to this client, of this version, or at this
 *     time
 * @param examples a few of the problems
 */
public record SinkAudit(long lost, long doubled, long wrong, List<String> examples) {

  /** Whether there is no problem. */
  public static final SinkAudit NOTHING = new SinkAudit(0, 0, 0, List.of());

  private static final int EXAMPLES = 10;

  /**
   * Compares a sink with the expectation.
   *
   * @param sink the name that the examples begin with
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
