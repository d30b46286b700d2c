package io.promostream.local;

import io.promostream.promo.Promo;

/**
 * One campaign to one client: the ten fields of a notification and of a feedback row.
 *
 * @param matchedAt {@code trigger_datetime_created}, epoch seconds
 */
public record Delivery(Promo promo, String clientId, long matchedAt) {}
