package io.promostream.delivery;

import io.promostream.promo.Promo;
import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import io.promostream.subscribers.Audience;
import java.io.IOException;
import java.time.Duration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * A campaign of a restaurant as the state holds it, and the rules of delivery, which all follow
 * from one: <em>while a campaign is live, its pending clients are the audience of the restaurant
 * minus the recipients of the campaign.</em>
 *
 * <p>Times are epoch milliseconds, except those of a promo, which are seconds.
 */
public sealed interface Campaign {

  TypeInformation<Campaign> TYPE = new ValueType<>(Campaign.class, new Serializer());

  /** The moment of decision of a turn that only sends slices: before every campaign's start. */
  long NOTHING_TO_DECIDE = Long.MIN_VALUE;

  /** When the newest promo was written, epoch seconds. */
  long created();

  /** When the campaign changes next if no promo and no audience arrives. */
  long nextChange();

  /**
   * A campaign that waits for its start, is live, or has ended with slices left to send.
   *
   * @param promo its newest promo
   * @param opened whether its pending clients were determined while it was live
   * @param firstSlice number of the next slice to send
   * @param endSlice number of the next slice to be cut; no slices are left if it equals {@code
   *     firstSlice}
   */
  record Running(Promo promo, boolean opened, int firstSlice, int endSlice) implements Campaign {

    /**
     * The campaign once a promo has replaced the earlier one, whose slices are taken back. A
     * campaign that starts later than before is opened again then.
     *
     * @param known the campaign so far, null if there is none
     */
    static Running after(Promo promo, @Nullable Campaign known, long now) {
      return known instanceof Running running && promo.phaseAt(now) == Promo.Phase.LIVE
          ? new Running(promo, running.opened, running.endSlice, running.endSlice)
          : new Running(promo, false, 0, 0);
    }

    String id() {
      return promo.campaignId();
    }

    @Override
    public long created() {
      return promo.created();
    }

    @Override
    public long nextChange() {
      return opened ? promo.endsAt() : promo.startsAt();
    }

    Promo.Phase phaseAt(long at) {
      return promo.phaseAt(at);
    }

    /** The clients who are to get the campaign, as of a moment. */
    Audience pending(Audience audience, Audience recipients, long at) {
      return phaseAt(at) == Promo.Phase.LIVE ? audience.minus(recipients) : Audience.EMPTY;
    }

    /**
     * The moment that decides who is pending at a turn: now, while the campaign is live. A turn
     * that comes after the end decides as of the moment planned, so that its delay costs no client
     * the promo.
     */
    long decideAt(long planned, long now) {
      return planned != NOTHING_TO_DECIDE && phaseAt(now) == Promo.Phase.LIVE ? now : planned;
    }

    /** Since when the clients have been pending for whom a turn was planned. */
    long pendingSince(long planned) {
      return opened ? planned : promo.startsAt();
    }

    /** Whether the campaign has ended before a decision planned while it was live. */
    boolean hasEndedUndecided(long planned, long now) {
      return phaseAt(now) == Promo.Phase.ENDED && phaseAt(planned) == Promo.Phase.LIVE;
    }

    boolean hasSlices() {
      return firstSlice < endSlice;
    }

    Running open() {
      return new Running(promo, true, firstSlice, endSlice);
    }

    Running withSlicesFrom(int first) {
      return new Running(promo, opened, first, endSlice);
    }

    Running withSlicesTo(int end) {
      return new Running(promo, opened, firstSlice, end);
    }

    /**
     * Whether the campaign has passed and no client could get it, because the job was down from its
     * start to its end, or the subscriber list arrived after its end.
     *
     * @param listSince when the list was first complete
     */
    boolean isMissed(Audience recipients, long listSince) {
      return recipients.isEmpty() && (!opened || listSince >= promo.endsAt());
    }
  }

  /**
   * A campaign that has ended: enough to recognize a late copy or an extension.
   *
   * @param forgetAt when the campaign is forgotten
   */
  record Remembered(long created, long forgetAt) implements Campaign {

    static Remembered of(Promo promo, long now, Duration remember) {
      return new Remembered(promo.created(), Math.max(now, promo.endsAt()) + remember.toMillis());
    }

    @Override
    public long nextChange() {
      return forgetAt;
    }
  }

  /** What an arriving promo means to its campaign. */
  enum Arrival {
    /** The same or a newer version was already known: nothing changes. */
    REPEATED,
    /** It had ended before it arrived: no client gets it. */
    LATE,
    /** It ends a running campaign: no other client gets the campaign. */
    CANCELLED,
    /** It replaces the promo of the campaign, and waits for its start. */
    WAITING,
    /** It replaces the promo of the campaign, and is live. */
    LIVE
  }

  /**
   * Judges an arriving promo.
   *
   * @param known the campaign so far, null if there is none
   */
  static Arrival arrivalOf(Promo promo, @Nullable Campaign known, long now) {
    if (known != null && promo.created() <= known.created()) {
      return Arrival.REPEATED;
    }
    return switch (promo.phaseAt(now)) {
      case WAITING -> Arrival.WAITING;
      case LIVE -> Arrival.LIVE;
      case ENDED -> known instanceof Running ? Arrival.CANCELLED : Arrival.LATE;
    };
  }

  /**
   * Whether a late promo was sent in time, but the job was down from then until after its end.
   *
   * @param listSince when the list was first complete
   * @param atWorkSince when the job began to work after its start
   */
  static boolean passedWhileDown(Promo promo, long sentAt, long listSince, long atWorkSince) {
    return sentAt >= listSince && sentAt < promo.endsAt() && promo.endsAt() <= atWorkSince;
  }

  /** The format of campaigns in state. */
  final class Serializer extends ValueSerializer<Campaign> {

    private static final Promo.Serializer PROMO = new Promo.Serializer();

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Campaign campaign, DataOutputView out) throws IOException {
      out.writeBoolean(campaign instanceof Running);
      if (campaign instanceof Running running) {
        PROMO.serialize(running.promo, out);
        out.writeBoolean(running.opened);
        out.writeInt(running.firstSlice);
        out.writeInt(running.endSlice);
      } else if (campaign instanceof Remembered remembered) {
        out.writeLong(remembered.created);
        out.writeLong(remembered.forgetAt);
      }
    }

    @Override
    protected Campaign read(int format, DataInputView in) throws IOException {
      return in.readBoolean()
          ? new Running(PROMO.deserialize(in), in.readBoolean(), in.readInt(), in.readInt())
          : new Remembered(in.readLong(), in.readLong());
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Campaign> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
