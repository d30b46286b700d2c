package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;

import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.synchronization.FutureCompletingBlockingQueue;
import org.apache.flink.connector.kafka.source.reader.fetcher.KafkaSourceFetcherManager;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Commits the group's offsets when a checkpoint completes. The connector commits on its fetcher
 * thread, between two polls. On a quiet topic it commits up to 10 s later. While the job is
 * backpressured it does not commit at all, and neither does it after a stop, which drops the tasks
 * of the fetcher.
 */
final class GroupOffsets extends KafkaSourceFetcherManager {

  private record Commit(
      Map<TopicPartition, OffsetAndMetadata> offsets, OffsetCommitCallback callback) {}

  private final Admin admin;
  private final String group;

  private final Object lock = new Object();
  private boolean committing;

  /** The newest commit. It replaces an older one, because each commit names all partitions. */
  private @Nullable Commit next;

  GroupOffsets(
      Supplier<SplitReader<ConsumerRecord<byte[], byte[]>, KafkaPartitionSplit>> splitReaders,
      Admin admin,
      String group) {
    // The connector does not use this queue, because it creates its own.
    super(new FutureCompletingBlockingQueue<>(), splitReaders, finished -> {});
    this.admin = admin;
    this.group = group;
  }

  @Override
  public void commitOffsets(
      Map<TopicPartition, OffsetAndMetadata> offsets, OffsetCommitCallback callback) {
    synchronized (lock) {
      next = new Commit(offsets, callback);
      if (!committing) {
        commitNext();
      }
    }
  }

  /** Commits one request at a time, because a retried commit must not undo a later one. */
  private void commitNext() {
    Commit commit = next;
    next = null;
    committing = commit != null;
    if (commit == null) {
      lock.notifyAll();
      return;
    }
    var unused =
        admin
            .alterConsumerGroupOffsets(group, commit.offsets)
            .all()
            .whenComplete(
                (done, failure) -> {
                  commit.callback.onComplete(commit.offsets, (Exception) failure);
                  synchronized (lock) {
                    commitNext();
                  }
                });
  }

  /** Waits for the last commit, because a stop with savepoint requests it just before. */
  @Override
  public synchronized void close(long timeoutMs) throws Exception {
    try {
      awaitCommits(timeoutMs);
    } finally {
      admin.close(Duration.ZERO);
      super.close(timeoutMs);
    }
  }

  private void awaitCommits(long timeoutMs) throws InterruptedException {
    long deadline = System.nanoTime() + MILLISECONDS.toNanos(timeoutMs);
    synchronized (lock) {
      for (long left = timeoutMs;
          committing && left > 0;
          left = NANOSECONDS.toMillis(deadline - System.nanoTime())) {
        lock.wait(left);
      }
    }
  }
}
