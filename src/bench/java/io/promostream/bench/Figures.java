package io.promostream.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/**
 * The figures of a benchmark. It prints a line of JSON for each at once, and a table at the end.
 */
final class Figures {

  private static final ObjectMapper JSON = new ObjectMapper();

  private record Figure(String what, double value, String unit, Map<String, Double> references) {

    String cells(DoubleFunction<String> cell) {
      return references.values().stream().map(cell::apply).collect(Collectors.joining(" / "));
    }
  }

  private final String benchmark;
  private final List<Figure> figures = new ArrayList<>();

  Figures(String benchmark) {
    this.benchmark = benchmark;
  }

  /** A figure without a reference. */
  void add(String what, double value, String unit) {
    add(what, value, unit, Map.of());
  }

  /**
   * A figure beside its reference.
   *
   * @param reference what was measured beside it, in the same unit
   */
  void add(String what, double value, String unit, String reference, double referenceValue) {
    add(what, value, unit, Map.of(reference, referenceValue));
  }

  /**
   * A figure beside several references: a line of JSON for each.
   *
   * @param references what was measured beside it, in the same unit
   */
  void add(String what, double value, String unit, Map<String, Double> references) {
    Figure figure = new Figure(what, value, unit, references);
    figures.add(figure);
    if (references.isEmpty()) {
      print(line(figure));
    }
    references.forEach(
        (reference, referenceValue) -> {
          Map<String, Object> line = line(figure);
          line.put("reference", reference);
          line.put("referenceValue", referenceValue);
          line.put("ratio", value / referenceValue);
          print(line);
        });
  }

  private Map<String, Object> line(Figure figure) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("benchmark", benchmark);
    line.put("figure", figure.what);
    line.put("value", figure.value);
    line.put("unit", figure.unit);
    return line;
  }

  private static void print(Map<String, Object> line) {
    try {
      System.out.println(JSON.writeValueAsString(line));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The median. For an even number of values, the mean of the two in the middle. */
  static double median(double[] values) {
    double[] sorted = DoubleStream.of(values).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  void printTable() {
    System.out.println("| figure | value | unit | reference | its value | ratio |");
    System.out.println("| --- | ---: | --- | --- | ---: | ---: |");
    for (Figure figure : figures) {
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %s | %s | %s | %s |%n",
          figure.what,
          number(figure.value),
          figure.unit,
          String.join(" / ", figure.references.keySet()),
          figure.cells(reference -> number(reference)),
          figure.cells(reference -> "%.2f".formatted(figure.value / reference)));
    }
  }

  private static String number(double value) {
    return Math.abs(value) >= 100
        ? String.format(Locale.ROOT, "%,.0f", value)
        : String.format(Locale.ROOT, "%.3g", value);
  }
}
