package io.promostream.local.page;

import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.util.List;

/** The web page of the local run. */
public final class Page implements AutoCloseable {

  private final List<AutoCloseable> parts;
  private final List<Thread> threads;
  private final PageServer server;

  private Page(List<AutoCloseable> parts, List<Thread> threads, PageServer server) {
    this.parts = parts;
    this.threads = threads;
    this.server = server;
  }

  /**
   * Starts to read the sinks and to serve the page.
   *
   * @param firstPort the port if it is free, otherwise the next free one; 0 for any
   */
  public static Page start(Site site, Engine engine, int firstPort) throws IOException {
    Clock clock = Clock.systemUTC();
    Board board = new Board(clock);
    Faults faults = new Faults(engine, clock);
    Subscriptions subscriptions = new Subscriptions(site);
    Publisher publisher = new Publisher(site);
    TopicReader topics = new TopicReader(site, board);
    Monitor monitor = new Monitor(engine, site, board, faults, clock);
    List<AutoCloseable> parts = List.of(monitor, topics, publisher, faults);
    try {
      Api api = new Api(board, publisher, subscriptions, engine, faults, clock);
      PageServer server = PageServer.start(firstPort, api, new EventStream(board, monitor, faults));
      List<Thread> threads =
          List.of(thread(topics, "page topics"), thread(monitor, "page monitor"));
      threads.forEach(Thread::start);
      return new Page(parts, threads, server);
    } catch (IOException e) {
      publisher.close();
      faults.close();
      throw e;
    }
  }

  private static Thread thread(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Where a browser finds the page. */
  public URI address() {
    return server.address();
  }

  @Override
  public void close() throws Exception {
    server.close();
    for (AutoCloseable part : parts) {
      part.close();
    }
    for (Thread thread : threads) {
      thread.join(10_000);
    }
  }
}
