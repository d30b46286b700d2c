package io.promostream.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The pages of the documentation that tests read, and the code blocks of the runbook. */
public final class Runbook {

  private static final Path PAGES = Path.of("src/site/markdown");
  private static final String TEXT = page("runbook");

  private Runbook() {}

  /** A page of the documentation, by its file name without {@code .md}. */
  public static String page(String name) {
    return read(PAGES.resolve(name + ".md"));
  }

  public static String text() {
    return TEXT;
  }

  /** The blocks of code in a language, {@code log}, {@code sql} or {@code sh}, in their order. */
  public static List<String> blocks(String language) {
    return blocksOf(language, TEXT);
  }

  /** Those of one section, by its heading. */
  public static List<String> blocks(String language, String heading) {
    String title = "### " + heading + "\n";
    int from = TEXT.indexOf(title);
    if (from < 0) {
      throw new IllegalArgumentException("no section " + heading);
    }
    return blocksOf(language, TEXT.substring(from + title.length()).split("(?m)^##+ ", 2)[0]);
  }

  /** The anchors that a Git host gives to the headings of a page. */
  static Set<String> anchors(String text) {
    return Pattern.compile("(?m)^##+ (.+)$")
        .matcher(text)
        .results()
        .map(heading -> heading.group(1).toLowerCase(Locale.ROOT))
        .map(heading -> heading.replaceAll("[^\\w -]", "").replace(' ', '-'))
        .collect(Collectors.toSet());
  }

  private static List<String> blocksOf(String language, String text) {
    return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
        .matcher(text)
        .results()
        .map((MatchResult block) -> block.group(1))
        .toList();
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
