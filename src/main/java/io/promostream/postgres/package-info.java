/**
 * Connections, transactions, quoted identifiers and names in the lineage, for every use of Postgres
 * in the job.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>No connection attempt and no query blocks for longer than Flink's task cancellation
 *       timeout.
 *   <li>A failed connection names the URL, the user and the remedy, and never the password.
 *   <li>Settings of the role or the database do not change how a transaction runs.
 *   <li>A pooler in transaction mode works, and no setting leaks to its other clients.
 *   <li>A restarted job leaves no JDBC driver behind in the TaskManager.
 * </ul>
 *
 * <p>The package knows no table: the packages above it own their tables and statements. It depends
 * on {@code config} only.
 *
 * <p>Rejected alternatives:
 *
 * <ul>
 *   <li>Session settings and settings in the URL: a pooler in transaction mode drops them.
 *   <li>Server-side prepared statements: they fail behind a pooler in transaction mode.
 *   <li>{@code DriverManager}: it keeps the driver, and with it the classloader of each restart.
 * </ul>
 *
 * <p>{@code ConnectionsIT} and {@code PoolerIT} prove this on real servers; {@code
 * TableLineageTest} proves the names; {@code PackageOrderTest} holds the order of the packages.
 */
package io.promostream.postgres;
