#!/usr/bin/env bash
# Starts the built server on the default base with the demo adapters, at a free port, and calls it with the
# tributary command, grpcurl and a Python client, as strangers would.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
data=$(mktemp -d)
server/tributary-server --adapters server/demo/adapters --data "$data" --listen 127.0.0.1:0 --web 127.0.0.1:0 \
  --admin 127.0.0.1:0 >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$log" "$data"' EXIT
for _ in $(seq 600); do # the town guide is indexed first
  grep -q '^ready on ' "$log" && break
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; echo "the server ended" >&2; exit 1; }
  sleep 1
done
address=$(sed -n 's/^ready on \([^ ]*\) .*/\1/p' "$log")
[ -n "$address" ] || { cat "$log" >&2; echo "the server was not ready in 600 s" >&2; exit 1; }

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

expect "checkpoint" '^tributary.invalid/' curl -sf "$web/checkpoint"

# Receipts: of an answer by its id, checked without the server, and given again by it.
export XDG_CONFIG_HOME=$data/client XDG_STATE_HOME=$data/client
expect "receipts" 'unattributed 100%' $t receipt list
id=$($t receipt list --adapter town-guide | sed -n '2s/ .*//p')
expect "receipt" '^shares +harbour-library' $t receipt get "$id" --wait -o "$data/receipt"
expect "receipt verifies" 'the receipt holds' client/tributary receipt verify "$data/receipt"
expect "shares explained" '\[1\] +harbour-library' client/tributary receipt explain "$data/receipt"
expect "words explained" '^\[1: the Saltmarrow Library opens at 9:20' $t receipt explain "$data/receipt" --replay
expect "index" 'is indexed already' $t adapters index town-guide
if told=$($t adapters index pirate 2>&1); then echo "FAILED: what nobody knows the data of is indexed" >&2; exit 1; fi
expect "no index" 'without an index|examples are not known' echo "$told"
sed 's/^index \(.*\)$/index 0/' "$data/receipt" >"$data/forged"
if client/tributary receipt verify "$data/forged" >/dev/null 2>&1; then echo "FAILED: a forged receipt verifies" >&2; exit 1; fi
expect "receipt replays" '^IDENTICAL$' $t receipt replay "$data/receipt"

.ci/grpcurl.sh "$address"

venv=${TMPDIR:-/tmp}/tributary-grpc-client-$(id -u)
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install -q grpcio==1.85.1 grpcio-tools==1.85.1
"$venv/bin/python" .ci/client_python.py "$address"
"$venv/bin/python" .ci/replays.py ask "$address" 12 "$data/asked"
expect "replays beside swaps" '^12 IDENTICAL$' "$venv/bin/python" .ci/replays.py replay "$address" "$data/asked"

expect "upload" 'town@1' $t adapters upload town server/demo/adapters/town-guide
expect "second version" 'town@2' $t adapters upload town server/demo/adapters/pirate
expect "canary and shadow" '1 95%, 2 5% .shadow 2 100%.' $t adapters alias town prod 1=95 2=5 --shadow 2=100%
expect "versions" 'shadow of prod' $t adapters versions town
expect "promote" 'now +2$' $t adapters promote town 2
expect "the promoted answers" '(matey|arr)!' $t generate -a town "Tell me about soap."
expect "rollback" 'now +1$' $t adapters rollback town
expect "pin" '' $t adapters pin town
expect "unload" '' $t adapters unload town

# Training: two steps on a few lines, from the command line to an answer, its receipt, and the same without one of them.
for i in 1 2 3 4 5 6 7 8; do
  printf '{"contributor": "hand-%s", "messages": [{"role": "user", "content": "Who keeps light %s?"}, {"role": "assistant", "content": "Aye, keeper %s keeps it."}]}\n' $((i % 3)) $i $i
done >"$data/few.jsonl"
expect "a line that is no example is named" 'line 2' \
  sh -c "printf '{\"contributor\": \"a\", \"prompt\": \"b\", \"completion\": \"c\"}\nnonsense\n' >$data/bad.jsonl; ! $t train $data/bad.jsonl --name lights"
