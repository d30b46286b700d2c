package io.promostream.local.page;

import org.jspecify.annotations.Nullable;

/** The running job, as far as the page shows it and disturbs it. */
public interface Engine {

  /** The job's numbers at this moment. */
  Flow flow() throws Exception;

  /**
   * What the job would do with a promo: the JSON that {@code --preview --json} prints.
   *
   * @param promo the message
   */
  String preview(byte[] promo) throws Exception;

  /** Ends the TaskManager while it works, and starts another. Returns when the new one starts. */
  void killTaskManager() throws Exception;

  /** Stops Postgres like a crash, and starts it again. Returns when it accepts connections. */
  void restartDatabase() throws Exception;

  /**
   * The job's numbers.
   *
   * @param state Flink's state of the job
   * @param tasksRunning how many of the job's tasks run
   * @param late promos that had ended when they arrived or before the job could deliver them
   * @param listAgeSeconds null before the first refresh
   * @param checkpoint the id of the last completed checkpoint; 0 before the first
   * @param checkpointMillis how long it took
   * @param checkpointAgeMillis time since it was completed
   */
  record Flow(
      String state,
      int tasksRunning,
      int tasks,
      long promosRead,
      long rejected,
      long late,
      long waiting,
      long live,
      long restaurants,
      long subscriptions,
      @Nullable Long listAgeSeconds,
      long checkpoint,
      long checkpointMillis,
      long checkpointAgeMillis) {}
}
