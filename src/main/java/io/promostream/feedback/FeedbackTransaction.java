package io.promostream.feedback;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a prepared transaction, which says whose it is. {@code pg_prepared_xacts} shows it as
 * {@code prefix/subtask/openedAfter/nonce/number}, for example {@code
 * promo-stream/0/17/5b1d0c9e2f7a4e66/3}.
 *
 * @param prefix the job's {@code transaction-prefix}; it holds no {@code /}, so that none can be
 *     the beginning of another's names
 * @param subtask of the sink, from 0
 * @param openedAfter the checkpoint after which the transaction was opened: it belongs to the first
 *     one completed after that, and to none that was completed up to it. 0 before the first
 * @param nonce 16 hexadecimal digits that one attempt of one subtask draws for itself
 * @param number counts the transactions of that attempt, from 1
 */
record FeedbackTransaction(
    String prefix, int subtask, long openedAfter, String nonce, long number) {

  // At most 100 + 1 + 5 + 1 + 18 + 1 + 16 + 1 + 18 = 161 bytes; Postgres takes 199.
  private static final Pattern GID =
      Pattern.compile(
          "([A-Za-z0-9._-]{1,100})/(0|[1-9]\\d{0,4})/(0|[1-9]\\d{0,17})/([0-9a-f]{16})/([1-9]\\d{0,17})");

  FeedbackTransaction {
    String gid = gid(prefix, subtask, openedAfter, nonce, number);
    if (!GID.matcher(gid).matches()) {
      throw new IllegalArgumentException(gid + " can't name a transaction");
    }
  }

  /** The transaction of this name, if it is a feedback sink's. */
  static Optional<FeedbackTransaction> parse(String gid) {
    Matcher parts = GID.matcher(gid);
    return parts.matches()
        ? Optional.of(
            new FeedbackTransaction(
                parts.group(1),
                Integer.parseInt(parts.group(2)),
                Long.parseLong(parts.group(3)),
                parts.group(4),
                Long.parseLong(parts.group(5))))
        : Optional.empty();
  }

  /** The name in Postgres; nothing in it needs quoting within an SQL string. */
  String gid() {
    return gid(prefix, subtask, openedAfter, nonce, number);
  }

  private static String gid(
      String prefix, int subtask, long openedAfter, String nonce, long number) {
    return prefix + "/" + subtask + "/" + openedAfter + "/" + nonce + "/" + number;
  }

  @Override
  public String toString() {
    return gid();
  }
}
