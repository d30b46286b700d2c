/**
 * Settings of RocksDB that Flink has no key for. {@code flink-conf/} switches them on.
 *
 * <p>Tried and rejected, because it gained nothing measurable or cost more than it gained:
 * universal compaction, and another compression of the files. {@code RocksDbOptionsTest} proves
 * that RocksDB takes the settings, and the benchmark {@code throughput} shows what they gain.
 */
package io.promostream.state;
