package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.rpc.MethodRoles.Audience;
import dev.tributary.server.state.Role;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.TrainingGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MethodRolesTest {
  private static final List<ServiceDescriptor> CONTRACT =
      List.of(
          InferenceGrpc.getServiceDescriptor(),
          AdaptersGrpc.getServiceDescriptor(),
          ProvenanceGrpc.getServiceDescriptor(),
          TrainingGrpc.getServiceDescriptor(),
          AdminGrpc.getServiceDescriptor());

  @Test
  void everyMethodOfTheContract_hasARowAndNeedsAKey() {
    for (ServiceDescriptor service : CONTRACT) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        assertThat(MethodRoles.of(method.getFullMethodName()))
            .as(method.getFullMethodName())
            .isNotNull()
            .isNotEqualTo(Audience.ANYBODY);
      }
    }
  }

  @Test
  void everyMethodOfBothPorts_hasARow(@TempDir Path folder) {
    try (RpcFixture fixture = new RpcFixture(folder)) {
      assertThat(fixture.server.methods())
          .contains("tributary.v1.Inference/Generate", "grpc.health.v1.Health/Check")
          .allSatisfy(method -> assertThat(MethodRoles.of(method)).as(method).isNotNull())
          .noneMatch(method -> method.startsWith("grpc.channelz"))
          .noneMatch(method -> method.startsWith("tributary.v1.Admin"));
      assertThat(fixture.admin.methods())
          .contains("tributary.v1.Admin/Drain", "grpc.channelz.v1.Channelz/GetServers")
          .allSatisfy(method -> assertThat(MethodRoles.of(method)).as(method).isNotNull());
    }
  }

  @Test
  void anUnknownMethod_isForNobody() {
    assertThat(MethodRoles.of("tributary.v1.Inference/Invented")).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "Inference/Generate,        USER OWNER ADMIN",
    "Inference/GetModel,        USER OWNER CONTRIBUTOR AUDITOR ADMIN",
    "Adapters/ListAdapters,     USER OWNER ADMIN",
    "Adapters/UploadVersion,    OWNER ADMIN",
    "Provenance/GetEntries,     AUDITOR ADMIN",
    "Provenance/GetStatement,   CONTRIBUTOR ADMIN",
    "Training/Start,            OWNER ADMIN",
    "Admin/CreateKey,           ADMIN",
  })
  void rows_admitTheRolesOfTheContract(String method, String roles) {
    Audience audience = Objects.requireNonNull(MethodRoles.of("tributary.v1." + method));
    for (Role role : Role.values()) {
      assertThat(audience.admits(role))
          .as(role + " calls " + method)
          .isEqualTo(List.of(roles.split(" ")).contains(role.name()));
    }
  }
}
