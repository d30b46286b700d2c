package io.promostream.testing;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;

/** Kafka transactions that hold readers up. */
public final class OpenTransactions {

  private static final Set<TransactionState> ENDED =
      EnumSet.of(
          TransactionState.EMPTY,
          TransactionState.COMPLETE_ABORT,
          TransactionState.COMPLETE_COMMIT);

  private OpenTransactions() {}

  /** Those of a job that have not ended, by its {@code transaction-prefix}. */
  public static List<String> of(Admin admin, String prefix) throws Exception {
    return admin.listTransactions(new ListTransactionsOptions()).all().get(60, SECONDS).stream()
        .filter(transaction -> transaction.transactionalId().startsWith(prefix + "/"))
        .filter(transaction -> !ENDED.contains(transaction.state()))
        .map(TransactionListing::toString)
        .toList();
  }
}
