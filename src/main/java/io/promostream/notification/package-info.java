/**
 * Makes the Kafka messages of a batch: one notification for each client.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>A notification is the promo's JSON with the client's id, and its key is the client's id.
 *   <li>Under at-least-once, a notification that is too large for its topic is rejected before the
 *       connector's sink fails on it.
 * </ul>
 *
 * <p>The notifications of a promo differ only in the client's id, so the bytes around it are
 * encoded once. Rejected: a JSON serializer for each notification, which repeats the same work for
 * each client of a batch.
 *
 * <p>{@code NotificationTemplateTest} proves it.
 */
package io.promostream.notification;
