package io.promostream.local.page;

import io.promostream.promo.Promo;

/** Previews a promo by its times and the subscribers table. */
final class TablePreview implements Preview {

  private final Subscriptions subscriptions;

  TablePreview(Subscriptions subscriptions) {
    this.subscriptions = subscriptions;
  }

  @Override
  public Result preview(Promo promo) throws Exception {
    long audience = subscriptions.audience(promo.restaurantId());
    String when =
        promo.start() > promo.created()
            ? "in %,d s".formatted(promo.start() - promo.created())
            : "at once";
    String verdict =
        audience == 0
            ? "The restaurant has no subscribers, so nobody gets this promo unless a client subscribes."
            : "%,d clients get this promo %s.".formatted(audience, when);
    return new Result(verdict, audience, null);
  }
}
