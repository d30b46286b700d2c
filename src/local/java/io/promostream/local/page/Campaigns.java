package io.promostream.local.page;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The campaigns of the reports topic, with the texts of the promos topic. It holds the campaigns
 * whose reports changed last, at most {@value #MAX_CAMPAIGNS}.
 */
final class Campaigns {

  static final int MAX_CAMPAIGNS = 5_000;
  private static final int MAX_TEXT = 200;

  private final Map<CampaignId, Report> reports = new LinkedHashMap<>();
  private final Map<CampaignId, String> texts = new LinkedHashMap<>();
  private final Set<CampaignId> own = new LinkedHashSet<>();

  /**
   * A campaign as the page shows it.
   *
   * @param text the beginning of the promo's text; empty if it is not known any more
   * @param own whether a person published it on this page
   */
  record View(Report report, String text, boolean own) {}

  /**
   * Which campaigns the page shows.
   *
   * @param active those that commands can still change, or the others
   * @param text part of an id or of the text, in any case
   */
  record Filter(boolean active, String text) {}

  /** Numbers of campaigns. */
  record Counts(long active, long over) {}

  /**
   * Takes a message of the reports topic.
   *
   * @param value null removes the campaign
   * @throws IllegalArgumentException if the message is not a report
   */
  synchronized void report(byte[] key, byte @Nullable [] value) {
    if (value == null) {
      reports.remove(CampaignId.of(FlatJson.parse(key)));
    } else {
      Report report = Report.parse(value);
      putLast(reports, report.id(), report);
    }
  }

  /** Takes the text of a promo. */
  synchronized void promo(CampaignId id, String text) {
    putLast(texts, id, text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text);
  }

  private static <V> void putLast(Map<CampaignId, V> map, CampaignId id, V value) {
    map.remove(id);
    map.put(id, value);
    if (map.size() > MAX_CAMPAIGNS) {
      map.remove(map.keySet().iterator().next());
    }
  }

  /** Lists a campaign of a person before all others. */
  synchronized void published(CampaignId id) {
    own.remove(id);
    own.add(id);
    if (own.size() > MAX_CAMPAIGNS) {
      own.remove(own.iterator().next());
    }
  }

  synchronized Counts counts() {
    long active = reports.values().stream().filter(report -> report.state().isActive()).count();
    return new Counts(active, reports.size() - active);
  }

  /**
   * The first campaigns that pass a filter: own ones, newest first; then large ones, so that the
   * list stays calm while small campaigns come and go. Those that are over are listed by time.
   */
  synchronized List<View> find(Filter filter, int limit) {
    String text = filter.text().toLowerCase(Locale.ROOT).strip();
    List<View> found = new ArrayList<>();
    for (Report report : reports.values()) {
      View view = new View(report, texts.getOrDefault(report.id(), ""), own.contains(report.id()));
      if (report.state().isActive() == filter.active() && matches(view, text)) {
        found.add(view);
      }
    }
    found.sort(filter.active() ? ACTIVE : OVER);
    return found.size() > limit ? found.subList(0, limit) : found;
  }

  private static final Comparator<View> OWN_FIRST =
      Comparator.<View, Boolean>comparing(View::own)
          .thenComparing(view -> view.own() ? view.report().created() : 0L)
          .reversed();

  private static final Comparator<View> ACTIVE =
      OWN_FIRST
          .thenComparing(view -> view.report().state())
          .thenComparing(view -> view.report().audience() == null ? 0 : -view.report().audience())
          .thenComparing(view -> view.report().id().toString());

  private static final Comparator<View> OVER =
      OWN_FIRST
          .thenComparing(view -> view.report().updatedAt(), Collections.reverseOrder())
          .thenComparing(view -> view.report().id().toString());

  private static boolean matches(View view, String text) {
    return text.isEmpty()
        || contains(view.report().id().restaurantId(), text)
        || contains(view.report().id().campaignId(), text)
        || contains(view.text(), text);
  }

  private static boolean contains(String whole, String part) {
    return whole.toLowerCase(Locale.ROOT).contains(part);
  }
}
