package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.ArrayList;
import java.util.List;

/**
 * An update on its way to the job, with what is to be remembered of it once it is out.
 *
 * @param fingerprint of the restaurant whose part the update is: {@link Fingerprint#UNFINISHED}
 *     before its last, {@link Fingerprint#NO_ROWS} where nobody is left
 */
record ListChange(ListUpdate update, Fingerprint fingerprint) {

  /** Larger records are spilled to disk in each receiver, from 5 MB on. */
  private static final int PART_BYTES = 1 << 20;

  static ListChange completed(RefreshCompleted refresh) {
    return new ListChange(refresh, Fingerprint.NO_ROWS);
  }

  /** A restaurant's new audience, in parts. */
  static List<ListChange> audience(String restaurantId, Audience clients, Fingerprint fingerprint) {
    List<Audience> slices =
        clients.isEmpty() ? List.of(clients) : clients.slices(Integer.MAX_VALUE, PART_BYTES);
    List<ListChange> parts = new ArrayList<>(slices.size());
    for (Audience slice : slices) {
      boolean last = parts.size() == slices.size() - 1;
      parts.add(
          new ListChange(
              new AudiencePart(restaurantId, parts.size(), last, slice),
              last ? fingerprint : Fingerprint.UNFINISHED));
    }
    return parts;
  }

  /** Bytes that the update takes, roughly. */
  int weight() {
    return 100 + (update instanceof AudiencePart part ? part.clients().byteSize() : 0);
  }
}
