/**
 * Settings of RocksDB that Flink has no key for. The job brings them along, unless the
 * configuration of Flink names other ones. In {@code flink-conf/} they would fail the other jobs of
 * a cluster, which do not have this class.
 *
 * <p>Tried and rejected, because it gained nothing measurable or cost more than it gained: another
 * compression of the files. {@code RocksDbOptionsTest} proves that RocksDB takes the settings, and
 * the benchmark {@code throughput} shows what they gain.
 */
package io.promostream.state;
