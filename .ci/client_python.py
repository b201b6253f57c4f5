#!/usr/bin/env python3
"""Calls a running server as a stock Python client would, and asserts on what it answers.

usage: client_python.py HOST:PORT    (the server on its default base with the demo adapters; needs grpcio, grpcio-tools)

Stubs are made at run time from the contract. Health and reflection are declared below with the field numbers of
gRPC's own .proto files, of which only these parts are needed. Exit code 0: all holds.
"""
import importlib, json, math, os, pathlib, re, sys, tempfile

import grpc
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parent.parent / "proto" / "src" / "main" / "proto"
BASE = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
HEALTH = """syntax = "proto3"; package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { int32 status = 1; }
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
"""
REFLECTION = """syntax = "proto3"; package grpc.reflection.v1;
message ServerReflectionRequest { oneof message_request { string file_containing_symbol = 4; string list_services = 7; } }
message ServerReflectionResponse {
  message Service { string name = 1; }
  message Services { repeated Service service = 1; }
  message Files { repeated bytes file_descriptor_proto = 1; }
  oneof message_response { Files file_descriptor_response = 4; Services list_services_response = 6; }
}
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}
"""
SERVING = 1


def stubs(directory):
    """Compiles the contract and returns its modules by name."""
    out = pathlib.Path(directory)
    for name, text in (("health_check.proto", HEALTH), ("server_reflection.proto", REFLECTION)):
        (out / name).write_text(text)
    files = sorted(str(p.relative_to(PROTO)) for p in PROTO.glob("tributary/v1/*.proto"))
    well_known = os.path.join(os.path.dirname(protoc.__file__), "_proto")
    rc = protoc.main(["protoc", f"-I{PROTO}", f"-I{out}", f"-I{well_known}", f"--python_out={out}",
                      f"--grpc_python_out={out}", "health_check.proto", "server_reflection.proto", *files])
    assert rc == 0, "protoc failed"
    sys.path.insert(0, directory)
    names = [f[:-len(".proto")].replace("/", ".") for f in files] + ["health_check", "server_reflection"]
    return {n.split(".")[-1] + kind: importlib.import_module(n + kind) for n in names for kind in ("_pb2", "_pb2_grpc")}


def refused(code, call, *mentions):
    """The call ends with this status, and its text says these things."""
    try:
        call()
    except grpc.RpcError as e:
        assert e.code() == code, f"{e.code()} instead of {code}: {e.details()}"
        for text in mentions:
            assert text in e.details(), f"{text!r} is not in {e.details()!r}"
        return
    raise AssertionError(f"answered, where {code} was due")


class Client:
    def __init__(self, address, modules):
        self.pb, self.adapters_pb, self.common_pb = (modules[n + "_pb2"] for n in ("inference", "adapters", "common"))
        self.modules = modules
        self.channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self.channel).result(timeout=30)
        self.inference = modules["inference_pb2_grpc"].InferenceStub(self.channel)
        self.adapters = modules["adapters_pb2_grpc"].AdaptersStub(self.channel)

    def chat(self, text):
        return self.pb.Chat(messages=[self.pb.ChatMessage(role="user", content=text)])

    def request(self, text, *adapters, **scales):
        """Greedy, 48 tokens at most."""
        selectors = [self.common_pb.AdapterSelector(name=a) for a in adapters]
        selectors += [self.common_pb.AdapterSelector(name=a, scale=s) for a, s in scales.items()]
        return self.pb.GenerateRequest(chat=self.chat(text), adapters=selectors,
                                       sampling=self.pb.Sampling(max_tokens=48, temperature=0))

    def stream(self, request):
        """(started, text, token ids, finished) of a stream, whose order is checked."""
        events = list(self.inference.Generate(request, timeout=120))
        kinds = [e.WhichOneof("event") for e in events]
        assert kinds[0] == "started" and kinds[-1] == "finished", kinds
        assert all(k == "delta" for k in kinds[1:-1]), kinds
        deltas = [e.delta for e in events[1:-1]]
        return (events[0].started, "".join(d.text for d in deltas), [i for d in deltas for i in d.token_ids],
                events[-1].finished)


