package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/// What the values of a member's run are a function of, each as a digest or a name. A run goes on
/// only where all are the same.
///
/// @param settings SHA-256 of the settings and of the micro-batches' size
/// @param data SHA-256 of the examples, in their order
/// @param base its digest
/// @param numerics what decides the bits that the base's device computes
public record RunIdentity(String settings, String data, String base, String numerics) {
  static RunIdentity of(Member member, TrainingBase base, int microTokens) {
    MessageDigest settings = sha256();
    settings.update(Json.bytes(member.settings()));
    settings.update(("\n" + microTokens).getBytes(UTF_8));
    return new RunIdentity(text(settings), data(member), base.digest(), base.numerics());
  }

  private static String data(Member member) {
    MessageDigest data = sha256();
    for (List<Example> examples : List.of(member.training(), member.heldOut())) {
      number(data, examples.size());
      for (Example example : examples) {
        byte[] contributor = example.contributor().getBytes(UTF_8);
        number(data, contributor.length);
        data.update(contributor);
        data.update(example.digest().bytes());
        number(data, example.targetsFrom());
        number(data, example.tokens().length);
        ByteBuffer tokens = ByteBuffer.allocate(Integer.BYTES * example.tokens().length);
        tokens.asIntBuffer().put(example.tokens());
        data.update(tokens);
      }
    }
    return text(data);
  }

  private static void number(MessageDigest digest, int value) {
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, value));
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  private static String text(MessageDigest digest) {
    return "sha256:" + HexFormat.of().formatHex(digest.digest());
  }
}
