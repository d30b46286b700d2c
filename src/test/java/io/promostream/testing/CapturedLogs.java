package io.promostream.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import org.apache.flink.util.ExceptionUtils;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

/**
 * What is logged from its creation on, with exceptions: Flink, the job and the clients of Kafka by
 * SLF4J, Postgres' driver by java.util.logging.
 */
public final class CapturedLogs implements AutoCloseable {

  /** The driver's logger is kept here, or its level would be collected with it. */
  private static final java.util.logging.Logger POSTGRES =
      java.util.logging.Logger.getLogger("org.postgresql");

  private static final List<String> LOGGERS =
      List.of(
          "org.apache.flink",
          "org.apache.kafka.clients",
          "org.apache.kafka.common",
          "io.promostream");

  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final Appender appender = new Appender();
  private final Driver driver = new Driver();

  /** Captures what is logged at this level and above, and lets the console have what it had. */
  public CapturedLogs(Level level, java.util.logging.Level ofDriver) {
    appender.start();
    Configuration configuration = context().getConfiguration();
    for (String name : LOGGERS) {
      LoggerConfig logger = new LoggerConfig(name, level, false);
      logger.addAppender(appender, level, null);
      configuration
          .getRootLogger()
          .getAppenders()
          .values()
          .forEach(console -> logger.addAppender(console, Level.ERROR, null));
      configuration.addLogger(name, logger);
    }
    context().updateLoggers();
    POSTGRES.setLevel(ofDriver);
    POSTGRES.addHandler(driver);
  }

  private static LoggerContext context() {
    return (LoggerContext) LogManager.getContext(false);
  }

  /** What was logged so far: message, and exception with all its causes. */
  public List<String> lines() {
    return lines;
  }

  @Override
  public void close() {
    LOGGERS.forEach(context().getConfiguration()::removeLogger);
    context().updateLoggers();
    appender.stop();
    POSTGRES.removeHandler(driver);
    POSTGRES.setLevel(null);
  }

  private static String text(String level, String logger, String message, Throwable thrown) {
    return "%s %s %s%s"
        .formatted(
            level,
            logger,
            message,
            thrown == null ? "" : "\n" + ExceptionUtils.stringifyException(thrown));
  }

  private final class Appender extends AbstractAppender {

    Appender() {
      super("captured", null, null, true, Property.EMPTY_ARRAY);
    }

    @Override
    public void append(LogEvent event) {
      lines.add(
          text(
              event.getLevel().name(),
              event.getLoggerName(),
              event.getMessage().getFormattedMessage(),
              event.getThrown()));
    }
  }

  private final class Driver extends Handler {

    @Override
    public void publish(LogRecord record) {
      String message =
          record.getParameters() == null
              ? record.getMessage()
              : java.text.MessageFormat.format(record.getMessage(), record.getParameters());
      lines.add(
          text(record.getLevel().getName(), record.getLoggerName(), message, record.getThrown()));
    }

    @Override
    public void flush() {
      // Nothing is kept back.
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }
}
