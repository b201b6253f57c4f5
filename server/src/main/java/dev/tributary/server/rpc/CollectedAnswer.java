package dev.tributary.server.rpc;

import dev.tributary.v1.Delta;
import dev.tributary.v1.Finished;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateResponse;

/// The events of a generation, put together; max_tokens bounds them.
final class CollectedAnswer {
  private final GenerateResponse.Builder response = GenerateResponse.newBuilder();
  private final StringBuilder text = new StringBuilder();

  void add(GenerateEvent event) {
    switch (event.getEventCase()) {
      case STARTED -> response.setStarted(event.getStarted());
      case DELTA -> {
        Delta delta = event.getDelta();
        text.append(delta.getText());
        response.addAllTokenIds(delta.getTokenIdsList()).addAllLogprobs(delta.getLogprobsList());
      }
      case FINISHED -> {
        Finished finished = event.getFinished();
        response
            .setReason(finished.getReason())
            .setUsage(finished.getUsage())
            .setTimings(finished.getTimings())
            .setReceipt(finished.getReceipt());
      }
      case EVENT_NOT_SET -> throw new IllegalArgumentException("an event without content");
    }
  }

  GenerateResponse response() {
    return response.setText(text.toString()).build();
  }
}
