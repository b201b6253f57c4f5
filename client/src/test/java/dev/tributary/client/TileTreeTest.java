package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.TilePath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TileTreeTest {
  private static byte[] entry(int index) {
    return ("entry " + index).getBytes(StandardCharsets.UTF_8);
  }

  private static List<Hash> hashes(int size) {
    List<Hash> hashes = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      hashes.add(Merkle.leaf(entry(i)));
    }
    return hashes;
  }

  @Test
  void frontier_everySize_hasTheTreesRoot() {
    Frontier frontier = new Frontier();
    List<Hash> hashes = hashes(1_100);
    for (int size = 0; size <= hashes.size(); size++) {
      assertThat(frontier.root()).isEqualTo(Merkle.root(hashes.subList(0, size)));
      Frontier copy = new Frontier(frontier.size(), frontier.peaks());
      assertThat(copy.root()).isEqualTo(frontier.root());
      if (size < hashes.size()) {
        frontier.add(hashes.get(size));
      }
    }
  }

  /// The files as the specification says them, from all hashes at once: tile n of a level has the
  /// roots of the perfect trees of 256^level leaves.
  private static Map<String, byte[]> expected(int size) {
    Map<String, byte[]> files = new HashMap<>();
    Merkle.Nodes nodes = Merkle.of(hashes(size));
    for (int level = 0; size >> (8 * level) > 0; level++) {
      int count = size >> (8 * level);
      for (int tile = 0; tile * 256 < count; tile++) {
        int width = Math.min(256, count - tile * 256);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < width; i++) {
          bytes.writeBytes(nodes.node(8 * level, tile * 256L + i).bytes());
        }
        files.put(new TilePath(level, tile, width).toString(), bytes.toByteArray());
      }
    }
    for (int bundle = 0; bundle * 256 < size; bundle++) {
      int width = Math.min(256, size - bundle * 256);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int i = 0; i < width; i++) {
        byte[] entry = entry(bundle * 256 + i);
        bytes.write(0);
        bytes.write(entry.length);
        bytes.writeBytes(entry);
      }
      files.put(TilePath.ofBundle(bundle, width).toString(), bytes.toByteArray());
    }
    return files;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 255, 256, 257, 511, 512, 1_000, 65_535, 65_536, 66_049})
  void files_areThoseOfTheSpecification(int size) throws IOException {
    Map<String, byte[]> files = new HashMap<>();
    TileTree tree = new TileTree((path, bytes) -> files.put(path.toString(), bytes));
    for (int i = 0; i < size; i++) {
      tree.add(entry(i));
    }
    assertThat(tree.root()).isEqualTo(Merkle.root(hashes(size)));
    tree.finish();
    Map<String, byte[]> expected = expected(size);
    assertThat(files.keySet()).isEqualTo(expected.keySet());
    expected.forEach((path, bytes) -> assertThat(files.get(path)).as(path).isEqualTo(bytes));
  }
}
