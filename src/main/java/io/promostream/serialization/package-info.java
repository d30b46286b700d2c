/**
 * The base of the job's state serializers.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>State outlives releases: every serializer writes a numbered format and reads all earlier
 *       ones.
 *   <li>Flink never falls back to Kryo or to reflection for a type of the job.
 * </ul>
 *
 * <p>Flink's POJO serializer was rejected, because it ties the state to the names of fields.
 *
 * <p>The {@code *FormatsTest} classes hold golden bytes of each format. {@code UpgradeIT} restores
 * saved state of earlier releases.
 */
package io.promostream.serialization;
