package io.promostream.lost;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * Collects what identifies deliveries, restaurant, campaign and client, as 64 bits each: of ten
 * million, two are the same by chance once in 400,000 times. Then one that is lost would not be
 * found; none would be sent that is not lost.
 */
final class Hashes {

  private long[] values = new long[1024];
  private int size;

  void add(long hash) {
    if (size == values.length) {
      values = Arrays.copyOf(values, size + size / 2);
    }
    values[size++] = hash;
  }

  long[] sorted() {
    long[] sorted = Arrays.copyOf(values, size);
    Arrays.parallelSort(sorted);
    return sorted;
  }

  static long of(String restaurant, String campaign, String client) {
    try {
      MessageDigest md5 = MessageDigest.getInstance("MD5");
      for (String part : new String[] {restaurant, campaign, client}) {
        byte[] bytes = part.getBytes(UTF_8);
        md5.update(ByteBuffer.allocate(4).putInt(bytes.length).flip());
        md5.update(bytes);
      }
      return ByteBuffer.wrap(md5.digest()).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has it", e);
    }
  }
}
