#!/usr/bin/env bash
# From a fresh clone to messages: installs what is missing, builds, starts a sample InfluxDB on this machine, and runs three
# pipelines against it. Works without a terminal; whatever it starts it also ends.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

bold= plain=
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
fail() {
    echo "quickstart: $*" >&2
    exit 1
}

out=quickstart-out
server_pid=
cleanup() {
    [ -n "$server_pid" ] || return 0
    kill "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "Packages"
need_packages "${FLUXGATE_BUILD_PACKAGES[@]}" "${FLUXGATE_TEST_PACKAGES[@]}" || fail "packages are missing (see above)"
echo "All there."

say "Building (the first time takes some minutes)"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(build_jobs)" --target bin/fluxgate bin/fluxgate-sample-server stage_core stage_influxdb
bin=$PWD/build/release/bin

say "Starting a sample InfluxDB"
rm -rf "$out"
mkdir -p "$out"
# What operators keep in a secret store: here a token made up for this run, which only the server and the pipeline know.
AKV_ACCESS_TOKEN="sample-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
export AKV_ACCESS_TOKEN
"$bin/fluxgate-sample-server" --port 0 --port-file "$out/port" --tls "$out/tls" --prefix /some/url/path --token "$AKV_ACCESS_TOKEN" \
    >"$out/server.log" 2>&1 &
server_pid=$!
for _ in $(seq 100); do
    [ -s "$out/port" ] && break
    kill -0 "$server_pid" 2>/dev/null || { cat "$out/server.log" >&2; fail "the sample server did not start"; }
    sleep 0.1
done
[ -s "$out/port" ] || { cat "$out/server.log" >&2; fail "the sample server was not ready within 10 s"; }
port=$(cat "$out/port")
export SSL_CERT_FILE=$PWD/$out/tls/ca.pem
echo "https://localhost:$port/some/url/path, a synthetic plant; its certificate authority is $out/tls/ca.pem."

# Copies of the documents, with the port that the system gave to the server.
for name in original-sample plant-to-files plant-incremental; do
    sed "s/\"port\": 18086/\"port\": $port/" "examples/pipelines/$name.json" >"$out/$name.json"
    grep -q "\"port\": $port" "$out/$name.json" || fail "examples/pipelines/$name.json has no port 18086 to replace"
done

say "The sample document of the original stage, to standard output, once"
echo "fluxgate run $out/original-sample.json --once"
"$bin/fluxgate" run "$out/original-sample.json" --once >"$out/original-sample.jsonl" || fail "the run failed (see above)"
count=$(wc -l <"$out/original-sample.jsonl")
[ "$count" -gt 0 ] || fail "the run delivered no message"
head -n 3 "$out/original-sample.jsonl"
echo "... $count messages in all, in $out/original-sample.jsonl"

say "A pipeline of ours: partitions by machine, four of them, into files"
echo "fluxgate run $out/plant-to-files.json --once"
"$bin/fluxgate" run "$out/plant-to-files.json" --once --id plant || fail "the run failed (see above)"
files=$(find "$out/files" -type f -name '*.jsonl' | sort)
[ -n "$files" ] || fail "the run made no file"
# shellcheck disable=SC2086 # the names have no white space
wc -l $files
first=${files%%$'\n'*}
echo "The first line of $first:"
head -n 1 "$first"

say "Each row once: a source with a cursor, run twice"
once=$out/plant-incremental.json state=$out/state
echo "fluxgate run $once --once --state $state"
"$bin/fluxgate" run "$once" --once --state "$state" >"$out/first.jsonl" || fail "the run failed (see above)"
first=$(wc -l <"$out/first.jsonl")
[ "$first" -gt 0 ] || fail "the first run delivered no message"
head -n 1 "$out/first.jsonl"
echo "... $first messages. The same once more:"
"$bin/fluxgate" run "$once" --once --state "$state" >"$out/second.jsonl" || fail "the second run failed (see above)"
twice=$(grep -oh '"rowId":"[^"]*"' "$out/first.jsonl" "$out/second.jsonl" | sort | uniq -d | wc -l)
[ "$twice" -eq 0 ] || fail "$twice rows came twice"
echo "$(wc -l <"$out/second.jsonl") messages: only rows that are new since, and none twice."
echo "fluxgate cursor show $once --state $state"
"$bin/fluxgate" cursor show "$once" --state "$state" || fail "the cursor cannot be shown"
echo "An hour back, as after a loss behind us; what a run would do then, without doing it:"
echo "fluxgate cursor rewind $once 1h --state $state && fluxgate plan $once --state $state"
"$bin/fluxgate" cursor rewind "$once" 1h --state "$state" || fail "the cursor cannot be rewound"
"$bin/fluxgate" plan "$once" --state "$state" | cut -c -160 || fail "the plan failed (see above)"

say "What to try next"
cat <<TEXT
The sample server of this run ends now. To play on, start one that stays (in another terminal):
  build/release/bin/fluxgate-sample-server --port 18086 --tls $out/tls --prefix /some/url/path --token secret
and then:
  export SSL_CERT_FILE=\$PWD/$out/tls/ca.pem AKV_ACCESS_TOKEN=secret
  build/release/bin/fluxgate run examples/pipelines/original-sample.json --for 10s | head
  build/release/bin/fluxgate validate examples/pipelines/plant-to-files.json
  build/release/bin/fluxgate stages
For a server of your own change url, port, organization and query in a copy of examples/pipelines/original-sample.json,
and put your token into AKV_ACCESS_TOKEN.
TEXT
