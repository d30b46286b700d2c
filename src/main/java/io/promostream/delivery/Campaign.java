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
 * What is known of one campaign of one restaurant, and the rules of delivery. They come down to
 * one: <em>what is due is the restaurant's audience minus those who got it, while the campaign is
 * live.</em>
 *
 * <p>Times are epoch milliseconds, unless a promo's own, which are seconds.
 */
public sealed interface Campaign {

  TypeInformation<Campaign> TYPE = new ValueType<>(Campaign.class, new Serializer());

  /** When its newest version was written, epoch seconds. */
  long created();

  /** When something is next to be done about it, if nothing else happens. */
  long nextChange();

  /**
   * A campaign that waits for its start, is live, or has ended with slices still to go out.
   *
   * @param promo its newest version
   * @param opened whether its audience was looked at while it was live
   * @param firstSlice number of the next slice to go out
   * @param endSlice number of the next slice to be cut; all are out where it equals {@code
   *     firstSlice}
   */
  record Running(Promo promo, boolean opened, int firstSlice, int endSlice) implements Campaign {

    @Override
    public long created() {
      return promo.created();
    }

    @Override
    public long nextChange() {
      return opened ? promo.endsAt() : promo.startsAt();
    }

    /** Who is due at a moment. */
    Audience due(Audience audience, Audience recipients, long at) {
      return promo.phaseAt(at) == Promo.Phase.LIVE ? audience.minus(recipients) : Audience.EMPTY;
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
     * Whether nobody could get it, though the time came and went: the job was down from start to
     * end, or the subscriber list was not there before the end.
     *
     * @param listSince when the list was first complete
     */
    boolean isMissed(Audience recipients, long listSince) {
      return recipients.isEmpty() && (!opened || listSince >= promo.endsAt());
    }
  }

  /**
   * A campaign that is over: enough to know a late copy, or an extension, by.
   *
   * @param forgetAt until when
   */
  record Remembered(long created, long forgetAt) implements Campaign {

    /** What stays of a campaign that is over, for as long as copies of it may still come. */
    static Remembered of(Promo promo, long now, Duration remember) {
      return new Remembered(promo.created(), Math.max(now, promo.endsAt()) + remember.toMillis());
    }

    @Override
    public long nextChange() {
      return forgetAt;
    }
  }

  /** What a promo that arrives is to its campaign. */
  enum Arrival {
    /** The version known is as new or newer: nothing changes. */
    REPEATED,
    /** It was over when it came: nobody gets it. */
    LATE,
    /** It ends a campaign that runs: nobody else gets it. */
    CANCELLED,
    /** It holds, from its start on. */
    WAITING,
    /** It holds, from now on. */
    LIVE
  }

  /**
   * Judges a promo that arrives.
   *
   * @param known what is known of its campaign, null for nothing
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

  /** Writes campaigns, in state. */
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
