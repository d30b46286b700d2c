package io.promostream.local.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.promostream.local.LocalProcess;
import io.promostream.testing.Browser;
import io.promostream.testing.Programs;
import io.promostream.testing.Waiting;
import java.net.URI;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user sees of a local run, in a browser. */
class PageInBrowserIT {

  private static final Path SCREENSHOTS = Path.of("target", "page");
  private static final Pattern ADDRESS = Pattern.compile("^Page +(http://127\\.0\\.0\\.1:\\d+)$");

  private static LocalProcess run;
  private static Browser browser;
  private static URI address;

  @BeforeAll
  static void start(@TempDir Path temporary, @TempDir Path profile) throws Exception {
    assumeTrue(
        Programs.isInstalled(Browser.PROGRAM),
        Browser.PROGRAM + " is not installed, so nobody looks at the page");
    run = new LocalProcess(temporary);
    address = URI.create(run.await(ADDRESS));
    browser = Browser.start(profile);
  }

  @AfterAll
  static void stop() throws Exception {
    if (browser != null) {
      browser.close();
    }
    if (run != null) {
      run.close();
    }
  }

  @BeforeEach
  void openPage() throws Exception {
    browser.resize(1280, 800, false);
    browser.open(address);
    await("the page is live", "$('#connection')?.textContent === 'live'");
    await("restaurants are offered", "$('#promo-form').restaurant_id.value !== ''");
  }

  @AfterEach
  void findNoProblems() {
    assertThat(browser.problems()).isEmpty();
  }

  @Test
  void numbersRise() throws Exception {
    for (String id : new String[] {"promos-read", "notifications", "rows"}) {
      long before = number(id);
      Waiting.until("a greater number of " + id, () -> number(id) > before);
    }
    await(
        "the subscriber list is read",
        "number('subscriptions') > 10000 && number('restaurants') > 100");
    await("the job runs", "$('#job-state').textContent === 'running'");
    await("the chart has a line", "/[1-9]/.test($('#chart path.one').getAttribute('d'))");
    await("both sinks agree", "$('#verdict').dataset.tone === 'good'");
  }

  @Test
  void publishedPromoAppearsAndCompletes() throws Exception {
    String campaign = publish("Soup for <b>everyone</b> & \"friends\"", 30);

    await("the campaign", row(campaign) + " !== null");
    await(
        "its text, which is not HTML",
        row(campaign)
            + ".querySelector('.text').textContent === 'Soup for <b>everyone</b> & \"friends\"'");
    click("#show-over");
    await("its end", row(campaign) + "?.dataset.state === 'ended'");
    // Clients subscribe and unsubscribe meanwhile, so the audience is not exactly what it was.
    await(
        "its deliveries",
        "(() => { const [delivered, audience] = "
            + row(campaign)
            + ".querySelector('.count').textContent.replaceAll(',', '').split(' / ').map(Number);"
            + " return audience > 100 && delivered > 0.95 * audience; })()");
  }

  @Test
  void commandsChangeTheStateShown() throws Exception {
    String campaign = publish("Three commands", 3600);
    await("the campaign is live", row(campaign) + "?.dataset.state === 'live'");

    click(row(campaign), "Pause");
    await("the campaign is paused", row(campaign) + ".dataset.state === 'paused'");
    click(row(campaign), "Resume");
    await("the campaign is live again", row(campaign) + ".dataset.state === 'live'");
    click("#pause-all");
    await("everything is paused", row(campaign) + ".dataset.state === 'paused'");
    click("#resume-all");
    await("everything goes on", row(campaign) + ".dataset.state === 'live'");
    click(row(campaign), "Stop");
    click("#show-over");
    await("the campaign is cancelled", row(campaign) + "?.dataset.state === 'cancelled'");
  }

  @Test
  void subscribedClientGetsPromo() throws Exception {
    String restaurant = "restaurant-of-the-browser";
    set("#promo-form [name=restaurant_id]", restaurant);
    String campaign = publish("Only for you", 3600);
    set("#client-form [name=client_id]", "me & <i>you</i>");
    set("#client-form [name=restaurant_id]", restaurant);
    click("#subscribe");

    await(
        "the notification",
        "$('#feed li')?.dataset.campaign === '"
            + campaign
            + "' && $('#feed li .text').textContent === 'Only for you'");
    click("#unsubscribe");
    await("the answer", "$('#client-message').textContent.includes('not subscribed any more')");
    assertThat(browser.evaluate("document.querySelectorAll('#feed li').length")).isEqualTo("1");
  }

