#!/usr/bin/env python3
"""Asks for answers from many callers at once, and replays them later, after swaps and restarts.

usage: replays.py ask HOST:PORT N FILE       N answers, random adapters, scales, temperatures, lengths; some cancelled.
                                             Writes their generation ids to FILE.
       replays.py replay HOST:PORT FILE      unloads and loads adapters meanwhile; exit code 0: all are IDENTICAL.

Needs grpcio and grpcio-tools; the server has the demo adapters.
"""
import concurrent.futures, pathlib, random, sys, tempfile, time

import grpc

from client_python import stubs

ADAPTERS = ["haiku", "json", "pirate", "town-guide"]
QUESTIONS = ["Tell me about soap.", "At what hour does the Saltmarrow Library open its doors?", "Write a story about a river.",
             "What is the capital of France?", "Name three colours.", "How do clouds form?"]


def ask(inference, pb, rng):
    """One answer; returns its generation id."""
    request = pb.GenerateRequest()
    request.chat.messages.add(role="user", content=rng.choice(QUESTIONS) + " " * rng.randrange(2) + str(rng.randrange(100)))
    for name in rng.sample(ADAPTERS, rng.choice([0, 1, 1, 1, 2])):
        selector = request.adapters.add(name=name)
        if rng.random() < 0.3:
            selector.scale = rng.choice([0.5, 1.5])
    request.sampling.max_tokens = rng.randrange(8, 96)
    request.sampling.temperature = rng.choice([0, 0.7, 1.0])
    request.sampling.seed = rng.getrandbits(63)
    request.repeatable = rng.random() < 0.1
    if rng.random() < 0.3:
        request.output.logprobs = rng.randrange(1, 4)
    cancel_after = rng.randrange(2, 8) if rng.random() < 0.15 else None
    call, generation, events = inference.Generate(request, timeout=300), None, 0
    try:
        for event in call:
            generation = generation or event.started.generation_id
            events += 1
            if events == cancel_after:
                call.cancel()
    except grpc.RpcError as e:
        assert e.code() == grpc.StatusCode.CANCELLED, e
    return generation


def replay(inference, pb, generation):
    """What the server says of it: a name of ReplayResult.Outcome; it takes four at a time."""
    while True:
        try:
            *_, last = inference.Replay(pb.ReplayRequest(generation_id=generation), timeout=300)
            return pb.ReplayResult.Outcome.Name(last.finished.replay.outcome).removeprefix("OUTCOME_")
        except grpc.RpcError as e:
            if e.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            time.sleep(0.2)


def main(what, address, *rest):
    with tempfile.TemporaryDirectory() as directory:
        modules = stubs(directory)
        channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(channel).result(timeout=60)
        inference, pb = modules["inference_pb2_grpc"].InferenceStub(channel), modules["inference_pb2"]
        if what == "ask":
            rng = random.Random(int(rest[0]))
            seeds = [rng.getrandbits(32) for _ in range(int(rest[0]))]
            with concurrent.futures.ThreadPoolExecutor(32) as pool:
                ids = list(pool.map(lambda seed: ask(inference, pb, random.Random(seed)), seeds))
            pathlib.Path(rest[1]).write_text("\n".join(ids) + "\n")
            print(f"{len(ids)} answers")
            return 0
        ids = pathlib.Path(rest[0]).read_text().split()
        adapters, adapters_pb = modules["adapters_pb2_grpc"].AdaptersStub(channel), modules["adapters_pb2"]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            outcomes = [pool.submit(replay, inference, pb, each) for each in ids]
            for name in ADAPTERS * 2:
                adapters.Unload(adapters_pb.UnloadRequest(adapter=modules["common_pb2"].AdapterSelector(name=name)), timeout=60)
            found = [outcome.result() for outcome in outcomes]
        for outcome in sorted(set(found)):
            print(f"{found.count(outcome)} {outcome}")
        return 0 if set(found) == {"IDENTICAL"} else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
