/**
 * Reads promos from Kafka and replays messages into topics.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>State holds the offset of each partition from the start. A restore never asks the consumer
 *       group again.
 *   <li>The committed offsets of the group follow the completed checkpoints, also on a quiet topic.
 *   <li>A committable is written once: its transaction moves the writer's mark and writes its
 *       messages.
 *   <li>A message that its topic refuses goes to the rejected topic with a reason.
 * </ul>
 *
 * <p>Flink's connector reads the topic, with a reader of this package, because the connector alone
 * keeps neither of the first two promises. A mark is the offset of a consumer group without
 * members. Rejected: a compacted topic for marks, which somebody must create and a reader must
 * catch up with; the connector's exactly-once sink, which drops committed data when an outage
 * outlasts the transaction timeout.
 *
 * <p>{@code KafkaReplayerIT}, {@code PromosSourceIT}, {@code KafkaTroubleIT} and {@code
 * TopicLimitsIT} prove it.
 */
package io.promostream.kafka;
