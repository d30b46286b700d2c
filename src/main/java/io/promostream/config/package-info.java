/**
 * The job's configuration as validated values.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>Each key is declared once, in {@code ConfigKeys}. Parsing, {@code --help} and the README's
 *       table use that declaration.
 *   <li>One start reports all problems, one line each, with the remedy.
 *   <li>No message, log line or {@code toString} shows a secret.
 *   <li>Arguments override environment variables, which override the file and the defaults.
 * </ul>
 *
 * <p>The package contains values only. It opens no connection and depends on no other package of
 * the job, so every package may read it.
 *
 * <p>Rejected alternatives: secrets on the command line, because Flink's web UI shows it; the
 * messages of the YAML parser and of Kafka's validators, because they quote values; YAML types,
 * because {@code 010} would become a number.
 *
 * <p>{@code JobConfigTest} proves the parsing and the messages, {@code KeyReferenceTest} compares
 * the README with the keys, and {@code PackageOrderTest} holds the order of the packages.
 */
package io.promostream.config;
