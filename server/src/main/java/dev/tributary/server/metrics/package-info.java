/// What the server tells of itself: counters and histograms for Prometheus, spans for
/// OpenTelemetry, a log line an answer, and figures per adapter version.
///
/// **One record a call.** [CallRecord] is told what happens to a call, in the order in which it
/// happens, and is the only place that turns it into numbers, a span, a log line and a version's
/// figures. So the four never disagree, and the services name no meter.
///
/// **Bounds.** Names that callers choose become labels through [Labels], which gives the first so
/// many tenants and adapters their own series and all others `other`. Figures per version are kept
/// for the versions used last ([VersionBook]). Histograms have fixed buckets ([Buckets]), so that
/// several servers can be added up.
///
/// **What never gets in.** Text and tokens, of prompts and of answers: no method takes any.
///
/// **Names.** `tributary_` and then the name that vLLM gives the same thing, where it has one;
/// [Gateway] adds the few gauges that the Kubernetes inference gateway reads, under vLLM's own
/// names, since its endpoint picker knows servers by them.
@NullMarked
package dev.tributary.server.metrics;

import org.jspecify.annotations.NullMarked;
