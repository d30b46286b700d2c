package io.promostream.kafka;

import org.apache.kafka.clients.admin.TransactionDescription;

/**
 * How a transaction ended that Kafka did not commit when it was asked to. The broker's answer to
 * that says too little: it is the same for one that was committed before and for one that timed
 * out.
 */
enum TransactionOutcome {
  /** It was committed before: this is a commit repeated after a restore. */
  COMMITTED,
  /** It was aborted, by its timeout or by another producer: what was written in it is lost. */
  LOST,
  /**
   * Its transactional id has been used since: by this sink, which uses an id again only when its
   * transaction has ended and, if it was lost, that was said; or by somebody else, who aborted it.
   */
  SUPERSEDED;

  /**
   * Tells the outcome from what the broker has of the transactional id now.
   *
   * <p>From version 2 of its transactions (brokers from 4.0), it raises the epoch by one with each
   * commit or abort; before, with an abort by timeout. A new user of the id raises it once more.
   * (With an older broker, an abort by the next user after a commit has the marks of a timeout.)
   * After the highest epoch comes a new producer id with epoch 0.
   *
   * @param producerId of the transaction
   * @param epoch of the transaction
   */
  static TransactionOutcome of(long producerId, short epoch, TransactionDescription now) {
    boolean same =
        now.producerId() == producerId
            ? now.producerEpoch() == epoch || now.producerEpoch() == epoch + 1
            : now.producerEpoch() == 0 && epoch == Short.MAX_VALUE - 1;
    return switch (now.state()) {
      case PREPARE_COMMIT, COMPLETE_COMMIT -> same ? COMMITTED : SUPERSEDED;
      case PREPARE_ABORT, PREPARE_EPOCH_FENCE, COMPLETE_ABORT -> same ? LOST : SUPERSEDED;
      default -> SUPERSEDED;
    };
  }
}
