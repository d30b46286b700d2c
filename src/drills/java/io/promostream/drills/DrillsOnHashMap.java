package io.promostream.drills;

class DrillsOnHashMap extends Drills {
  DrillsOnHashMap() {
    super("hashmap");
  }
}
