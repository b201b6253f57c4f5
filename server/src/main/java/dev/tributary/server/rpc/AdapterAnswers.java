package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterChange;
import dev.tributary.server.adapter.AdapterInfo;
import dev.tributary.server.adapter.AdapterRefusal;
import dev.tributary.server.adapter.VersionInfo;
import dev.tributary.server.metrics.VersionBook;
import dev.tributary.server.metrics.VersionKey;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AdapterRecord;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.Contributions;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Alias;
import dev.tributary.v1.Tier;
import dev.tributary.v1.VersionFigures;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// Adapters as the contract tells of them.
final class AdapterAnswers {
  private final VersionBook figures;
  private final Contributions contributions;

  /// @param figures of the versions
  AdapterAnswers(VersionBook figures, Contributions contributions) {
    this.figures = figures;
    this.contributions = contributions;
  }

  Adapter adapter(AdapterInfo info) {
    AdapterRecord record = info.adapter();
    Adapter.Builder adapter =
        Adapter.newBuilder()
            .setName(record.name().toString())
            .setDescription(record.description())
            .putAllLabels(record.labels())
            .setVersionCount(record.versionCount())
            .setLatestVersion(record.latestVersion())
            .setEtag(record.etag());
    info.aliases().forEach(alias -> adapter.addAliases(alias(alias)));
    if (info.prod() != null) {
      adapter.setProdVersion(version(info.prod()));
    }
    // A folder that is refused is nothing that was made at some time.
    if (!record.etag().isEmpty()) {
      adapter
          .setCreateTime(Times.timestamp(record.created()))
          .setUpdateTime(Times.timestamp(record.updated()));
    }
    return adapter.build();
  }

  AdapterVersion version(VersionInfo info) {
    AdapterVersion.Builder told =
        AdapterVersion.newBuilder()
            .setAdapter(info.adapter().toString())
            .setTier(Leases.tier(info.tier()));
    VersionRecord version = info.version();
    if (version != null) {
      describe(told, version);
      told.setFigures(figures(figures.of(key(version))));
      String manifest = version.facts().manifestDigest();
      if (!manifest.isEmpty()) {
        told.setWithdrawnContributions(
            contributions.withdrawnOf(version.adapter().tenant(), manifest));
      }
    }
    AdapterRefusal refusal = info.refusal();
    if (refusal != null) {
      told.setState(AdapterVersion.State.STATE_QUARANTINED).setStateReason(refusal.message());
    }
    return told.build();
  }

  private static void describe(AdapterVersion.Builder told, VersionRecord version) {
    VersionFacts facts = version.facts();
    told.setNumber(version.number())
        .setDigest(facts.digest())
        .setBaseDigest(facts.baseDigest())
        .setState(
            switch (version.state()) {
              case READY -> AdapterVersion.State.STATE_READY;
              case QUARANTINED -> AdapterVersion.State.STATE_QUARANTINED;
              case DRAINING -> AdapterVersion.State.STATE_DRAINING;
            })
        .setStateReason(version.reason())
        .setOrigin(
            switch (facts.origin()) {
              case TRAINED_HERE -> AdapterVersion.Origin.ORIGIN_TRAINED_HERE;
              case REPRODUCED -> AdapterVersion.Origin.ORIGIN_REPRODUCED;
              case CLAIMED -> AdapterVersion.Origin.ORIGIN_CLAIMED;
            })
        .setPinned(version.pinned())
        .setRank(facts.rank())
        .addAllTargetModules(facts.targets())
        .setParameters(facts.parameters())
        .setWeightsBytes(facts.weightsBytes())
        .setDora(facts.dora())
        .setBaseMismatchAllowed(facts.baseMismatchAllowed())
        .setManifestDigest(facts.manifestDigest())
        .setCreateTime(Times.timestamp(version.created()));
  }

  private static VersionKey key(VersionRecord version) {
    AdapterName adapter = version.adapter();
    return new VersionKey(
        adapter.tenant(), adapter.name(), version.number(), version.facts().digest());
  }

  private static VersionFigures figures(dev.tributary.server.metrics.VersionFigures figures) {
    VersionFigures.Builder told =
        VersionFigures.newBuilder()
            .setAnswers(figures.answers())
            .setErrors(figures.errors())
            .setRefusals(figures.refusals())
            .setMeanCompletionTokens(figures.meanCompletionTokens())
            .setShadowAnswers(figures.shadowAnswers())
            .setShadowLogProbGap(figures.shadowLogProbGap());
    figures.firstTokenP50().map(Times::duration).ifPresent(told::setFirstTokenP50);
    figures.firstTokenP95().map(Times::duration).ifPresent(told::setFirstTokenP95);
    figures.betweenTokensP50().map(Times::duration).ifPresent(told::setBetweenTokensP50);
    figures.betweenTokensP95().map(Times::duration).ifPresent(told::setBetweenTokensP95);
    return told.build();
  }

  static Alias alias(AliasRecord alias) {
    Alias.Builder told = Alias.newBuilder().setName(alias.name()).setEtag(alias.etag());
    for (AliasRecord.Target target : alias.targets()) {
      told.addTargets(
          Alias.Target.newBuilder().setNumber(target.number()).setWeight(target.weight()));
    }
    AliasRecord.Shadow shadow = alias.shadow();
    if (shadow != null) {
      told.setShadow(
          Alias.Shadow.newBuilder().setNumber(shadow.number()).setSharePpm(shadow.sharePpm()));
    }
    return told.build();
  }

  static AdapterEvent event(AdapterChange change, Instant time) {
    AdapterEvent.Builder event = AdapterEvent.newBuilder().setTime(Times.timestamp(time));
    AdapterName adapter = change.adapter();
    switch (change) {
      case AdapterChange.Moved moved ->
          event.setTier(
              AdapterEvent.TierChange.newBuilder()
                  .setAdapter(adapter.toString())
                  .setNumber(moved.number())
                  .setDigest(moved.digest())
                  .setFrom(tier(moved.from()))
                  .setTo(tier(moved.to()))
                  .setLoadTime(Times.duration(moved.loadTime())));
      case AdapterChange.Aliased aliased ->
          event.setAlias(
              AdapterEvent.AliasChange.newBuilder()
                  .setAdapter(adapter.toString())
                  .setAlias(
                      aliased.alias() == null
                          ? Alias.newBuilder().setName(aliased.name()).build()
                          : alias(aliased.alias())));
    }
    return event.build();
  }

  private static Tier tier(dev.tributary.server.adapter.@Nullable Tier tier) {
    return tier == null ? Tier.TIER_UNSPECIFIED : Leases.tier(tier);
  }
}
