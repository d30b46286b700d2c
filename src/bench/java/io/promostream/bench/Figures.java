package io.promostream.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;

/** What a benchmark measured: a line of JSON at once for each figure, a table of all at the end. */
final class Figures {

  private static final ObjectMapper JSON = new ObjectMapper();

  private record Figure(
      String what, double value, String unit, String reference, double referenceValue) {}

  private final String benchmark;
  private final List<Figure> figures = new ArrayList<>();

  Figures(String benchmark) {
    this.benchmark = benchmark;
  }

  /** A figure without anything to hold it against. */
  void add(String what, double value, String unit) {
    add(what, value, unit, "", Double.NaN);
  }

  /**
   * A figure beside its reference.
   *
   * @param reference what was measured beside it, in the same unit
   */
  void add(String what, double value, String unit, String reference, double referenceValue) {
    figures.add(new Figure(what, value, unit, reference, referenceValue));
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("benchmark", benchmark);
    line.put("figure", what);
    line.put("value", value);
    line.put("unit", unit);
    if (!reference.isEmpty()) {
      line.put("reference", reference);
      line.put("referenceValue", referenceValue);
      line.put("ratio", value / referenceValue);
    }
    try {
      System.out.println(JSON.writeValueAsString(line));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The value in the middle, of an even number of values halfway between the two. */
  static double median(double[] values) {
    double[] sorted = DoubleStream.of(values).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  void printTable() {
    System.out.println("| figure | value | unit | reference | its value | ratio |");
    System.out.println("| --- | ---: | --- | --- | ---: | ---: |");
    for (Figure figure : figures) {
      boolean alone = figure.reference.isEmpty();
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %s | %s | %s | %s |%n",
          figure.what,
          number(figure.value),
          figure.unit,
          figure.reference,
          alone ? "" : number(figure.referenceValue),
          alone ? "" : "%.2f".formatted(figure.value / figure.referenceValue));
    }
  }

  private static String number(double value) {
    return Math.abs(value) >= 100
        ? String.format(Locale.ROOT, "%,.0f", value)
        : String.format(Locale.ROOT, "%.3g", value);
  }
}