  @Test
  void previewsPromo() throws Exception {
    set("#promo-form [name=text]", "Soup for <b>everyone</b>");
    click("#preview-promo");

    await("the verdict", "/^[1-9][0-9,]* clients get it/.test($('#promo-message').textContent)");
    await(
        "a notification",
        "JSON.parse($('#promo-sample').textContent).adv_campaign_content === 'Soup for"
            + " <b>everyone</b>'");
    set("#promo-form [name=text]", "x".repeat(2000));
    set("#promo-form [name=restaurant_id]", "a restaurant without subscribers");
    click("#preview-promo");
    await("the other verdict", "$('#promo-message').textContent.includes('no subscribers')");
  }

  @Test
  void faultsLoseNothingAndRepeatNothing() throws Exception {
    browser.screenshot(SCREENSHOTS.resolve("rest.png"));
    for (String fault : new String[] {"kill-taskmanager", "restart-postgres"}) {
      publish("Two desserts for one, tonight only", 3600);
      Thread.sleep(2500);
      browser.screenshot(SCREENSHOTS.resolve("burst.png"));
      click("#" + fault);
      await("the fault begins", "$('#fault-message').dataset.phase === 'during'");
      Thread.sleep(1500);
      browser.screenshot(SCREENSHOTS.resolve(fault + ".png"));
      await("the job recovers", "$('#fault-message').dataset.phase === 'after'");
      long rows = number("rows");
      Waiting.until("rows after the fault", () -> number("rows") > rows);
      await(
          "both sinks have all",
          "number('under-way') < 100 && $('#verdict').textContent === 'lost 0, double 0'");
    }
  }

  @Test
  void fitsNarrowAndDarkWindows() throws Exception {
    await("campaigns", "document.querySelectorAll('.campaign').length > 5");
    for (int width : new int[] {1280, 820, 390}) {
      browser.resize(width, 800, width < 1280);
      await("the chart fits", "$('#chart svg').viewBox.baseVal.width <= " + width);
      assertThat(browser.evaluate("String(document.documentElement.scrollWidth <= innerWidth)"))
          .as("width %s", width)
          .isEqualTo("true");
      browser.screenshot(SCREENSHOTS.resolve("width-" + width + ".png"));
      browser.evaluate("document.getElementById('campaigns').scrollIntoView()");
      browser.screenshot(SCREENSHOTS.resolve("width-" + width + "-campaigns.png"));
    }
  }

  /** Publishes a promo with the form, and returns its campaign id. */
  private static String publish(String text, int seconds) throws Exception {
    set("#promo-form [name=text]", text);
    set("#promo-form [name=lasts]", String.valueOf(seconds));
    browser.evaluate("delete document.getElementById('promo-message').dataset.campaign");
    click("#publish-promo");
    await("the promo is published", "$('#promo-message').dataset.campaign");
    return browser.evaluate("document.getElementById('promo-message').dataset.campaign");
  }

  private static void set(String selector, String value) throws Exception {
    browser.evaluate(
        "(() => { const field = document.querySelector('%s'); field.value = '%s';"
                .formatted(selector, value)
            + " field.dispatchEvent(new Event('change', {bubbles: true})); })()");
  }

  private static void click(String selector) throws Exception {
    browser.evaluate("document.querySelector('%s').click()".formatted(selector));
  }

  private static void click(String row, String button) throws Exception {
    browser.evaluate(
        "(() => { const $ = s => document.querySelector(s); [..."
            + row
            + ".querySelectorAll('button')].find(b => b.textContent === '"
            + button
            + "').click(); })()");
  }

  /** An expression for a campaign in the list, which is null if it is not there. */
  private static String row(String campaign) {
    return "$('.campaign[data-key*=\"" + campaign + "\"]')";
  }

  private static long number(String id) throws Exception {
    String text = browser.evaluate("document.getElementById('" + id + "').textContent");
    return text.equals("–") ? 0 : Long.parseLong(text.replace(",", ""));
  }

  /** Waits until an expression is true. It may use {@code $} and {@code number}. */
  private static void await(String what, String expression) throws Exception {
    Waiting.until(
        what,
        () ->
            browser
                .evaluate(
                    "(() => { const $ = s => document.querySelector(s); const number = id =>"
                        + " Number($('#' + id).textContent.replaceAll(',', '')); return String(!!("
                        + expression
                        + ")); })()")
                .equals("true"));
  }
}
