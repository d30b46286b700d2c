package io.promostream.preview;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads a file of promos. Each line is the value of one message. */
final class PromoFile {

  /** The name that stands for standard input. */
  private static final String STANDARD_INPUT = "-";

  private PromoFile() {}

  /**
   * Reads all lines that are not blank.
   *
   * @param standardInput is read if the file is {@code -}
   * @return the lines by number, from 1; as bytes, because a message may be invalid UTF-8
   * @throws IOException if the file is unreadable or has no promo; the message says what to do
   */
  static SortedMap<Integer, byte[]> read(String file, InputStream standardInput)
      throws IOException {
    String name = file.equals(STANDARD_INPUT) ? "standard input" : file;
    SortedMap<Integer, byte[]> lines = lines(bytes(file, name, standardInput));
    if (lines.isEmpty()) {
      throw new IOException("There are no promos in %s".formatted(name));
    }
    String first = new String(lines.get(lines.firstKey()), UTF_8).strip();
    if (first.equals("{") || first.equals("[")) {
      throw new IOException(
          "The JSON in %s has line breaks. Write each promo on one line, for example with: jq -c . or jq -c .[]"
              .formatted(name));
    }
    return lines;
  }

  private static byte[] bytes(String file, String name, InputStream standardInput)
      throws IOException {
    try {
      return file.equals(STANDARD_INPUT)
          ? standardInput.readAllBytes()
          : Files.readAllBytes(Path.of(file));
    } catch (NoSuchFileException e) {
      throw new IOException("Cannot read promos from %s: it does not exist".formatted(name), e);
    } catch (AccessDeniedException e) {
      throw new IOException("Cannot read promos from %s: permission denied".formatted(name), e);
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException("Cannot read promos from %s: %s".formatted(name, e.getMessage()), e);
    }
  }

  private static SortedMap<Integer, byte[]> lines(byte[] content) {
    SortedMap<Integer, byte[]> lines = new TreeMap<>();
    int number = 1;
    int start = 0;
    for (int at = 0; at <= content.length; at++) {
      if (at == content.length || content[at] == '\n') {
        byte[] value = Arrays.copyOfRange(content, start, at);
        if (!new String(value, UTF_8).isBlank()) {
          lines.put(number, value);
        }
        number++;
        start = at + 1;
      }
    }
    return lines;
  }
}
