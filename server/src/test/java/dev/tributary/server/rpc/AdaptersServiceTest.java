package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.BadRequest;
import com.google.rpc.ResourceInfo;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Alias;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListAdaptersResponse;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.Tier;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// GetAdapter, ListAdapters and ListVersions, through a channel.
@Timeout(60)
class AdaptersServiceTest {
  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private Adapter get(String name) {
    return fixture
        .adapterService()
        .getAdapter(GetAdapterRequest.newBuilder().setName(name).build());
  }

  private ListAdaptersResponse list(int size, String token) {
    return fixture
        .adapterService()
        .listAdapters(
            ListAdaptersRequest.newBuilder().setPageSize(size).setPageToken(token).build());
  }

  @Test
  void getAdapter_tellsItsVersion() {
    Adapter adapter = get("loud");

    assertThat(adapter).isEqualTo(get("public/loud"));
    assertThat(adapter.getName()).isEqualTo("public/loud");
    assertThat(adapter.getVersionCount()).isEqualTo(1);
    assertThat(adapter.getAliases(0).getName()).isEqualTo("prod");
    assertThat(adapter.getAliases(0).getTargetsList())
        .extracting(Alias.Target::getNumber)
        .containsExactly(1);
    AdapterVersion version = adapter.getProdVersion();
    assertThat(version.getState()).isEqualTo(AdapterVersion.State.STATE_READY);
    assertThat(version.getDigest()).matches("sha256:[0-9a-f]{64}");
    assertThat(version.getBaseDigest()).isEqualTo(TinyAdapters.BASE_DIGEST);
    assertThat(version.getRank()).isEqualTo(1);
    assertThat(version.getTargetModulesList()).containsExactly("q_proj");
    assertThat(version.getParameters()).isEqualTo(32);
    assertThat(version.getTier()).isEqualTo(Tier.TIER_DISK);
  }

  @Test
  void getAdapter_ofARefusedOne_saysWhy() {
    fixture.adapters.write("foreign", 3, "other/base", "");

    AdapterVersion version = get("foreign").getProdVersion();

    assertThat(version.getState()).isEqualTo(AdapterVersion.State.STATE_QUARANTINED);
    assertThat(version.getStateReason()).contains("other/base");
  }

  @Test
  void getAdapter_unknownOrAnothers_isNotFound() {
    assertThat(
            detail(refused(Status.Code.NOT_FOUND, () -> get("nobody")), ResourceInfo.class)
                .getResourceName())
        .isEqualTo("nobody");
    refused(Status.Code.NOT_FOUND, () -> get("acme/loud"));
    refused(Status.Code.INVALID_ARGUMENT, () -> get(""));
  }

  @Test
  void listAdapters_page_byPage_givesEachOnce() {
    for (int i = 0; i < 5; i++) {
      fixture.adapters.write("more-" + i, 10 + i);
    }
    List<String> names = new ArrayList<>();
    String token = "";
    int pages = 0;
    do {
      ListAdaptersResponse page = list(3, token);
      page.getAdaptersList().forEach(adapter -> names.add(adapter.getName()));
      token = page.getNextPageToken();
      pages++;
    } while (!token.isEmpty());

    assertThat(pages).isEqualTo(3);
    assertThat(names)
        .containsExactly(
            "public/loud",
            "public/louder",
            "public/more-0",
            "public/more-1",
            "public/more-2",
            "public/more-3",
            "public/more-4");
    assertThat(list(7, "").getNextPageToken()).as("no empty last page").isEmpty();
    assertThat(list(0, "").getAdaptersCount()).isEqualTo(7);
  }

  @Test
  void listAdapters_badPages_areInvalid() {
    String token = list(1, "").getNextPageToken();

    for (ListAdaptersRequest request :
        List.of(
            ListAdaptersRequest.newBuilder().setPageSize(-1).build(),
            ListAdaptersRequest.newBuilder().setPageSize(1_001).build(),
            ListAdaptersRequest.newBuilder().setPageToken("?").build(),
            ListAdaptersRequest.newBuilder().setPageToken("AAAA").build(),
            ListAdaptersRequest.newBuilder().setTenant("public").setPageToken(token).build())) {
      BadRequest details =
          detail(
              refused(
                  Status.Code.INVALID_ARGUMENT,
                  () -> fixture.adapterService().listAdapters(request)),
              BadRequest.class);
      assertThat(details.getFieldViolations(0).getField()).startsWith("page_");
    }
    refused(
        Status.Code.NOT_FOUND,
        () ->
            fixture
                .adapterService()
                .listAdapters(ListAdaptersRequest.newBuilder().setTenant("acme").build()));
  }

  @Test
  void listVersions_isTheOneInTheFolder() {
    var versions =
        fixture
            .adapterService()
            .listVersions(ListVersionsRequest.newBuilder().setAdapter("loud").build());

    assertThat(versions.getVersionsList()).containsExactly(get("loud").getProdVersion());
    assertThat(versions.getNextPageToken()).isEmpty();
  }
}
