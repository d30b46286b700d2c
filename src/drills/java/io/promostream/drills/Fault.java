package io.promostream.drills;

import io.promostream.local.EmbeddedDatabase;
import io.promostream.processes.Program;
import io.promostream.testing.Waiting;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;

/** Faults of an installation. */
enum Fault {
  TASK_MANAGER_KILLED {
    @Override
    void strike(Site site) throws Exception {
      site.cluster().busyTaskManager().kill();
      site.replaceTaskManagers();
    }
  },

  /**
   * Freezes a TaskManager until another one has taken over its work, so that it wakes up as a
   * zombie.
   */
  TASK_MANAGER_FROZEN {
    @Override
    void strike(Site site) throws Exception {
      site.cluster().busyTaskManager().freeze();
      pause(12);
    }

    @Override
    void cleanUp(Site site) throws Exception {
      // Thawing a process that runs has no effect.
      for (Program taskManager : site.cluster().taskManagers().values()) {
        taskManager.thaw();
      }
    }
  },

  JOB_MANAGER_KILLED_RESUMED_AS_NEW_JOB {
    @Override
    void strike(Site site) throws Exception {
      replaceJobManager(site);
      site.resumeAsNewJob();
    }
  },

  JOB_MANAGER_KILLED_RESUMED_AS_SAME_JOB {
    @Override
    void strike(Site site) throws Exception {
      replaceJobManager(site);
      site.cluster().awaitTaskManagers(site.cluster().taskManagers().size());
      site.cluster().awaitFreeSlots();
      site.resumeAsSameJob();
    }
  },

  BROKER_KILLED {
    @Override
    void strike(Site site) throws Exception {
      site.broker().kill();
      pause(3);
      site.broker().start();
    }
  },

  FEEDBACK_DATABASE_KILLED {
    @Override
    void strike(Site site) throws Exception {
      site.feedback().kill(Duration.ofSeconds(3));
    }
  },

  SUBSCRIBERS_DATABASE_KILLED {
    @Override
    void strike(Site site) throws Exception {
      site.subscribers().kill(Duration.ofSeconds(3));
    }
  },

  CONNECTIONS_CUT {
    @Override
    void strike(Site site) throws Exception {
      cut(site.feedback());
      cut(site.subscribers());
    }
  },

  /**
   * Leaves a session in the middle of a transaction until Postgres notices that the client has
   * gone.
   */
  TASK_MANAGER_KILLED_DURING_REPLAY {
    @Override
    void strike(Site site) throws Exception {
      try (Connection lock = site.lockFeedbackTable()) {
        Waiting.until("replays that wait", () -> site.waitingReplays() >= site.parallelism());
        site.cluster().busyTaskManager().kill();
        lock.rollback();
      }
      site.replaceTaskManagers();
    }
  },

  /** Wakes a TaskManager in the middle of its transactions after another one has replayed them. */
  TASK_MANAGER_FROZEN_DURING_REPLAY {
    @Override
    void strike(Site site) throws Exception {
      try (Connection lock = site.lockFeedbackTable()) {
        Waiting.until("replays that wait", () -> site.waitingReplays() >= site.parallelism());
        site.cluster().busyTaskManager().freeze();
        lock.rollback();
      }
    }

    @Override
    void cleanUp(Site site) throws Exception {
      TASK_MANAGER_FROZEN.cleanUp(site);
    }
  },

  UPGRADED_BY_SAVEPOINT {
    @Override
    void strike(Site site) throws Exception {
      site.upgrade(site.parallelism());
    }
  },

  RESCALED_BY_SAVEPOINT {
    @Override
    void strike(Site site) throws Exception {
      site.upgrade(otherParallelism(site));
    }
  },

  RESCALED_FROM_CHECKPOINT {
    @Override
    void strike(Site site) throws Exception {
      site.rescaleFromCheckpoint(otherParallelism(site));
    }
  };

  /** Injects the fault, and restarts what a person or Kubernetes would restart. */
  abstract void strike(Site site) throws Exception;

  /** Ends what the fault has started, such as a freeze, after the recovery or after a pause. */
  void cleanUp(Site site) throws Exception {}

  /** The name in the report. */
  String title() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static int otherParallelism(Site site) {
    return site.parallelism() == Site.PARALLELISM ? 3 : Site.PARALLELISM;
  }

  private static void pause(int seconds) throws InterruptedException {
    Thread.sleep(seconds * 1000L);
  }

  private static void replaceJobManager(Site site) throws Exception {
    site.cluster().jobManager().kill();
    site.cluster().startJobManager();
    site.cluster().awaitTaskManagers(0);
  }

  private static void cut(EmbeddedDatabase server) throws SQLException {
    Site.query(
        server,
        "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            + " WHERE application_name LIKE 'promo-stream%'");
  }
}
