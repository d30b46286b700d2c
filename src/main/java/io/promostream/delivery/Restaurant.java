package io.promostream.delivery;

import io.promostream.config.JobConfig.Delivery;
import io.promostream.delivery.Campaign.Running;
import io.promostream.metrics.JobMetric;
import io.promostream.promo.Promo;
import io.promostream.report.Report;
import io.promostream.subscribers.Audience;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;

/**
 * The keyed state of the current restaurant: its audience, its campaigns, and for each campaign its
 * recipients and the slices that have not gone out.
 *
 * <p>A recipient is a client who got the campaign, who has a place in one of its slices, or who is
 * not to get it: a member of the control group, or a subscriber who came too late. Each access is a
 * read or a write of RocksDB, so values that a caller knows are handed in.
 */
final class Restaurant {

  private final ValueState<Audience> audience;
  private final MapState<Integer, Audience> audienceParts;
  private final MapState<String, Campaign> campaigns;
  private final MapState<String, Audience> recipients;
  private final @Nullable MapState<String, Audience> withheld;
  private final MapState<Tuple2<String, Integer>, Slice> slices;
  private final Turns turns;
  private final Population population;
  private final ListFreshness list;
  private final @Nullable Duration lateSubscribersWithin;
  private final ControlGroup controlGroup;
  private final Reports reports;
  private final Counter heldOut;
  private final Counter tooLate;

  Restaurant(
      RuntimeContext states,
      Turns turns,
      Population population,
      ListFreshness list,
      Delivery rules,
      Reports reports,
      MetricGroup metrics) {
    audience = states.getState(DeliveryState.AUDIENCE);
    audienceParts = states.getMapState(DeliveryState.AUDIENCE_PARTS);
    campaigns = states.getMapState(DeliveryState.CAMPAIGNS);
    recipients = states.getMapState(DeliveryState.RECIPIENTS);
    lateSubscribersWithin = rules.lateSubscribersWithin();
    boolean mayWithhold = rules.controlGroupHundredths() > 0 || lateSubscribersWithin != null;
    withheld = mayWithhold || reports.areOn() ? states.getMapState(DeliveryState.WITHHELD) : null;
    slices = states.getMapState(DeliveryState.SLICES);
    this.turns = turns;
    this.population = population;
    this.list = list;
    this.reports = reports;
    controlGroup = new ControlGroup(rules.controlGroupHundredths());
    heldOut = JobMetric.CLIENTS_HELD_OUT.counter(metrics);
    tooLate = JobMetric.CLIENTS_TOO_LATE.counter(metrics);
  }

  @Nullable Campaign campaign(String id) throws Exception {
    return campaigns.get(id);
  }

  List<Running> running() throws Exception {
    List<Running> running = new ArrayList<>();
    for (Campaign campaign : campaigns.values()) {
      if (campaign instanceof Running one) {
        running.add(one);
      }
    }
    return running;
  }

  /**
   * Stores a campaign and plans the wake for its next change.
   *
   * @param before the campaign in the state, null if there is none
   * @param now when the campaign was judged: a change since then needs a wake too
   */
  void store(String id, @Nullable Campaign before, Campaign after, long now) throws Exception {
    replace(id, before, after);
    boolean planned = before != null && before.nextChange() == after.nextChange();
    if (!planned && after.nextChange() >= now) {
      turns.wakeAt(after.nextChange());
    }
  }

  private void replace(String id, @Nullable Campaign before, Campaign after) throws Exception {
    if (!after.equals(before)) {
      campaigns.put(id, after);
      population.changed(before, after);
    }
  }

  /** Gives a turn to each campaign that has started or ended, and forgets the old ones. */
  void wake(long asOf) throws Exception {
    Map<String, Campaign> old = new HashMap<>();
    for (Map.Entry<String, Campaign> entry : campaigns.entries()) {
      Campaign campaign = entry.getValue();
      if (campaign.nextChange() > asOf) {
        turns.wakeAt(campaign.nextChange());
      } else if (campaign instanceof Running running) {
        reports.begin(running.promo(), running, asOf);
        reports.change(running.id(), running.opened() ? report -> report : Report::undecided);
        turns.add(entry.getKey(), asOf);
        if (running.promo().endsAt() > asOf) {
          // Its turn may come after its end, which the report must notice before.
          turns.wakeAt(running.promo().endsAt());
        }
      } else {
        old.put(entry.getKey(), campaign);
      }
    }
    // Removing through the iterator would leave an empty map for the restaurant on the heap.
    for (Map.Entry<String, Campaign> entry : old.entrySet()) {
      campaigns.remove(entry.getKey());
      population.changed(entry.getValue(), null);
      noteRecipients(entry.getKey(), recipients(entry.getKey()), Audience.EMPTY);
      if (withheld != null) {
        withheld.remove(entry.getKey());
      }
      reports.forget(entry.getKey());
    }
  }

