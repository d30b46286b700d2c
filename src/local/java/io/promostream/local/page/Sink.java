package io.promostream.local.page;

/** The two places to which the job writes each delivery. */
enum Sink {
  NOTIFICATIONS,
  ROWS;

  Sink other() {
    return this == NOTIFICATIONS ? ROWS : NOTIFICATIONS;
  }
}
