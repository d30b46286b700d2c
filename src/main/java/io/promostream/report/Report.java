package io.promostream.report;

import io.promostream.promo.Promo;
import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;
import org.jspecify.annotations.Nullable;

/**
 * What the job knows about a campaign for its report.
 *
 * @param window of the newest promo
 * @param over the last state; null while the campaign runs
 * @param written what the newest written report said
 */
public record Report(Window window, Counts counts, @Nullable State over, Written written) {

  public static final TypeInformation<Report> TYPE =
      new ValueType<>(Report.class, new Serializer());

  private static final long NEVER = -1;

  /** The states of a campaign. State stores their names. */
  public enum State {
    /** Before its start. */
    WAITING,
    LIVE,
    /** A command holds it back. */
    PAUSED,
    /** After its end. Pending clients still get it. */
    ENDED,
    /** A newer promo or a command ended it before its end. */
    CANCELLED,
    /** Its newest promo arrived after its end. */
    LATE,
    /** It ended before the job could or might deliver it to the pending clients. */
    MISSED
  }

  /**
   * The times of a promo, epoch seconds.
   *
   * @param start first second in which it is live
   * @param end last second in which it is live
   * @param created when the restaurant wrote it
   */
  public record Window(long start, long end, long created) {

    static Window of(Promo promo) {
      return new Window(promo.start(), promo.end(), promo.created());
    }
  }

  /**
   * The numbers of clients of a campaign, and the times of its deliveries.
   *
   * @param audience at the last decision; -1 before the first
   * @param delivered deliveries that went to the sinks
   * @param inSlices clients who wait in slices
   * @param heldOut clients in the control group
   * @param undecided whether there may be pending clients outside of slices
   * @param firstAt time of the first delivery, epoch milliseconds; -1 for none
   * @param lastAt time of the last delivery, epoch milliseconds; -1 for none
   */
  public record Counts(
      long audience,
      long delivered,
      long inSlices,
      long heldOut,
      boolean undecided,
      long firstAt,
      long lastAt) {

    private static final Counts NONE = new Counts(NEVER, 0, 0, 0, false, NEVER, NEVER);

    private Counts withUndecided(boolean undecidedNow) {
      return new Counts(audience, delivered, inSlices, heldOut, undecidedNow, firstAt, lastAt);
    }
  }

  /**
   * What the newest written report said.
   *
   * @param state null if none was written
   * @param at epoch milliseconds; -1 if none was written
   */
  public record Written(@Nullable State state, long at) {

    private static final Written NOTHING = new Written(null, NEVER);
  }

  /** The first report of a campaign. */
  public static Report of(Promo promo) {
    return new Report(Window.of(promo), Counts.NONE, null, Written.NOTHING);
  }

  /** Adds what happened before reports were switched on. */
  public Report withEarlier(long delivered, long inSlices, long heldOut, boolean undecided) {
    return with(new Counts(NEVER, delivered, inSlices, heldOut, undecided, NEVER, NEVER));
  }

  /** A newer promo has replaced the earlier one, and the campaign runs. */
  public Report runs(Promo promo) {
    return new Report(Window.of(promo), counts.withUndecided(false), null, written);
  }

  /** The campaign is over. */
  public Report over(Promo promo, State state) {
    return new Report(Window.of(promo), counts, state, written);
  }

  /** There may be pending clients who are not in slices. */
  public Report undecided() {
    return with(counts.withUndecided(true));
  }

  /** All pending clients were put into slices. */
  public Report decided(int audience, int added, int heldOut) {
    return with(
        new Counts(
            audience,
            counts.delivered,
            counts.inSlices + added,
            counts.heldOut + heldOut,
            false,
            counts.firstAt,
            counts.lastAt));
  }

  /** Clients were taken out of slices. */
  public Report takenBack(int clients) {
    return with(
        new Counts(
            counts.audience,
            counts.delivered,
            counts.inSlices - clients,
            counts.heldOut,
            counts.undecided,
            counts.firstAt,
            counts.lastAt));
  }

  /** Clients of slices went to the sinks. */
  public Report delivered(int clients, long now) {
    return with(
        new Counts(
            counts.audience,
            counts.delivered + clients,
            counts.inSlices - clients,
            counts.heldOut,
            counts.undecided,
            counts.firstAt == NEVER ? now : counts.firstAt,
            now));
  }

  /** A report was written. */
  public Report written(State state, long now) {
    return new Report(window, counts, over, new Written(state, now));
  }

  private Report with(Counts newCounts) {
    return new Report(window, newCounts, over, written);
  }

  /** The state of the campaign at a moment, epoch milliseconds. */
  public State state(boolean paused, long now) {
    if (over != null) {
      return over;
    }
    if (now / 1000 > window.end) {
      return State.ENDED;
    }
    return paused ? State.PAUSED : now / 1000 < window.start ? State.WAITING : State.LIVE;
  }

  /** The format of reports in state. */
  public static final class Serializer extends ValueSerializer<Report> {

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Report report, DataOutputView out) throws IOException {
      out.writeLong(report.window.start);
      out.writeLong(report.window.end);
      out.writeLong(report.window.created);
      out.writeLong(report.counts.audience);
      out.writeLong(report.counts.delivered);
      out.writeLong(report.counts.inSlices);
      out.writeLong(report.counts.heldOut);
      out.writeBoolean(report.counts.undecided);
      out.writeLong(report.counts.firstAt);
      out.writeLong(report.counts.lastAt);
      writeState(report.over, out);
      writeState(report.written.state, out);
      out.writeLong(report.written.at);
    }

    @Override
    protected Report read(int format, DataInputView in) throws IOException {
      return new Report(
          new Window(in.readLong(), in.readLong(), in.readLong()),
          new Counts(
              in.readLong(),
              in.readLong(),
              in.readLong(),
              in.readLong(),
              in.readBoolean(),
              in.readLong(),
              in.readLong()),
          readState(in),
          new Written(readState(in), in.readLong()));
    }

    private static void writeState(@Nullable State state, DataOutputView out) throws IOException {
      StringValue.writeString(state == null ? null : state.name(), out);
    }

    private static @Nullable State readState(DataInputView in) throws IOException {
      String name = StringValue.readString(in);
      return name == null ? null : State.valueOf(name);
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Report> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
