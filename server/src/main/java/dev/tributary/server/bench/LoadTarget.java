package dev.tributary.server.bench;

import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListAdaptersResponse;
import io.grpc.Channel;
import java.util.ArrayList;
import java.util.List;

/// What a server that is called offers.
final class LoadTarget {
  private static final int PAGE = 1_000;

  private LoadTarget() {}

  /// Names of the first `count` adapters that can be used; fewer are an error.
  static List<String> adapters(Channel channel, int count) {
    List<String> names = new ArrayList<>();
    String page = "";
    do {
      ListAdaptersResponse response =
          AdaptersGrpc.newBlockingStub(channel)
              .listAdapters(
                  ListAdaptersRequest.newBuilder().setPageSize(PAGE).setPageToken(page).build());
      for (Adapter adapter : response.getAdaptersList()) {
        if (adapter.getProdVersion().getState() == AdapterVersion.State.STATE_READY
            && names.size() < count) {
          names.add(adapter.getName());
        }
      }
      page = response.getNextPageToken();
    } while (!page.isEmpty() && names.size() < count);
    if (names.size() < count) {
      throw new IllegalArgumentException(
          "--adapters "
              + count
              + ": the server has "
              + names.size()
              + " that can be used; `bench adapters` writes some");
    }
    return names;
  }
}
