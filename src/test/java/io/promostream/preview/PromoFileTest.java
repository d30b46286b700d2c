package io.promostream.preview;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromoFileTest {

  private static SortedMap<Integer, byte[]> lines(String content) throws IOException {
    return PromoFile.read("-", new ByteArrayInputStream(content.getBytes(UTF_8)));
  }

  @Test
  void numbersLinesAndSkipsBlankOnes() throws IOException {
    assertThat(lines("\none\r\n \t\ntwo\n"))
        .hasSize(2)
        .containsEntry(2, "one\r".getBytes(UTF_8))
        .containsEntry(4, "two".getBytes(UTF_8));
    assertThat(lines("last line without end")).containsOnlyKeys(1);
  }

  @Test
  void keepsBytesThatAreNotUtf8(@TempDir Path directory) throws IOException {
    byte[] value = {'"', (byte) 0xff, '"'};
    Path file = Files.write(directory.resolve("promos.jsonl"), value);
    assertThat(PromoFile.read(file.toString(), InputStream.nullInputStream()))
        .containsEntry(1, value);
  }

  @Test
  void namesFileThatDoesNotExist() {
    assertThatThrownBy(() -> PromoFile.read("missing.jsonl", InputStream.nullInputStream()))
        .isInstanceOf(IOException.class)
        .hasMessage("Cannot read promos from missing.jsonl: it does not exist");
  }

  @Test
  void refusesFileWithoutPromos() {
    assertThatThrownBy(() -> lines("\n \n")).hasMessage("There are no promos in standard input");
  }

  @Test
  void saysHowToRemoveLineBreaks() {
    assertThatThrownBy(() -> lines("{\n  \"restaurant_id\": \"r\"\n}\n"))
        .hasMessageContaining("Write each promo on one line");
    assertThatThrownBy(() -> lines("[\n{},\n{}\n]\n"))
        .hasMessageContaining("Write each promo on one line");
  }
}
