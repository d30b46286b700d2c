package io.promostream.config;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A password, given as a value or as a file. The file is read for each connection, so that a
 * rotated password takes effect without a restart. {@code toString} never shows the password.
 *
 * @param value the password, or null if a file contains it; it is serialized in the job graph
 * @param file the file, or null if the value is set; it is read on the machine that connects
 */
public record Secret(@Nullable String value, @Nullable String file) implements Serializable {

  public static final Secret EMPTY = new Secret("", null);

  /**
   * Returns the password without the line break at the end of its file.
   *
   * @throws IOException if the file cannot be read; the message names it
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

  /** Removes the final line break, which editors and {@code echo} add. */
  static String withoutLineBreak(String text) {
    return text.replaceFirst("\\r?\\n\\z", "");
  }

  @Override
  public String toString() {
    return file == null ? "***" : "in " + file;
  }
}