  /** What must be done as long as the old audience holds. */
  interface BeforeJoin {
    void run() throws Exception;
  }

  /**
   * Adds a part of the next audience, which holds once its last part is there.
   *
   * @param beforeJoin ends campaigns for which clients who join now come too late
   */
  void add(AudiencePart part, BeforeJoin beforeJoin) throws Exception {
    if (part.part() == 0) {
      // A part 0 marks the remains of an incomplete audience. Looking for it is cheaper than
      // clearing.
      if (audienceParts.contains(0)) {
        audienceParts.clear();
      }
      if (part.last()) {
        changeAudience(part.clients(), beforeJoin);
        return;
      }
    }
    audienceParts.put(part.part(), part.clients());
    if (part.last()) {
      List<Audience> parts = new ArrayList<>();
      audienceParts.values().forEach(parts::add);
      audienceParts.clear();
      changeAudience(Audience.union(parts), beforeJoin);
    }
  }

  private void changeAudience(Audience after, BeforeJoin beforeJoin) throws Exception {
    Audience before = orEmpty(audience.value());
    Audience left = before.minus(after);
    Audience joined = after.minus(before);
    if (left.isEmpty() && joined.isEmpty()) {
      return;
    }
    long now = turns.now();
    // The first load looks for campaigns only once: few restaurants have any.
    boolean hasCampaigns = !campaigns.isEmpty();
    if (!joined.isEmpty() && hasCampaigns) {
      beforeJoin.run();
      decideForEnded(now);
    }
    if (after.isEmpty()) {
      audience.clear();
    } else {
      audience.update(after);
    }
    if (hasCampaigns) {
      tellCampaigns(left, joined, now);
    }
  }

  /**
   * Decides, with the old audience, for the campaigns that have ended while they waited for their
   * turn: clients who join after the end do not get them.
   */
  private void decideForEnded(long now) throws Exception {
    for (Map.Entry<String, Long> turn : turns.waiting()) {
      String id = turn.getKey();
      long decideAt = turn.getValue();
      if (campaigns.get(id) instanceof Running running
          && running.hasEndedUndecided(decideAt, now)) {
        reports.begin(running.promo(), running, now);
        replace(id, running, keep(running.open(), decide(running, running, decideAt)));
        turn.setValue(Campaign.NOTHING_TO_DECIDE);
      }
    }
  }

  private void tellCampaigns(Audience left, Audience joined, long now) throws Exception {
    for (Map.Entry<String, Campaign> entry : campaigns.entries()) {
      if (entry.getValue() instanceof Running running) {
        reports.begin(running.promo(), running, now);
        if (running.hasSlices() && !left.isEmpty()) {
          takeBack(running, clients -> clients.minus(left));
        }
        if (!joined.isEmpty() && running.phaseAt(now) == Promo.Phase.LIVE) {
          if (isTooLate(running, now)) {
            exclude(running, joined);
          } else {
            // Replaces an earlier moment: clients who join now were not subscribed then.
            turns.addOrReplace(entry.getKey(), now);
            reports.change(running.id(), Report::undecided);
          }
        }
        reports.audienceChanged(running.id());
      }
    }
  }

  /**
   * Whether clients who subscribe now no longer get a campaign. The first list reaches everybody.
   */
  private boolean isTooLate(Running campaign, long now) {
    return lateSubscribersWithin != null
        && list.completeSince() <= now
        && now - campaign.promo().startsAt() >= lateSubscribersWithin.toMillis();
  }

  /** Notes clients as recipients, so that they are never pending. */
  private void exclude(Running campaign, Audience clients) throws Exception {
    Audience before = recipients(campaign.id());
    Audience after = before.plus(clients);
    tooLate.inc(after.size() - before.size());
    noteRecipients(campaign.id(), before, after);
    withhold(campaign.id(), after.minus(before));
  }

  /** Notes which of the recipients are not to get a campaign. */
  private void withhold(String campaignId, Audience clients) throws Exception {
    if (!clients.isEmpty()) {
      withheld.put(campaignId, orEmpty(withheld.get(campaignId)).plus(clients));
    }
  }

  /**
   * Cuts the pending clients of a campaign into slices, and notes them as recipients. The control
   * group is noted too, and has no place in the slices.
   *
   * @param known the campaign in the state, null if there is none: then it has no recipients
   */
  List<Slice> decide(@Nullable Campaign known, Running campaign, long at) throws Exception {
    Audience before = known == null ? Audience.EMPTY : recipients(campaign.id());
    Audience subscribers = orEmpty(audience.value());
    Audience pending = campaign.pending(subscribers, before, at);
    noteRecipients(campaign.id(), before, before.plus(pending));
    Audience receiving = controlGroup.removeFrom(pending, campaign.promo());
    Audience group = pending.minus(receiving);
    withhold(campaign.id(), group);
    heldOut.inc(group.size());
    reports.change(
        campaign.id(),
        report -> report.decided(subscribers.size(), receiving.size(), group.size()));
    return Slice.cut(campaign.promo(), receiving, at);
  }

