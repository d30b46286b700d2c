package io.promostream.delivery;

import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;

final class DeliverPromosOnHashMapTest extends DeliveryRules {

  DeliverPromosOnHashMapTest() {
    super(new HashMapStateBackend());
  }
}