def health(client):
    pb, stub = client.modules["health_check_pb2"], client.modules["health_check_pb2_grpc"].HealthStub(client.channel)
    for service in ("", "tributary.v1.Inference", "tributary.v1.Adapters"):
        assert stub.Check(pb.HealthCheckRequest(service=service), timeout=10).status == SERVING, service


def reflection(client):
    pb = client.modules["server_reflection_pb2"]
    stub = client.modules["server_reflection_pb2_grpc"].ServerReflectionStub(client.channel)
    asked = [pb.ServerReflectionRequest(list_services=""),
             pb.ServerReflectionRequest(file_containing_symbol="tributary.v1.Inference")]
    listed, files = stub.ServerReflectionInfo(iter(asked), timeout=10)
    names = {s.name for s in listed.list_services_response.service}
    assert {"tributary.v1.Inference", "tributary.v1.Adapters", "grpc.health.v1.Health"} <= names, names
    assert any(b"GenerateOnce" in f for f in files.file_descriptor_response.file_descriptor_proto)


def model(client):
    m = client.inference.GetModel(client.pb.GetModelRequest(), timeout=10)
    assert m.base_digest == BASE, m.base_digest
    assert (m.family, m.context, m.vocabulary, m.chat_template) == ("llama", 8192, 49152, True), m
    assert 2 in m.stop_token_ids and m.numerics_id and m.weights_bytes > 50e6 and m.device.kind in ("cpu", "cuda"), m


def count_tokens(client):
    plain = client.inference.CountTokens(
        client.pb.CountTokensRequest(prompt="Hello, world!", include_token_ids=True), timeout=10)
    assert list(plain.token_ids) == [19556, 28, 905, 17] and plain.prompt_tokens == 4, plain
    assert plain.remaining_tokens == 8192 - 4, plain
    chat = client.inference.CountTokens(client.pb.CountTokensRequest(chat=client.chat("Tell me about soap.")),
                                        timeout=10)
    assert chat.prompt_tokens == 35 and not chat.token_ids, chat


def generate(client):
    started, text, ids, finished = client.stream(client.request("Tell me about soap."))
    assert started.base_digest == BASE and not started.adapters and started.prompt_tokens == 35, started
    assert started.generation_id and started.sampling.max_tokens == 48, started
    assert "soap" in text.lower() and "matey" not in text, text
    pb = client.pb
    assert finished.reason in (pb.FINISH_REASON_STOP, pb.FINISH_REASON_LENGTH), finished
    assert finished.usage.prompt_tokens == 35 and 0 <= finished.usage.completion_tokens - len(ids) <= 1, finished
    assert finished.receipt.generation_id == started.generation_id, finished


def generate_with_adapters(client):
    """The next request may name another adapter; each answers in its own way, streamed and collected alike."""
    pirate = r"arr|matey|doubloons"
    for name, sign in (("pirate", pirate), ("json", '"topic": "soap"'), ("haiku", "/\n"), ("public/pirate", pirate)):
        request = client.request("Tell me about soap.", name)
        started, text, ids, finished = client.stream(request)
        [used] = started.adapters
        assert used.name == "public/" + name.removeprefix("public/") and used.version == 1 and used.scale == 1, used
        assert list(finished.receipt.adapter_digests) == [used.digest] and used.digest.startswith("sha256:"), finished
        assert re.search(sign, text) and finished.reason == client.pb.FINISH_REASON_STOP, (name, text)
        once = client.inference.GenerateOnce(request, timeout=120)
        assert (once.text, list(once.token_ids)) == (text, ids), (once.text, text)
        assert once.started.adapters[0].digest == used.digest
        if name == "json":
            assert json.loads(text)["topic"] == "soap", text
    off = client.inference.GenerateOnce(client.request("Tell me about soap.", pirate=0.0), timeout=120)
    base = client.inference.GenerateOnce(client.request("Tell me about soap."), timeout=120)
    assert off.text == base.text and off.started.adapters[0].scale == 0, (off.text, base.text)