  /** Keeps slices of a campaign until they go out. */
  Running keep(Running campaign, List<Slice> pending) throws Exception {
    int number = campaign.endSlice();
    for (Slice slice : pending) {
      slices.put(Tuple2.of(campaign.id(), number++), slice);
    }
    population.slices(pending.size());
    return campaign.withSlicesTo(number);
  }

  /**
   * Removes clients from the slices of a campaign and hands them over as a slice, if there are any.
   *
   * @param maxClients at least 1
   */
  Running release(Running campaign, int maxClients, Consumer<Slice> taker) throws Exception {
    for (int number = campaign.firstSlice(); number < campaign.endSlice(); number++) {
      Tuple2<String, Integer> key = Tuple2.of(campaign.id(), number);
      Slice slice = slices.get(key);
      // A slice is gone if all its clients have unsubscribed.
      if (slice != null) {
        List<Slice> parts = slice.split(maxClients);
        taker.accept(parts.get(0));
        if (parts.size() > 1) {
          slices.put(key, parts.get(1));
          return campaign.withSlicesFrom(number);
        }
        slices.remove(key);
        population.slices(-1);
        return campaign.withSlicesFrom(number + 1);
      }
    }
    return campaign.withSlicesFrom(campaign.endSlice());
  }

  /** Removes all slices of a campaign: their clients are pending again. */
  void takeBackAll(Running campaign) throws Exception {
    takeBack(campaign, clients -> Audience.EMPTY);
  }

  /** Changes the clients of all slices: those who are taken out are no longer recipients. */
  private void takeBack(Running campaign, UnaryOperator<Audience> change) throws Exception {
    List<Audience> taken = new ArrayList<>();
    for (int number = campaign.firstSlice(); number < campaign.endSlice(); number++) {
      Tuple2<String, Integer> key = Tuple2.of(campaign.id(), number);
      Slice slice = slices.get(key);
      if (slice != null) {
        Audience left = change.apply(slice.clients());
        if (left.isEmpty()) {
          slices.remove(key);
          population.slices(-1);
        } else if (left.size() < slice.clients().size()) {
          slices.put(key, new Slice(slice.matchedAt(), left));
        } else {
          continue;
        }
        taken.add(slice.clients().minus(left));
      }
    }
    if (!taken.isEmpty()) {
      Audience before = recipients(campaign.id());
      Audience all = Audience.union(taken);
      noteRecipients(campaign.id(), before, before.minus(all));
      reports.change(campaign.id(), report -> report.takenBack(all.size()));
    }
  }

  /**
   * The number of clients who are pending outside of slices, as long as the campaign is live. The
   * control group is not pending.
   */
  int undecided(Running campaign) throws Exception {
    Audience undecided = orEmpty(audience.value()).minus(recipients(campaign.id()));
    return controlGroup.removeFrom(undecided, campaign.promo()).size();
  }

  /** The number of subscribers. */
  int audienceSize() throws Exception {
    return orEmpty(audience.value()).size();
  }

  /** The first report on a campaign that ran before reports were switched on. */
  Report earlier(Promo promo, Campaign known) throws Exception {
    Audience notServed = orEmpty(withheld.get(promo.campaignId()));
    int receiving = recipients(promo.campaignId()).minus(notServed).size();
    int group = notServed.size() - controlGroup.removeFrom(notServed, promo).size();
    int inSlices = known instanceof Running running ? inSlices(running) : 0;
    boolean opened = known instanceof Running running && running.opened();
    return Report.of(promo).withEarlier(receiving - inSlices, inSlices, group, opened);
  }

  private int inSlices(Running campaign) throws Exception {
    int clients = 0;
    for (int number = campaign.firstSlice(); number < campaign.endSlice(); number++) {
      Slice slice = slices.get(Tuple2.of(campaign.id(), number));
      clients += slice == null ? 0 : slice.clients().size();
    }
    return clients;
  }

  Audience recipients(String campaignId) throws Exception {
    return orEmpty(recipients.get(campaignId));
  }

  private void noteRecipients(String campaignId, Audience before, Audience after) throws Exception {
    population.recipients(after.size() - before.size());
    if (after.isEmpty()) {
      recipients.remove(campaignId);
    } else if (after.size() != before.size()) {
      recipients.put(campaignId, after);
    }
  }

  private static Audience orEmpty(@Nullable Audience audience) {
    return audience == null ? Audience.EMPTY : audience;
  }
}
