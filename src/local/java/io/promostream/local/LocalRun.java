package io.promostream.local;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.PromoStreamJob;
import io.promostream.config.JobConfig;
import io.promostream.local.page.Page;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.FileUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs promo-stream on this machine with Kafka, Postgres and demo traffic. See {@link
 * LocalOptions}.
 */
public final class LocalRun {

  private static final Path LOGS = Path.of("target", "local");
  private static final Path LOG = LOGS.resolve("promo-stream.log");
  private static final long SEED = 1;
  private static final int PAGE_PORT = 8080;

  private final LocalOptions options;
  private final PrintStream terminal;
  private final StatusDisplay display;
  private final CountDownLatch stop;

  private LocalRun(
      LocalOptions options, PrintStream terminal, boolean inPlace, CountDownLatch stop) {
    this.options = options;
    this.terminal = terminal;
    this.display = new StatusDisplay(terminal, inPlace);
    this.stop = stop;
  }

  /** Exits with 0, or with 1 if Kafka and Postgres differ or something failed. */
  public static void main(String[] args) throws Exception {
    PrintStream terminal =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stop.countDown();
                  awaitQuietly(ended);
                }));
    int exitCode = 1;
    try {
      exitCode = run(args, terminal, stop);
    } finally {
      terminal.flush();
      ended.countDown();
    }
    System.exit(exitCode);
  }

  private static void awaitQuietly(CountDownLatch ended) {
    try {
      boolean inTime = ended.await(60, SECONDS);
      if (!inTime) {
        Runtime.getRuntime().halt(1);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static int run(String[] args, PrintStream terminal, CountDownLatch stop)
      throws InterruptedException, IOException {
    LocalOptions options;
    try {
      options = LocalOptions.parse(args);
    } catch (IllegalArgumentException e) {
      terminal.println(e.getMessage());
      return 1;
    }
    if (options.help()) {
      terminal.print(LocalOptions.HELP);
      return 0;
    }
    boolean inPlace = StatusDisplay.onTerminal();
    logToFiles();
    Logger log = LoggerFactory.getLogger(LocalRun.class);
    try {
      return new LocalRun(options, terminal, inPlace, stop).run() ? 0 : 1;
    } catch (Throwable failure) {
      if (stop.getCount() == 0) {
        // The JVM is shutting down, so services that were starting may fail or be closed already.
        log.info("Stopped during the start", failure);
        return 0;
      }
      log.error("The local run failed", failure);
      terminal.println("The local run failed: " + rootCause(failure) + ". See " + LOG + ".");
      return 1;
    }
  }

  private static Throwable rootCause(Throwable failure) {
    return failure.getCause() == null ? failure : rootCause(failure.getCause());
  }

  /** Sends the output of Flink, Kafka and Postgres to files: the terminal shows the status. */
  private static void logToFiles() throws IOException {
    System.setProperty("log4j2.configurationFile", "log4j2-local.properties");
    System.setProperty("promo-stream.local.log", LOG.toString());
    Files.createDirectories(LOGS);
    PrintStream printed =
        new PrintStream(LOGS.resolve("printed.log").toFile(), StandardCharsets.UTF_8);
    System.setOut(printed);
    System.setErr(printed);
  }

  /** Returns false if a delivery was lost or repeated. */
  private boolean run() throws Exception {
    Path work = Files.createTempDirectory("promo-stream-");
    say("Starting Kafka and Postgres ...");
    try (LocalServices services = LocalServices.start();
        Feed feed = new Feed(services)) {
      if (stop.getCount() == 0) {
        return true;
      }
      say("Starting Flink and the job ...");
      if (options.samples()) {
        feed.samples();
      } else {
        feed.startDemo(new DemoTraffic(SEED), options.promosPerSecond());
      }
      Configuration flink = LocalCluster.configuration(Path.of("flink-conf"), work);
      JobConfig config = JobConfig.load(services.jobArguments(), Map.of());
      try (LocalCluster cluster = LocalCluster.start(flink, job(flink, config));
          Page page =
              Page.start(services.site(), new LocalEngine(services, cluster, config), PAGE_PORT)) {
        sayWhereToLook(services, cluster, page);
        if (watch(services, feed, cluster)) {
          return compare(services);
        }
        say("Stopping ...");
        return true;
      }
    } finally {
      FileUtils.deleteDirectoryQuietly(work.toFile());
    }
  }

  /** The job as on any other cluster, with the addresses of this machine. */
  private static JobGraph job(Configuration flink, JobConfig config) {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(flink);
    PromoStreamJob.prepare(env, config);
    return env.getStreamGraph().getJobGraph();
  }

  private void sayWhereToLook(LocalServices services, LocalCluster cluster, Page page)
      throws Exception {
    String consumer =
        "kafka-console-consumer.sh --bootstrap-server %s --isolation-level read_committed"
            .formatted(services.bootstrapServers());
    say(
        """

        Page      %s
        Web UI    %s
        Broker    %s
          %s --topic %s
          kcat -C -b %s -X isolation.level=read_committed -t %s
        Database  127.0.0.1:%d
          %s -c 'SELECT * FROM subscribers_feedback ORDER BY id DESC LIMIT 5'
          %s -c 'SELECT * FROM subscribers_restaurants LIMIT 5'
        Logs      %s
        Ctrl-C ends it.
        """
            .formatted(
                page.address(),
                cluster.webUi(),
                services.bootstrapServers(),
                consumer,
                LocalServices.NOTIFICATIONS,
                services.bootstrapServers(),
                LocalServices.NOTIFICATIONS,
                services.databasePort(),
                services.psql(LocalServices.FEEDBACK),
                services.psql(LocalServices.SUBSCRIBERS),
                LOGS));
  }

  /** Watches the job for its time and stops it. Returns false if the user stopped it before. */
  private boolean watch(LocalServices services, Feed feed, LocalCluster cluster) throws Exception {
    try (Progress progress = new Progress(services, cluster)) {
      Watch watch = new Watch(progress, feed, cluster, display, stop);
      if (!watch.forTime(options.runFor())) {
        return false;
      }
      feed.stop();
      if (!watch.untilIdle()) {
        return false;
      }
    }
    cluster.stopJob();
    return true;
  }

  private boolean compare(LocalServices services) throws Exception {
    try (Notifications notifications =
        new Notifications(services.bootstrapServers(), LocalServices.NOTIFICATIONS)) {
      Comparison comparison =
          Comparison.of(
              notifications,
              services.asOwner(LocalServices.FEEDBACK),
              LocalServices.FEEDBACK_TABLE);
      say("");
      say(comparison.report());
      return comparison.clean();
    }
  }

  private void say(String text) {
    terminal.println(text);
    terminal.flush();
  }
}
