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
   * Tells the outcome from what the broker has of the transactional id now. From version 2 of its
   * transactions (brokers from 4.0), it raises the epoch by one with each commit or abort; before,
   * with an abort by timeout. After the highest epoch comes a new producer id with epoch 0. An id
   * that was used again had its transaction committed before.
   */
  private static Outcome outcome(KafkaCommittable transaction, TransactionDescription now) {
    short epoch = transaction.getEpoch();
    boolean same =
        now.producerId() == transaction.getProducerId()
            ? now.producerEpoch() == epoch || now.producerEpoch() == epoch + 1
            : now.producerEpoch() == 0 && epoch == Short.MAX_VALUE - 1;
    if (!same) {
      return Outcome.COMMITTED;
    }
    return switch (now.state()) {
      case ONGOING -> Outcome.OPEN;
      case PREPARE_ABORT, PREPARE_EPOCH_FENCE, COMPLETE_ABORT -> Outcome.LOST;
      default -> Outcome.COMMITTED;
    };
  }
}
