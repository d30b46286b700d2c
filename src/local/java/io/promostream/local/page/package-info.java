/**
 * The web page of the local run: live numbers, campaigns, a form for promos, a client's
 * notifications, and two faults.
 *
 * <p><b>Promises.</b> The page shows a newcomer what the job does, from the outside. Its campaign
 * data comes only from the public topics and tables, read as any other service would read them, and
 * it acts only through the promos topic, the control topic and the subscribers table. Only the
 * numbers of the flow come from the job's metrics. While the page is open or not, it compares both
 * sinks delivery by delivery ({@link io.promostream.local.page.DeliveryLedger}). Its memory is
 * bounded, and it kept up with 30,000 deliveries a second beside the job on two cores.
 *
 * <p><b>Safety.</b> The server binds to 127.0.0.1. Any web site in the same browser can send
 * requests to that address, so {@link io.promostream.local.page.RequestGuard} refuses those that
 * the page itself did not send.
 *
 * <p><b>Why no framework.</b> The JDK's HTTP server, server-sent events and JavaScript modules need
 * no dependency and no build step, so the page starts with the run and a reader finds each line
 * that the browser executes under {@code src/local/resources/page}.
 *
 * <p>{@code PageIT} proves each endpoint, {@code PageComparisonIT} the comparison, and {@code
 * PageInBrowserIT} what a user sees.
 */
@NullMarked
package io.promostream.local.page;

import org.jspecify.annotations.NullMarked;
