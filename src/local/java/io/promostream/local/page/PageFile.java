package io.promostream.local.page;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A file of the page: a resource under {@code /page}. */
final class PageFile {

  private static final Pattern PATH = Pattern.compile("/[a-z]+(?:-[a-z]+)*\\.(html|css|js|svg)");

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "svg", "image/svg+xml");

  private final String type;
  private final byte[] content;

  private PageFile(String type, byte[] content) {
    this.type = type;
    this.content = content;
  }

  /** The file at a path; null if there is none. */
  static @Nullable PageFile of(String path) throws IOException {
    Matcher name = PATH.matcher(path);
    if (!name.matches()) {
      return null;
    }
    try (InputStream file = PageFile.class.getResourceAsStream("/page" + path)) {
      return file == null ? null : new PageFile(TYPES.get(name.group(1)), file.readAllBytes());
    }
  }

  String type() {
    return type;
  }

  byte[] content() {
    return content;
  }
}
