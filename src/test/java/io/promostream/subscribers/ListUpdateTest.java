package io.promostream.subscribers;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.control.Command;
import io.promostream.control.Command.Action;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.CommandGiven;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.io.IOException;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ListUpdateTest {

  static final ListUpdate[] UPDATES = {
    new AudiencePart("r", 0, false, Audience.of("a", "😀")),
    new AudiencePart("😀\u0001", 3, true, Audience.EMPTY),
    new RefreshCompleted("", 1, 2, 3, 4),
    new RefreshCompleted("\u00007", Long.MAX_VALUE, 2, 3, 4),
    new CommandGiven(new Command(Action.PAUSE, null, null, null, null, 0)),
    new CommandGiven(new Command(Action.STOP, "r", "c", "😀", "", Long.MAX_VALUE)),
  };

  @ParameterizedTest
  @FieldSource("UPDATES")
  void roundTripsThroughSerializer(ListUpdate update) throws IOException {
    ListUpdate.Serializer serializer = new ListUpdate.Serializer();
    DataOutputSerializer out = new DataOutputSerializer(64);
    serializer.serialize(update, out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

    assertThat(serializer.deserialize(in)).isEqualTo(update);
    assertThat(in.available()).isZero();
  }
}
