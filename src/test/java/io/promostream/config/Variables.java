package io.promostream.config;

/** Which environment variables the job knows. */
public final class Variables {

  private Variables() {}

  /** Whether the name is one of the job's at all. */
  public static boolean isOfTheJob(String name) {
    return ConfigKey.isVariable(name);
  }

  /** Whether there is a key that the variable sets. */
  public static boolean isKey(String name) {
    return ConfigKeys.ALL.stream()
        .anyMatch(
            key ->
                key.isFamily()
                    ? name.startsWith(ConfigKey.variable(key.familyPrefix()))
                    : name.equals(ConfigKey.variable(key.name())));
  }

  /** The variable that sets a key. */
  public static String variable(String key) {
    return ConfigKey.variable(key);
  }
}
