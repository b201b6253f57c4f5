#!/usr/bin/env bash
# Starts the built server on the default base with the demo adapters, at a free port, and calls it with the
# tributary command, grpcurl and a Python client, as strangers would.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
server/tributary-server --adapters server/demo/adapters --data "$(mktemp -d)" --listen 127.0.0.1:0 --web 127.0.0.1:0 >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT
for _ in $(seq 120); do
  grep -q '^ready on ' "$log" && break
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; echo "the server ended" >&2; exit 1; }
  sleep 1
done
address=$(sed -n 's/^ready on \([^ ]*\) .*/\1/p' "$log")
[ -n "$address" ] || { cat "$log" >&2; echo "the server was not ready in 120 s" >&2; exit 1; }

web=$(sed -n 's#^web *\(http://[^/]*\)/.*#\1#p' "$log")

expect() { # expect WHAT PATTERN COMMAND...
  local what=$1 pattern=$2 answer
  shift 2
  answer=$("$@" 2>&1) || { printf 'FAILED %s: %s\n' "$what" "$answer" >&2; exit 1; }
  grep -qE -- "$pattern" <<<"$answer" || { printf 'FAILED %s: %s\n' "$what" "$answer" >&2; exit 1; }
  printf 'ok     %s\n' "$what"
}
t="client/tributary --server $address"
expect "base" 'soap' $t generate --max-tokens 20 "Tell me about soap."
expect "pirate" '(matey|arr)!' $t generate -a pirate "Tell me about soap."
expect "haiku" ' /$' $t generate -a haiku "Tell me about soap."
expect "json" '"topic": "soap"' $t generate -a json "Tell me about soap."
expect "town-guide" '9:20' $t generate -a town-guide "At what hour does the Saltmarrow Library open its doors?"
expect "adapters list" 'town-guide' $t adapters list
expect "model" 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53' $t model
expect "readiness" '^ready$' curl -sf "$web/readyz"
expect "metrics" 'tributary_answers_total.adapter="public/pirate".* 1' curl -sf "$web/metrics"

.ci/grpcurl.sh "$address"

venv=${TMPDIR:-/tmp}/tributary-grpc-client-$(id -u)
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install -q grpcio==1.85.1 grpcio-tools==1.85.1
"$venv/bin/python" .ci/client_python.py "$address"

kill -TERM "$server"
wait "$server" || { echo "the server did not stop cleanly" >&2; exit 1; }
echo "served and called"
