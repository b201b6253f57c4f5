package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.BadRequest;
import dev.tributary.server.adapter.AdapterRefusal;
import dev.tributary.server.engine.Failure;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Statuses that no test can cause through a channel at will.
class StatusesTest {
  private static Code code(AdapterRefusal refusal) {
    return Statuses.of(refusal, "a").getStatus().getCode();
  }

  @Test
  void of_refusals_isTheTableOfTheContract() {
    assertThat(code(new AdapterRefusal.NotFound("a"))).isEqualTo(Code.NOT_FOUND);
    assertThat(code(new AdapterRefusal.NoSuchVersion("a", "v", List.of())))
        .isEqualTo(Code.FAILED_PRECONDITION);
    assertThat(code(new AdapterRefusal.Malformed("x", "y"))).isEqualTo(Code.FAILED_PRECONDITION);
    assertThat(code(new AdapterRefusal.Unsupported("x", "y"))).isEqualTo(Code.FAILED_PRECONDITION);
    assertThat(code(new AdapterRefusal.NoEffect("x"))).isEqualTo(Code.FAILED_PRECONDITION);
    assertThat(code(new AdapterRefusal.Corrupt("a", "d", "e"))).isEqualTo(Code.DATA_LOSS);
    assertThat(code(new AdapterRefusal.Unreadable("a", "d"))).isEqualTo(Code.UNAVAILABLE);
    assertThat(code(new AdapterRefusal.TooLarge(2, 1))).isEqualTo(Code.RESOURCE_EXHAUSTED);
    assertThat(code(new AdapterRefusal.Busy(1))).isEqualTo(Code.RESOURCE_EXHAUSTED);
  }

  @Test
  void of_failures_isTheTableOfTheContract() {
    assertThat(Statuses.of(new Failure.Cancelled(), "g").getStatus().getCode())
        .isEqualTo(Code.CANCELLED);
    assertThat(Statuses.of(new Failure.DeadlineExceeded(), "g").getStatus().getCode())
        .isEqualTo(Code.DEADLINE_EXCEEDED);
    assertThat(Statuses.of(new Failure.Draining(), "g").getStatus().getCode())
        .isEqualTo(Code.UNAVAILABLE);
  }

  @Test
  void invalid_manyLongViolations_staySmall() {
    StatusRuntimeException status =
        Statuses.invalid(
            Collections.nCopies(
                1_000, new Statuses.Violation("f", "x".repeat(499) + "😀".repeat(1_000))));

    BadRequest details = RpcFixture.detail(status, BadRequest.class);
    assertThat(details.getFieldViolationsCount()).isEqualTo(16);
    assertThat(details.getFieldViolations(0).getDescription())
        .as("cut, but not inside a character")
        .isEqualTo("x".repeat(499) + "...");
    assertThat(details.getSerializedSize()).isLessThan(16 << 10);
  }
}
