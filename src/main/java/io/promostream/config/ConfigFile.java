package io.promostream.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * Reads a YAML file of nested or dotted keys. Values keep their spelling: {@code 010} stays {@code
 * 010}. Problems name the line but never quote a value or the parser's message, which may contain a
 * secret.
 */
final class ConfigFile {

  /** A value and its origin, such as a line of the file. */
  record Entry(String value, String origin) {
    @Override
    public String toString() {
      return origin;
    }
  }

  private final String file;
  private final List<String> problems;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private ConfigFile(String file, List<String> problems) {
    this.file = file;
    this.problems = problems;
  }

  /** Returns values by key, including unknown keys, and adds errors to {@code problems}. */
  static Map<String, Entry> read(String file, List<String> problems) {
    ConfigFile result = new ConfigFile(file, problems);
    try {
      LoadSettings settings = LoadSettings.builder().setLabel(file).build();
      new Compose(settings)
          .composeString(Files.readString(Path.of(file)))
          .ifPresent(root -> result.add("", root));
    } catch (IOException | RuntimeException e) {
      problems.add(unreadable(file, e));
    }
    return result.entries;
  }

  private static String unreadable(String file, Exception e) {
    if (e instanceof MarkedYamlEngineException marked && marked.getProblemMark().isPresent()) {
      return "--config "
          + file
          + ": invalid YAML at line "
          + (marked.getProblemMark().get().getLine() + 1);
    }
    return e instanceof YamlEngineException
        ? "--config " + file + ": invalid YAML"
        : "--config " + file + ": can't be read: " + e;
  }

  private void add(String name, Node node) {
    if (node instanceof MappingNode mapping && !node.isRecursive()) {
      for (NodeTuple tuple : mapping.getValue()) {
        if (tuple.getKeyNode() instanceof ScalarNode key) {
          String dot = name.isEmpty() ? "" : ".";
          add(name + dot + key.getValue(), tuple.getValueNode());
        } else {
          problems.add("key is not a string" + at(tuple.getKeyNode()));
        }
      }
    } else if (name.isEmpty()) {
      problems.add("--config " + file + ": must contain lines of the form key: value");
    } else if (!ConfigKey.isName(name)) {
      problems.add("key is not a valid name" + at(node));
    } else if (!(node instanceof ScalarNode scalar)) {
      problems.add(
          name + ": must be a single value; write a list as comma-separated text" + at(node));
    } else if (node.getTag().equals(Tag.NULL)) {
      problems.add(name + ": has no value; remove the key to use its default" + at(node));
    } else if (entries.containsKey(name)) {
      problems.add(name + ": is set twice; remove one" + at(node));
    } else {
      entries.put(name, new Entry(scalar.getValue(), place(node)));
    }
  }

  private String at(Node node) {
    return " (" + place(node) + ")";
  }

  private String place(Node node) {
    return file + node.getStartMark().map(mark -> ", line " + (mark.getLine() + 1)).orElse("");
  }
}
