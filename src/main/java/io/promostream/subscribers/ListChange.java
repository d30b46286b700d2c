package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.ArrayList;
import java.util.List;

/**
 * An update on its way to the job, with the fingerprint to remember when it has been emitted.
 *
 * @param fingerprint of the restaurant in the update: {@link Fingerprint#UNFINISHED} before its
 *     last part, {@link Fingerprint#NO_ROWS} if no subscriber is left
 */
record ListChange(ListUpdate update, Fingerprint fingerprint) {

  /** Far below the 5 MB from which every receiver spills records to disk. */
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

  /** The approximate size of the update in bytes. */
  int weight() {
    return 100 + (update instanceof AudiencePart part ? part.clients().byteSize() : 0);
  }
}
