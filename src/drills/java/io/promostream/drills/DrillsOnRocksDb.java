package io.promostream.drills;

class DrillsOnRocksDb extends Drills {
  DrillsOnRocksDb() {
    super("rocksdb");
  }
}
