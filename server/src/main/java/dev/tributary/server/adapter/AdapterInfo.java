package dev.tributary.server.adapter;

import dev.tributary.server.state.AdapterRecord;
import dev.tributary.server.state.AliasRecord;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An adapter, for telling of it.
///
/// @param aliases by name
/// @param prod the version that `prod` leads to, the heaviest of several; or, of an offered folder
///   that is refused, why; else null
public record AdapterInfo(
    AdapterRecord adapter, List<AliasRecord> aliases, @Nullable VersionInfo prod) {
  public AdapterInfo {
    aliases = List.copyOf(aliases);
  }

  /// Without its tenant.
  public String name() {
    return adapter.name().name();
  }

  /// Why what `prod` leads to is not served; null if it is, or there is none.
  public @Nullable AdapterRefusal refusal() {
    return prod == null ? null : prod.refusal();
  }
}