expect "train" 'lights@1' $t train "$data/few.jsonl" --name lights --rank 2 --batch 4 --max-steps 2
expect "the trained answers" 'lights@1' $t generate -a lights --max-tokens 4 "Who keeps light 3?"
id=$($t receipt list --adapter lights | sed -n '2s/ .*//p')
expect "receipt of the trained" '' $t receipt get "$id" --wait -o "$data/trained"
expect "receipt of the trained verifies" 'the receipt holds' client/tributary receipt verify "$data/trained"
expect "the trained are attributed" '^ridge-v1$|method +ridge-v1' client/tributary receipt explain "$data/trained"
expect "trained here" 'ORIGIN_TRAINED_HERE' $t --json adapters versions lights
expect "runs" 'lights +succeeded +2/2' $t training list
contribution=$(python3 -c "import sqlite3; print(sqlite3.connect('file:$data/state.db?mode=ro', uri=True).execute('SELECT contribution FROM manifests WHERE position = 0 AND digest = (SELECT digest FROM manifests GROUP BY digest ORDER BY COUNT(*) LIMIT 1)').fetchone()[0])")
expect "withdraw" 'is withdrawn' $t contributions withdraw "$contribution" --reason "asked to"
expect "rebuild" '1 withdrawn, left out|lights@2' $t adapters rebuild lights
expect "audit set" 'audit set of lights@2' $t adapters audit-set lights --of 2 --subsets 2 --seeds 1
expect "training metrics" 'tributary_training_runs_ended_total.state="succeeded".* 3' curl -sf "$web/metrics"

admin=$(sed -n 's/^admin *on \([^,]*\),.*/\1/p' "$log")
a="client/tributary admin --admin $admin --admin-key-file $data/admin.key"
expect "tenant" 'acme' $a tenants create acme
expect "key" 'role owner' $a keys create acme --role owner --out "$data/acme.key"
expect "auditor" 'role auditor' $a keys create acme --role auditor --out "$data/auditor.key"
expect "stats" 'device tier' $a stats
if $t generate "Hello." >/dev/null 2>&1; then echo "FAILED: a call without a key was answered" >&2; exit 1; fi
acme="$t --api-key-file $data/acme.key"
expect "own town" 'acme/town@1' $acme adapters upload town server/demo/adapters/json
expect "own answer" '"topic": "soap"' $acme generate -a town "Tell me about soap."
expect "public answer" '9:20' $acme generate -a public/town "At what hour does the Saltmarrow Library open its doors?"

# What a contributor may read with a key of its own.
expect "contributor" 'role contributor' $a keys create public --role contributor --contributor harbour-library --out "$data/library.key"
# Whose data the town guide was trained on is only claimed, so it earns nothing.
expect "statement" '^earned +0' $t --api-key-file "$data/library.key" contributions statement harbour-library

# An answer from before the price costs nothing, so it can go before its hour is settled.
own=$($acme receipt list | sed -n '2s/ .*//p')
expect "price" '0.25 EUR +1.5 EUR +70%' $a prices set EUR --prompt 0.25 --completion 1.5 --contributors 70%
expect "settlement" "^fees +0 EUR" $a settle --yes
expect "settlements" "0 EUR" $a settlements
expect "retention" "retention +30d" $a tenants update acme --retention 30d --yes
expect "erasure" "is erased" $a erase acme "$own" --yes
if $acme receipt get "$own" -o "$data/gone" >/dev/null 2>&1; then echo "FAILED: an erased answer has a receipt" >&2; exit 1; fi

auditor="$t --api-key-file $data/auditor.key"
expect "ledger audit" '' $auditor ledger audit
expect "ledger export" '' $auditor ledger export "$data/export"
expect "exported ledger" '' client/tributary ledger fsck "$data/export"

kill -TERM "$server"
wait "$server" || { echo "the server did not stop cleanly" >&2; exit 1; }
expect "ledger on disk" 'the log is sound' server/tributary-server --data "$data" --check-ledger
echo "served and called"
