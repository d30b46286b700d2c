/**
 * Reads promos from Kafka and replays messages into topics.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>State holds the offset of each partition from the start. A restore never asks the consumer
 *       group again.
 *   <li>The committed offsets of the group follow the completed checkpoints, also on a quiet topic.
 *   <li>A committable is written once: one transaction moves the writer's mark and writes the
 *       messages.
 *   <li>A message that its topic refuses goes to the rejected topic with a reason.
 *   <li>The job's lineage shows topics and servers, and no other property of a client.
 * </ul>
 *
 * <p>Flink's connector reads the topic with a reader of this package, because the connector alone
 * keeps neither of the first two promises. A mark is the offset of a consumer group without
 * members.
 *
 * <p>Rejected alternatives:
 *
 * <ul>
 *   <li>A compacted topic for the marks: somebody must create it, and each reader must catch up
 *       with it.
 *   <li>The connector's exactly-once sink: it drops committed data when an outage outlasts the
 *       transaction timeout.
 * </ul>
 *
 * <p>{@code KafkaReplayerIT}, {@code PromosSourceIT}, {@code KafkaTroubleIT}, {@code TopicLimitsIT}
 * and {@code LineageTest} prove it.
 */
package io.promostream.kafka;
