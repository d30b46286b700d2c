package io.promostream.config;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A password: by value, or by the file that holds it, which is read anew for each connection. Never
 * shown.
 *
 * @param value the password itself, null where a file holds it; it travels in the job graph
 * @param file the file, null where there is a value; it is read on the machine that connects
 */
public record Secret(@Nullable String value, @Nullable String file) implements Serializable {

  public static final Secret EMPTY = new Secret("", null);

  /**
   * The password, without the line break that may end its file.
   *
   * @throws IOException naming the file, if that can't be read
   */
  public String reveal() throws IOException {
    if (value != null) {
      return value;
    }
    try {
      return withoutLineBreak(Files.readString(Path.of(file)));
    } catch (IOException | RuntimeException e) {
      throw new IOException("password file " + file + " can't be read: " + e, e);
    }
  }

  /** A password as editors and {@code echo} leave it, without the line break that ends it. */
  static String withoutLineBreak(String text) {
    return text.replaceFirst("\\r?\\n\\z", "");
  }

  @Override
  public String toString() {
    return file == null ? "***" : "in " + file;
  }
}
