package dev.tributary.server.rpc;

import com.google.protobuf.Timestamp;
import dev.tributary.server.model.Certificate;
import dev.tributary.v1.CertifyModelEvent;
import dev.tributary.v1.CertifyModelProgress;
import dev.tributary.v1.ListCertificatesResponse;
import dev.tributary.v1.ModelCertificate;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// The calls that measure what the base's four bits cost: progress, then the result.
final class Certifying {
  private static final Duration BETWEEN_NEWS = Duration.ofMillis(500);

  private final Certifier certifier;

  Certifying(Certifier certifier) {
    this.certifier = certifier;
  }

  /// Measures against `source` for as long as the call lasts.
  ModelCertificate certify(String source, Call<?> call, PacedStream<CertifyModelEvent> responses) {
    if (source.isEmpty()) {
      throw Statuses.invalid("source", "is required");
    }
    try (Certifier.Run run = certifier.begin(source)) {
      call.onEnd(() -> run.result().cancel(false));
      while (true) {
        responses.send(progress(run));
        try {
          Certificate found = run.result().get(BETWEEN_NEWS.toMillis(), TimeUnit.MILLISECONDS);
          return certificate(found);
        } catch (TimeoutException e) {
          continue; // there is news
        } catch (ExecutionException e) {
          throw new CompletionException(e.getCause());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new CompletionException(e);
        }
      }
    }
  }

  ListCertificatesResponse list() {
    ListCertificatesResponse.Builder response = ListCertificatesResponse.newBuilder();
    certifier.kept().stream().map(Certifying::certificate).forEach(response::addCertificates);
    return response.build();
  }

  private static CertifyModelEvent progress(Certifier.Run run) {
    return CertifyModelEvent.newBuilder()
        .setProgress(
            CertifyModelProgress.newBuilder().setTokens(run.done()).setTotalTokens(run.total()))
        .build();
  }

  private static ModelCertificate certificate(Certificate found) {
    ModelCertificate.Builder certificate =
        ModelCertificate.newBuilder()
            .setBaseDigest(found.baseDigest())
            .setSourceDigest(found.sourceDigest())
            .setTextDigest(found.textDigest())
            .setCreateTime(Timestamp.newBuilder().setSeconds(found.time()))
            .setAll(slice(found.all()))
            .addAllLeftOut(found.leftOut());
    found.baseFormats().stream().map(Certifying::format).forEach(certificate::addBaseFormats);
    found.sourceFormats().stream().map(Certifying::format).forEach(certificate::addSourceFormats);
    found.slices().stream().map(Certifying::slice).forEach(certificate::addSlices);
    return certificate.build();
  }

  private static ModelCertificate.Format format(Certificate.Format format) {
    return ModelCertificate.Format.newBuilder()
        .setType(format.type())
        .setTensors(format.tensors())
        .setWeights(format.weights())
        .build();
  }

  private static ModelCertificate.Slice slice(Certificate.Slice slice) {
    return ModelCertificate.Slice.newBuilder()
        .setName(slice.name())
        .setTokens(slice.tokens())
        .setSourcePerplexity(slice.sourcePerplexity())
        .setBasePerplexity(slice.basePerplexity())
        .setKlMean(slice.klMean())
        .setKlP99(slice.klP99())
        .setFlips(slice.flips())
        .build();
  }
}
