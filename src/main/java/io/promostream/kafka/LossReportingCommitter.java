package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig.OnLostTransaction;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.ExceptionUtils;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.common.errors.InvalidPidMappingException;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out what became of the transactions that the connector's committer gives up, and says so
 * where something is lost. Everything else is the connector's.
 */
final class LossReportingCommitter implements Committer<KafkaCommittable> {

  private static final Logger LOG = LoggerFactory.getLogger(LossReportingCommitter.class);

  private final Committer<KafkaCommittable> connectors;
  private final Properties properties;
  private final String topic;
  private final OnLostTransaction onForgotten;
  private final Counter transactionsLost;
  private final long startMillis = System.currentTimeMillis();

  /**
   * Reports on a committer.
   *
   * @param properties to ask the broker with
   * @param onForgotten what to do where nobody can tell any more
   */
  LossReportingCommitter(
      Committer<KafkaCommittable> connectors,
      Properties properties,
      String topic,
      OnLostTransaction onForgotten,
      Counter transactionsLost) {
    this.connectors = connectors;
    this.properties = properties;
    this.topic = topic;
    this.onForgotten = onForgotten;
    this.transactionsLost = transactionsLost;
  }

  @Override
  public void commit(Collection<CommitRequest<KafkaCommittable>> requests)
      throws IOException, InterruptedException {
    connectors.commit(
        requests.stream().<CommitRequest<KafkaCommittable>>map(Watched::new).toList());
  }

  @Override
  public void close() throws Exception {
    connectors.close();
  }

  /** A request that hears first what the connector's committer says of it. */
  private final class Watched implements CommitRequest<KafkaCommittable> {

    private final CommitRequest<KafkaCommittable> request;

    Watched(CommitRequest<KafkaCommittable> request) {
      this.request = request;
    }

    @Override
    public KafkaCommittable getCommittable() {
      return request.getCommittable();
    }

    @Override
    public int getNumberOfRetries() {
      return request.getNumberOfRetries();
    }

    /** Fenced, or in a state that can't be committed: given up. */
    @Override
    public void signalFailedWithKnownReason(Throwable cause) {
      findOutHowItEnded(request, cause);
    }

    /** Anything else fails the job; but this would fail it again after each restart. */
    @Override
    public void signalFailedWithUnknownReason(Throwable cause) {
      if (ExceptionUtils.findThrowable(cause, InvalidPidMappingException.class).isPresent()) {
        findOutHowItEnded(request, cause);
      } else {
        request.signalFailedWithUnknownReason(cause);
      }
    }

    @Override
    public void retryLater() {
      request.retryLater();
    }

    @Override
    public void updateAndRetryLater(KafkaCommittable committable) {
      request.updateAndRetryLater(committable);
    }

    @Override
    public void signalAlreadyCommitted() {
      request.signalAlreadyCommitted();
    }

    @Override
    public String toString() {
      return request.toString();
    }
  }

  private void findOutHowItEnded(CommitRequest<KafkaCommittable> request, Throwable cause) {
    KafkaCommittable committable = request.getCommittable();
    String id = committable.getTransactionalId();
    String transaction =
        "transaction %s (topic %s, producer id %d, epoch %d)"
            .formatted(id, topic, committable.getProducerId(), committable.getEpoch());
    try (Admin admin = Admin.create(properties)) {
      TransactionDescription now =
          admin.describeTransactions(List.of(id)).description(id).get(60, SECONDS);
      switch (TransactionOutcome.of(committable.getProducerId(), committable.getEpoch(), now)) {
        case COMMITTED -> {
          LOG.info("{} was committed before the restore: nothing is lost", transaction);
          request.signalAlreadyCommitted();
        }
        case LOST -> lost(request, transaction, now, cause);
        case SUPERSEDED -> {
          if (committable.getProducer().isPresent()) {
            // Nobody but another job uses the id before the writer hears that this one has ended.
            lost(request, transaction, now, cause);
          } else {
            LOG.info(
                "{} ended in an earlier attempt, its transactional id has been used since: {}",
                transaction,
                now);
            endWhatWasLeftOpen(admin, id, now);
            // Not counted as failed: what went wrong then, if anything, was counted then.
            request.signalAlreadyCommitted();
          }
        }
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TransactionalIdNotFoundException) {
        forgotten(request, transaction, cause);
      } else {
        notFoundOut(request, transaction, cause, e.getCause());
      }
    } catch (TimeoutException e) {
      notFoundOut(request, transaction, cause, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      notFoundOut(request, transaction, cause, e);
    }
  }

  /**
   * Ends a transaction of an earlier attempt, which readers would wait for until its timeout: the
   * connector leaves it for the next user of the id, and at a lower parallelism there is none. What
   * began later than this attempt is left alone: then this is the earlier one.
   */
  private void endWhatWasLeftOpen(Admin admin, String id, TransactionDescription now)
      throws InterruptedException {
    if (now.state() == TransactionState.ONGOING
        && now.transactionStartTimeMs().orElse(Long.MAX_VALUE) < startMillis) {
      try {
        admin.fenceProducers(List.of(id)).all().get(60, SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        LOG.warn(
            "The transaction that an earlier attempt left open under {} could not be ended: until it times out, after {} ms"
                + " at most, readers see nothing newer in its partitions of {}",
            id,
            now.transactionTimeoutMs(),
            topic,
            e);
      }
    }
  }

  private void lost(
      CommitRequest<KafkaCommittable> request,
      String transaction,
      TransactionDescription now,
      Throwable cause) {
    transactionsLost.inc();
    String message =
        ("%s is lost with all messages in it: Kafka aborted it before it was committed (%s). Either the job was down, or a"
                + " checkpoint under way, for longer than its transaction timeout of %d ms: raise"
                + " kafka.properties.transaction.timeout.ms, and the broker's transaction.max.timeout.ms, above the longest"
                + " outage to be survived. Or another job was started with this transaction-prefix: give each its own. Lost"
                + " notifications have their rows in the feedback table: --lost-notifications finds those, and with --send"
                + " sends them")
            .formatted(transaction, now, now.transactionTimeoutMs());
    LOG.error("{}", message);
    request.signalFailedWithKnownReason(new IOException(message, cause));
  }

  /** Such a transaction ended long ago, but nobody can tell how. */
  private void forgotten(
      CommitRequest<KafkaCommittable> request, String transaction, Throwable cause) {
    String message =
        ("%s is no longer known to Kafka, which forgets a transactional id after transactional.id.expiration.ms (7 days"
                + " unless set) without use: the job was started from a savepoint or checkpoint older than that, or with"
                + " another cluster. The transaction was committed then, or is lost")
            .formatted(transaction);
    if (onForgotten == OnLostTransaction.FAIL) {
      request.signalFailedWithUnknownReason(
          new ForgottenTransactionException(
              message
                  + ". To go on in either case, start from the same place with feedback.on-lost-transaction: continue",
              cause));
    } else {
      LOG.error("{}; going on, as feedback.on-lost-transaction says", message);
      request.signalFailedWithKnownReason(new IOException(message, cause));
    }
  }

  private static void notFoundOut(
      CommitRequest<KafkaCommittable> request,
      String transaction,
      Throwable cause,
      Throwable trouble) {
    LOG.error(
        "{} was not committed, and Kafka does not say whether it had been before or is lost: {}. Ask it by"
            + " kafka-transactions.sh describe: CompleteCommit is well, CompleteAbort is loss",
        transaction,
        String.valueOf(trouble),
        cause);
    request.signalFailedWithKnownReason(cause);
  }
}
