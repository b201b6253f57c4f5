package dev.tributary.server;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.tensor.KvCache;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/// How much memory keys and values may take.
///
/// @param pages pages of the cache
/// @param bytes what they take
record KvBudget(int pages, long bytes) {
  private static final long MIB = 1 << 20;

  /// More than a machine of this size serves at once; `--kv-memory` asks for more.
  private static final long DEFAULT_MOST = 4096 * MIB;

  /// Half of what is free, at most what was asked for, and never less than one whole context.
  ///
  /// @param mib most memory in MiB; 0 is the default
  /// @param device free bytes of the device's own memory, if that is where the cache is going to be
  static KvBudget of(LlamaConfig config, int mib, OptionalLong device) {
    long most = mib > 0 ? mib * MIB : DEFAULT_MOST;
    long perPage = KvCache.bytesPerPage(config.layers(), config.attention());
    long pages = Math.min(most, device.orElseGet(KvBudget::free) / 2) / perPage;
    long least = Math.ceilDiv(Math.min(config.context(), 2048), KvCache.PAGE);
    pages = Math.clamp(pages, least, Integer.MAX_VALUE);
    return new KvBudget((int) pages, pages * perPage);
  }

  /// Free bytes of the machine, or of the control group if that has less; a default where neither
  /// tells.
  static long free() {
    long available = Long.MAX_VALUE;
    try {
      for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemAvailable:")) {
          available = Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
      Path limit = Path.of("/sys/fs/cgroup/memory.max");
      Path used = Path.of("/sys/fs/cgroup/memory.current");
      if (Files.isReadable(limit) && Files.isReadable(used)) {
        String max = Files.readString(limit).strip();
        if (!max.equals("max")) {
          long left = Long.parseLong(max) - Long.parseLong(Files.readString(used).strip());
          available = Math.min(available, left);
        }
      }
    } catch (IOException e) {
      available = Long.MAX_VALUE; // no such files on this system
    }
    return available == Long.MAX_VALUE ? DEFAULT_MOST : available;
  }
}
