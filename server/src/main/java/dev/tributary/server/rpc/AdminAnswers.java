package dev.tributary.server.rpc;

import dev.tributary.server.engine.EngineStats;
import dev.tributary.server.metrics.TierFigures;
import dev.tributary.server.state.KeyRecord;
import dev.tributary.server.state.TenantRecord;
import dev.tributary.v1.Key;
import dev.tributary.v1.Quota;
import dev.tributary.v1.Role;
import dev.tributary.v1.Stats;
import dev.tributary.v1.Tenant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes what the Admin service knows as the contract has it.
final class AdminAnswers {
  private static final Logger log = LoggerFactory.getLogger(AdminAnswers.class);

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final long KIB = 1_024;

  private AdminAnswers() {}

  static Tenant tenant(TenantRecord tenant) {
    Tenant.Builder told =
        Tenant.newBuilder()
            .setName(tenant.name())
            .setDisplayName(tenant.displayName())
            .setQuota(quota(tenant.quota()))
            .setCreateTime(Times.timestamp(tenant.created()))
            .setEtag(tenant.etag());
    if (tenant.retention() != null) {
      told.setRetention(Times.duration(tenant.retention()));
    }
    return told.build();
  }

  private static Quota quota(dev.tributary.server.state.Quota quota) {
    Quota.Builder told = Quota.newBuilder();
    if (quota.requestsPerMinute() != null) {
      told.setRequestsPerMinute(quota.requestsPerMinute());
    }
    if (quota.tokensPerMinute() != null) {
      told.setTokensPerMinute(quota.tokensPerMinute());
    }
    if (quota.concurrentRequests() != null) {
      told.setConcurrentRequests(quota.concurrentRequests());
    }
    if (quota.queuedRequests() != null) {
      told.setQueuedRequests(quota.queuedRequests());
    }
    if (quota.adapters() != null) {
      told.setAdapters(quota.adapters());
    }
    if (quota.adapterBytes() != null) {
      told.setAdapterBytes(quota.adapterBytes());
    }
    if (quota.replaysPerHour() != null) {
      told.setReplaysPerHour(quota.replaysPerHour());
    }
    if (quota.weight() != null) {
      told.setWeight(quota.weight());
    }
    if (quota.residentBytes() != null) {
      told.setResidentBytes(quota.residentBytes());
    }
    return told.build();
  }

  static Key key(KeyRecord key) {
    Key.Builder told =
        Key.newBuilder()
            .setKeyId(key.id())
            .setTenant(key.tenant())
            .setRole(role(key.role()))
            .setContributor(key.contributor())
            .setDisplayName(key.displayName())
            .setCreateTime(Times.timestamp(key.created()));
    if (key.expires() != null) {
      told.setExpireTime(Times.timestamp(key.expires()));
    }
    if (key.lastUse() != null) {
      told.setLastUseTime(Times.timestamp(key.lastUse()));
    }
    return told.build();
  }

  private static Role role(dev.tributary.server.state.Role role) {
    return switch (role) {
      case USER -> Role.ROLE_USER;
      case OWNER -> Role.ROLE_OWNER;
      case CONTRIBUTOR -> Role.ROLE_CONTRIBUTOR;
      case AUDITOR -> Role.ROLE_AUDITOR;
      case ADMIN -> Role.ROLE_ADMIN;
    };
  }

  static Stats stats(GrpcServer server, TierFigures tiers, Instant started, Instant now) {
    EngineStats engine = server.serving().engine().stats();
    return Stats.newBuilder()
        .setStartTime(Times.timestamp(started))
        .setUptime(Times.duration(Duration.between(started, now)))
        .setDraining(server.admission().isDraining())
        .setRunningRequests(engine.running())
        .setQueuedRequests(engine.waiting() + server.access().quotas().waiting())
        .setGenerations(server.tally().generations())
        .setPromptTokens(server.tally().promptTokens())
        .setCachedTokens(server.tally().cachedTokens())
        .setCompletionTokens(server.tally().completionTokens())
        .setRejectedRequests(server.tally().refusals())
        .setSteps(engine.steps())
        .setKvPages(engine.pages())
        .setKvPagesUsed(engine.pages() - engine.freePages())
        .setDeviceAdapters(tiers.device())
        .setDeviceAdapterBytes(tiers.deviceBytes())
        .setHostAdapters(tiers.host())
        .setHostAdapterBytes(tiers.hostBytes())
        .setDiskAdapters(tiers.disk())
        .setDiskAdapterBytes(tiers.diskBytes())
        .setAdapterLoads(tiers.loads())
        .setResidentBytes(residentBytes())
        .build();
  }

  /// 0 where the system does not tell.
  private static long residentBytes() {
    try {
      List<String> lines = Files.readAllLines(STATUS);
      return lines.stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * KIB)
          .findFirst()
          .orElse(0);
    } catch (NoSuchFileException e) {
      return 0; // Not Linux.
    } catch (IOException e) {
      log.warn("{} can't be read", STATUS, e);
      return 0;
    }
  }
}
