package dev.tributary.tlog;

import java.util.Random;

/// Texts at random.
final class Texts {
  private Texts() {}

  /// Up to `most` of the given code points.
  static String random(Random random, int most, String of) {
    int[] points = of.codePoints().toArray();
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(most);
    for (int i = 0; i < length; i++) {
      text.appendCodePoint(points[random.nextInt(points.length)]);
    }
    return text.toString();
  }
}
