package dev.tributary.server.rpc;

import dev.tributary.server.engine.ScoreJob;
import dev.tributary.server.schedule.Priority;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.ScoreResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/// Runs a ScoreRequest: one row per item, all under the same adapters.
final class Scores {
  /// An item as token ids.
  ///
  /// @param from index of the completion's first token
  private record Item(int[] tokens, int from) {}

  private final Serving serving;
  private final EncodingThreads encoding;
  private final Quotas quotas;
  private final Tally tally;

  Scores(Serving serving, EncodingThreads encoding, Quotas quotas, Tally tally) {
    this.serving = serving;
    this.quotas = quotas;
    this.tally = tally;
    this.encoding = encoding;
  }

  ScoreResponse run(ScoreRequest request, Call<?> call) {
    int most = serving.limits().maxScoreItems();
    if (request.getItemsCount() == 0 || request.getItemsCount() > most) {
      throw Statuses.invalid(
          "items", "has " + request.getItemsCount() + " entries, must have 1 to " + most);
    }
    List<AdapterChoice> choices =
        AdapterChoice.read(request.getAdaptersList(), serving.limits().maxAdapters());
    int topN = GenerationReader.checkTop(request.getTopN(), "top_n");
    String tenant = Caller.current().tenant();
    try (TenantUse.Place place = call.await(quotas.enter(tenant))) {
      List<Item> items =
          encoding.run(request.getSerializedSize(), call, () -> read(request.getItemsList()));
      place.reserve(items.stream().mapToLong(item -> item.tokens().length).sum());
      return run(items, choices, topN, request, place, call);
    }
  }

  private ScoreResponse run(
      List<Item> items,
      List<AdapterChoice> choices,
      int topN,
      ScoreRequest request,
      TenantUse.Place place,
      Call<?> call) {
    String tenant = Caller.current().tenant();
    try (Leases leases =
        AdapterChoice.lease(choices, serving.adapters(), tenant, call.id(), call)) {
      ScoreResponse.Builder response =
          ScoreResponse.newBuilder()
              .setBaseDigest(serving.model().baseDigest())
              .addAllAdapters(leases.told());
      List<ScoreJob.Scores> scores = score(items, leases, topN, request, place, call);
      call.record().started(items.stream().mapToInt(item -> item.tokens().length).sum(), 0);
      for (int i = 0; i < items.size(); i++) {
        response.addScores(told(items.get(i), scores.get(i)));
      }
      return response.build();
    }
  }

  private List<Item> read(List<ScoreRequest.Item> items) {
    List<Item> read = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      read.add(read(items.get(i), "items[" + i + "]"));
    }
    return read;
  }

  private Item read(ScoreRequest.Item item, String path) {
    int vocabulary = serving.model().vocabulary();
    Input input = Input.of(item, path);
    int[] completion =
        switch (item.getTargetCase()) {
          case COMPLETION -> serving.tokenizer().encode(item.getCompletion(), false);
          case COMPLETION_TOKENS ->
              Input.ids(item.getCompletionTokens(), path + ".completion_tokens", vocabulary);
          case TARGET_NOT_SET ->
              throw Statuses.invalid(
                  path + ".target", "is missing: set one of completion and completion_tokens");
        };
    if (completion.length == 0) {
      throw Statuses.invalid(path + ".target", "is empty, must have at least one token");
    }
    int[] prompt = input.encode(serving.tokenizer(), vocabulary);
    int length = prompt.length + completion.length;
    if (length > serving.engine().maxSequence()) {
      throw Statuses.invalid(
          path, "has " + length + " tokens, the context takes " + serving.engine().maxSequence());
    }
    int[] tokens = new int[length];
    System.arraycopy(prompt, 0, tokens, 0, prompt.length);
    System.arraycopy(completion, 0, tokens, prompt.length, completion.length);
    return new Item(tokens, prompt.length);
  }

  private List<ScoreJob.Scores> score(
      List<Item> items,
      Leases leases,
      int topN,
      ScoreRequest request,
      TenantUse.Place place,
      Call<?> call) {
    Priority priority = GenerationReader.priority(request.getPriority());
    OptionalLong deadline = call.deadline(serving.clock().getAsLong());
    List<CompletableFuture<ScoreJob.Scores>> asked = new ArrayList<>(items.size());
    try {
      for (Item item : items) {
        asked.add(
            serving
                .engine()
                .score(
                    new ScoreJob(
                        call.id(),
                        Caller.current().tenant(),
                        place.weight(),
                        item.tokens(),
                        item.from(),
                        leases.uses(),
                        topN,
                        deadline,
                        priority,
                        request.getRepeatable())));
      }
      place.taken();
      tally.prompt(items.stream().mapToLong(item -> item.tokens().length).sum(), 0);
      return asked.stream().map(call::await).toList();
    } finally {
      // Frees what still runs if one of them was not taken or failed; else does nothing.
      asked.forEach(one -> one.cancel(false));
    }
  }

  private ScoreResponse.Score told(Item item, ScoreJob.Scores scores) {
    ScoreResponse.Score.Builder told =
        ScoreResponse.Score.newBuilder()
            .setSum(scores.sum())
            .setIsGreedy(scores.greedy())
            .setPromptTokens(item.from());
    scores
        .tokens()
        .forEach(one -> told.addTokenLogprobs(EventWriter.logprob(one, serving.tokenizer())));
    return told.build();
  }
}
