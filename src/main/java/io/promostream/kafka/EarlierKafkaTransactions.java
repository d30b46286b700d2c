package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig;
import io.promostream.replay.EarlierTransactions.Inspector;
import io.promostream.replay.EarlierTransactions.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;

/** Asks the broker for the outcome of the Kafka transactions of release 0.1. */
public record EarlierKafkaTransactions(JobConfig config) implements Inspector<KafkaCommittable> {

  @Override
  public SimpleVersionedSerializer<KafkaCommittable> serializer() {
    return ((KafkaSink<Message>) KafkaClients.atLeastOnce(config, config.notificationsTopic()))
        .getCommittableSerializer();
  }

  @Override
  public List<Outcome> outcomes(List<KafkaCommittable> transactions) throws Exception {
    List<Outcome> outcomes = new ArrayList<>();
    try (Admin admin = Admin.create(KafkaClients.properties(config.kafka()))) {
      for (KafkaCommittable transaction : transactions) {
        String id = transaction.getTransactionalId();
        try {
          outcomes.add(
              outcome(
                  transaction,
                  admin.describeTransactions(List.of(id)).description(id).get(60, SECONDS)));
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof TransactionalIdNotFoundException)) {
            throw e;
          }
          outcomes.add(Outcome.UNKNOWN);
        }
      }
    }
    return outcomes;
  }

  /**
   * Derives the outcome from the current state of the transactional id.
   *
   * <ul>
   *   <li>Transaction version 2 (brokers from 4.0) raises the epoch by one with each commit or
   *       abort. Earlier brokers raise it only with an abort by timeout.
   *   <li>After the highest epoch, the broker assigns a new producer id with epoch 0.
   *   <li>If the transactional id was used again, its earlier transaction was committed.
   * </ul>
   */
  private static Outcome outcome(KafkaCommittable transaction, TransactionDescription current) {
    short epoch = transaction.getEpoch();
    boolean same =
        current.producerId() == transaction.getProducerId()
            ? current.producerEpoch() == epoch || current.producerEpoch() == epoch + 1
            : current.producerEpoch() == 0 && epoch == Short.MAX_VALUE - 1;
    if (!same) {
      return Outcome.COMMITTED;
    }
    return switch (current.state()) {
      case ONGOING -> Outcome.OPEN;
      case PREPARE_ABORT, PREPARE_EPOCH_FENCE, COMPLETE_ABORT -> Outcome.LOST;
      default -> Outcome.COMMITTED;
    };
  }
}