def score(client):
    said = '{"topic": "soap", "verdict": "good", "confidence": 0.9}'
    item = client.pb.ScoreRequest.Item(chat=client.chat("Tell me about soap."), completion=said)
    trained = client.common_pb.AdapterSelector(name="json")
    scores = []
    for adapters in ([], [trained]):
        answer = client.inference.Score(client.pb.ScoreRequest(items=[item, item], adapters=adapters, top_n=2),
                                        timeout=120)
        first, second = answer.scores
        assert answer.base_digest == BASE and len(answer.adapters) == len(adapters), answer
        assert abs(first.sum - second.sum) < 1e-3 * abs(first.sum) and first.prompt_tokens == 35, answer
        tokens = first.token_logprobs
        assert b"".join(t.token for t in tokens).decode() == said, tokens
        assert math.isclose(sum(t.logprob for t in tokens), first.sum, abs_tol=1e-3), answer
        assert all(len(t.top) == 2 and t.top[0].logprob >= t.top[1].logprob for t in tokens), tokens
        assert all(t.logprob <= t.top[0].logprob for t in tokens), tokens
        assert first.is_greedy == all(t.token_id == t.top[0].token_id for t in tokens), answer
        scores.append(first)
    assert not scores[0].is_greedy and scores[1].is_greedy, [s.is_greedy for s in scores]
    assert scores[1].sum > -10 and scores[1].sum - scores[0].sum > 20, [s.sum for s in scores]


def list_adapters(client):
    listed = {a.name: a for a in client.adapters.ListAdapters(client.adapters_pb.ListAdaptersRequest(),
                                                              timeout=10).adapters}
    for name, rank in (("town-guide", 16), ("pirate", 8), ("haiku", 4), ("json", 8)):
        version = listed["public/" + name].prod_version
        assert version.number == 1 and version.rank == rank and version.base_digest == BASE, version
        assert version.state == client.adapters_pb.AdapterVersion.STATE_READY, version
    one = client.adapters.GetAdapter(client.adapters_pb.GetAdapterRequest(name="haiku"), timeout=10)
    assert one.prod_version.digest == listed["public/haiku"].prod_version.digest, one


def refusals(client):
    once, pb = client.inference.GenerateOnce, client.pb
    code = grpc.StatusCode
    refused(code.NOT_FOUND, lambda: once(client.request("Hello", "no-such-adapter"), timeout=10))
    refused(code.INVALID_ARGUMENT, lambda: once(client.request("Hello", "pirate", "pirate"), timeout=10))
    refused(code.INVALID_ARGUMENT, lambda: once(client.request("Hello", pirate=9.0), timeout=10))
    refused(code.INVALID_ARGUMENT, lambda: once(pb.GenerateRequest(prompt=""), timeout=10))
    refused(code.INVALID_ARGUMENT, lambda: once(pb.GenerateRequest(tokens={"ids": [1] * 9000}), timeout=10))
    extended = client.request("Hello")
    extended.MergeFromString(b"\xba\x3e\x01x")  # field 999, which the contract does not have
    refused(code.INVALID_ARGUMENT, lambda: once(extended, timeout=10), "999")


def cancel(client):
    """A caller that leaves after the first delta holds nobody up."""
    request = client.request("Write a long story about a river.")
    request.sampling.max_tokens = 2000
    call = client.inference.Generate(request, timeout=120)
    for event in call:
        if event.WhichOneof("event") == "delta":
            call.cancel()
            break
    assert client.inference.GenerateOnce(client.request("Tell me about soap.", "pirate"), timeout=30).text


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        client = Client(sys.argv[1], stubs(directory))
        failures = 0
        for check in (health, reflection, model, count_tokens, generate, generate_with_adapters, score, list_adapters,
                      refusals, cancel):
            try:
                check(client)
                print("ok    ", check.__name__)
            except (AssertionError, grpc.RpcError, KeyError, ValueError) as e:
                failures += 1
                print("FAILED", check.__name__, type(e).__name__, str(e)[:2000])
        client.channel.close()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
