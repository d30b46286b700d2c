/**
 * The job: {@code PromoStreamJob} reads the configuration, checks it, builds the topology and
 * executes it.
 *
 * <p>{@code PromoStreamTopology} is the whole graph on one page; {@code Connectors} makes its
 * sources and sinks, and {@code Uids} holds the operator ids. Operator ids are an interface:
 * savepoints refer to them.
 *
 * <p>The packages have an order, and no package uses one above it: check; notification and
 * feedback; delivery; subscribers; promo; kafka; postgres and replay; config, metrics and
 * serialization. {@code PackageOrderTest} holds that order, {@code StateInventoryTest} the ids and
 * state names, {@code PipelineIT} and {@code FaultsIT} prove the job end to end.
 */
package io.promostream;
