/**
 * Turns messages of the promos' topic into promos, and rejects the others with a reason.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>The texts of a promo hold nothing that Kafka, JSON, UTF-8 or Postgres could refuse.
 *   <li>No message fails the job: a message that is not a valid promo goes to the rejected topic
 *       with one code of {@code RejectReason}.
 * </ul>
 *
 * <p>{@code PromoRules} makes all checks here, at the entry. Rejected: to let the sinks find out,
 * because a sink that fails on a message fails again after each restart and stops delivery for all
 * restaurants.
 *
 * <p>{@code PromoParserTest} and {@code PromoRulesTest} prove it, {@code RejectReasonTest} compares
 * {@code formats.md} with the codes, and {@code PromoFormatsTest} holds the state formats.
 */
package io.promostream.promo;
