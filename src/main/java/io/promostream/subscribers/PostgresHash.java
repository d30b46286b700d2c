package io.promostream.subscribers;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Computes what Postgres returns for {@code hashtextextended(text COLLATE "C", seed)}: Bob Jenkins'
 * lookup3. Postgres' hash partitions rest on it, so no release may change it.
 *
 * <p>The first load therefore reads rows without hashes, and needs no query for fingerprints before
 * it. That query takes 3.7 to 4.8 s for ten million subscriptions, and the load 9 to 18 s.
 *
 * <p>A server with a big-endian processor returns other numbers. So does a server in another
 * encoding than UTF-8, for texts that are not ASCII. The fingerprints then differ from the server's
 * own, and the job reads these restaurants once more.
 */
final class PostgresHash {

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private static final int BLOCK_BYTES = 12;

  private PostgresHash() {}

  /**
   * Hashes a text.
   *
   * @param utf8 the array that contains the text
   */
  static long of(byte[] utf8, int start, int length, int seed) {
    int a = 0x9e3779b9 + length + 3923095;
    int b = a;
    int c = a;
    int end = start + length;
    // A seed is mixed in like an additional block before the first.
    int at = seed == 0 ? start : start - BLOCK_BYTES;
    for (; end - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
      if (at < start) {
        b += seed;
      } else {
        a += (int) INT.get(utf8, at);
        b += (int) INT.get(utf8, at + 4);
        c += (int) INT.get(utf8, at + 8);
      }
      a = (a - c) ^ Integer.rotateLeft(c, 4);
      c += b;
      b = (b - a) ^ Integer.rotateLeft(a, 6);
      a += c;
      c = (c - b) ^ Integer.rotateLeft(b, 8);
      b += a;
      a = (a - c) ^ Integer.rotateLeft(c, 16);
      c += b;
      b = (b - a) ^ Integer.rotateLeft(a, 19);
      a += c;
      c = (c - b) ^ Integer.rotateLeft(b, 4);
      b += a;
    }
    a += rest(utf8, at, end);
    b += rest(utf8, at + 4, end);
    c += rest(utf8, at + 8, end) << 8;
    c = (c ^ b) - Integer.rotateLeft(b, 14);
    a = (a ^ c) - Integer.rotateLeft(c, 11);
    b = (b ^ a) - Integer.rotateLeft(a, 25);
    c = (c ^ b) - Integer.rotateLeft(b, 16);
    a = (a ^ c) - Integer.rotateLeft(c, 4);
    b = (b ^ a) - Integer.rotateLeft(a, 14);
    c = (c ^ b) - Integer.rotateLeft(b, 24);
    return ((long) b << 32) | Integer.toUnsignedLong(c);
  }

  /** The next four bytes, or as many as are left. */
  private static int rest(byte[] utf8, int from, int end) {
    int word = 0;
    for (int i = Math.min(end, from + Integer.BYTES) - 1; i >= from; i--) {
      word = (word << 8) | (utf8[i] & 0xFF);
    }
    return word;
  }
}
