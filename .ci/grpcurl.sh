#!/usr/bin/env bash
# Calls a running server with grpcurl, which knows nothing but what reflection tells it.
# usage: grpcurl.sh HOST:PORT    (needs Go unless grpcurl is on PATH; the server on its default base with the demo adapters)
set -euo pipefail
[ $# -eq 1 ] || { sed -n 3p "$0" >&2; exit 2; }
address=$1

grpcurl=$(command -v grpcurl || true)
if [ -z "$grpcurl" ]; then
  bin="${TMPDIR:-/tmp}/tributary-grpcurl-$(id -u)"
  grpcurl="$bin/grpcurl"
  [ -x "$grpcurl" ] || GOBIN="$bin" go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3
fi

fail() { printf 'FAILED %s\n' "$*" >&2; exit 1; }
has() { # has WHAT TEXT PATTERN
  grep -qE -- "$3" <<<"$2" || fail "$1: no $3 in: $2"
  printf 'ok     %s\n' "$1"
}
call() { "$grpcurl" -plaintext -max-time 120 "$@"; }
refused() { # refused WHAT CODE ARGUMENTS...
  local what=$1 code=$2 answer
  shift 2
  if answer=$(call "$@" 2>&1); then fail "$what: answered, where $code was due: $answer"; fi
  has "$what" "$answer" "Code: $code"
}

services=$(call "$address" list)
for service in tributary.v1.Inference tributary.v1.Adapters grpc.health.v1.Health; do
  has "reflection lists $service" "$services" "^$service\$"
done
has "describe" "$(call "$address" describe tributary.v1.Inference.GenerateOnce)" 'rpc GenerateOnce'
has "GetModel" "$(call "$address" tributary.v1.Inference/GetModel)" '"base_?[dD]igest": "sha256:[0-9a-f]{64}"'
has "ListAdapters" "$(call "$address" tributary.v1.Adapters/ListAdapters)" '"name": "public/town-guide"'

soap='"chat": {"messages": [{"role": "user", "content": "Tell me about soap."}]}, "sampling": {"maxTokens": 48, "temperature": 0}'
answer=$(call -d "{$soap, \"adapters\": [{\"name\": \"pirate\"}]}" "$address" tributary.v1.Inference/GenerateOnce)
has "GenerateOnce names its adapter" "$answer" '"name": "public/pirate"'
has "GenerateOnce answers as it" "$answer" '"text": ".*(arr|matey|doubloons)'
has "Generate streams" "$(call -d "{$soap}" "$address" tributary.v1.Inference/Generate)" '"finished"'
refused "an unknown adapter" NotFound -d "{$soap, \"adapters\": [{\"name\": \"no-such-adapter\"}]}" \
  "$address" tributary.v1.Inference/GenerateOnce
refused "no input" InvalidArgument -d '{}' "$address" tributary.v1.Inference/GenerateOnce
has "health" "$(call "$address" grpc.health.v1.Health/Check)" '"status": "SERVING"'
