package io.promostream.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** YAML as maps, lists and scalars, and the way to a place in it. */
final class Yaml {

  private Yaml() {}

  /** All documents of a file; a key given twice is an error. */
  static List<Object> read(Path file) {
    try {
      return parse(Files.readString(file), file.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Object> parse(String text, String label) {
    List<Object> documents = new ArrayList<>();
    LoadSettings settings = LoadSettings.builder().setLabel(label).build();
    new Load(settings).loadAllFromString(text).forEach(documents::add);
    return documents;
  }

  /** What stands at a path of keys and list indexes, null where there is nothing. */
  static Object at(Object root, Object... path) {
    Object value = root;
    for (Object step : path) {
      if (value instanceof Map<?, ?> map) {
        value = map.get(step);
      } else if (value instanceof List<?> list && step instanceof Integer i && i < list.size()) {
        value = list.get(i);
      } else {
        return null;
      }
    }
    return value;
  }

  static String text(Object root, Object... path) {
    Object value = at(root, path);
    return value == null ? null : value.toString();
  }

  /** The map at a path, empty where there is none; writable where there is one. */
  @SuppressWarnings("unchecked") // JSON's objects have no other keys.
  static Map<String, Object> map(Object root, Object... path) {
    return at(root, path) instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
  }

  /** The list at a path, empty where there is none; writable where there is one. */
  @SuppressWarnings("unchecked")
  static List<Object> list(Object root, Object... path) {
    return at(root, path) instanceof List<?> list ? (List<Object>) list : List.of();
  }

  static Object copy(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, child) -> copy.put(key, copy(child)));
      return copy;
    }
    return value instanceof List<?> list
        ? new ArrayList<>(list.stream().map(Yaml::copy).toList())
        : value;
  }
}
