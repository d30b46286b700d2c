/**
 * The names, units and meanings of the job's own metrics.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>Each metric is declared once, in {@code JobMetric}. Names are an interface: alerts and
 *       dashboards rely on them.
 *   <li>The table in k8s/monitoring/README.md, the alerts and the dashboard agree with the
 *       declarations.
 * </ul>
 *
 * <p>The names are not constants in the operators, because the documents could then not be compared
 * with them.
 *
 * <p>{@code JobMetricTest}, {@code RecentMaxTest} and {@code MonitoringIT} prove it.
 */
package io.promostream.metrics;
