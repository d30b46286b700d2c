package io.promostream.local.page;

import io.promostream.promo.Promo;
import org.jspecify.annotations.Nullable;

/** Says what would happen if a promo were published now. */
interface Preview {

  Result preview(Promo promo) throws Exception;

  /**
   * What would happen.
   *
   * @param verdict a sentence
   * @param audience clients of the restaurant, from the subscribers table
   * @param sample a notification as one of them would get it; null if there is none
   */
  record Result(String verdict, long audience, @Nullable String sample) {}
}
