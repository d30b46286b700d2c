/**
 * Checks that run before the job: of its configuration and of its environment.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>A contradiction between the job's, Flink's and Kafka's settings stops the start with one
 *       message that names all problems and remedies.
 *   <li>A problem of the brokers that would fail every restart stops the start.
 *   <li>{@code --check} changes nothing, ends within about a minute, and shows no secret.
 *   <li>A server that is down does not hide findings about the others.
 * </ul>
 *
 * <p>This package is in the highest line: it asks the packages below for what they need, such as
 * the columns of the feedback table or the prefixes of the transactional ids. No package below
 * knows it.
 *
 * <p>Rejected alternatives: running all checks before every start, because a short outage of a
 * server would then stop a start that Flink's restarts would survive; writing test rows or
 * messages, because a check must be safe in production; copies of columns and names in this
 * package, because they would drift.
 *
 * <p>{@code ClientChecksTest} and {@code StartChecksTest} prove the checks of the settings, {@code
 * EnvironmentCheckIT} and {@code SecretsIT} the checks of real servers, and {@code
 * PackageOrderTest} holds the order of the packages.
 */
package io.promostream.check;
