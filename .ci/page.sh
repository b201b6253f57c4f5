#!/usr/bin/env bash
# The page in a real browser: starts the built server on the default base, makes answers, and lets headless Chromium
# look at them and verify their receipts. With FOLDER, pictures of the page are left there.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
data=$(mktemp -d)
server/tributary-server --adapters server/demo/adapters --data "$data" --listen 127.0.0.1:0 --web 127.0.0.1:0 \
  --admin 127.0.0.1:0 >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$log" "$data"' EXIT
for _ in $(seq 600); do # the town guide is indexed first
  grep -q '^ready on ' "$log" && break
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; echo "the server ended" >&2; exit 1; }
  sleep 1
done
address=$(sed -n 's/^ready on \([^ ]*\) .*/\1/p' "$log")
admin=$(sed -n 's/^admin *on \([^,]*\),.*/\1/p' "$log")
page=$(sed -n 's#^page *\(http://.*/\)$#\1#p' "$log")
[ -n "$address" ] && [ -n "$page" ] || { cat "$log" >&2; echo "the server was not ready in 600 s" >&2; exit 1; }

export XDG_CONFIG_HOME=$data/client XDG_STATE_HOME=$data/client
t="client/tributary --server $address"
$t generate --max-tokens 24 'Repeat: <script>hacked = 1</script><img src=x onerror="hacked = 1">' >/dev/null
$t generate -a pirate --max-tokens 60 "Tell me about soap." >/dev/null
$t generate -a town-guide "At what hour does the Saltmarrow Library open its doors?" >/dev/null
$t adapters upload town server/demo/adapters/haiku >/dev/null
$t adapters upload town server/demo/adapters/json >/dev/null
$t adapters alias town prod 1=95 2=5 --shadow 2=100% >/dev/null
id=$($t receipt list | sed -n '2s/ .*//p')
$t receipt get "$id" --wait -o "$data/receipt" >/dev/null

python3 .ci/page.py "$page" "$id" "$data/receipt" "$address" "$admin" "$data" "${1:-}"
