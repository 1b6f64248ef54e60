#!/usr/bin/env bash
# The C host prints what the sample server holds, once, and says clearly what is wrong with a bad plugin or document.
# usage: c_host.sh C_HOST PLUGIN SAMPLE_SERVER
set -euo pipefail
c_host=$1 plugin=$2 server=$3
work=$(mktemp -d)
server_pid=
cleanup() {
    [ -z "$server_pid" ] || { kill "$server_pid" && wait "$server_pid"; } 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "c_host: $*" >&2
    cat "$work/err" >&2 || true
    exit 1
}

"$server" --port 0 --port-file "$work/port" --token the-sample-token >/dev/null &
server_pid=$!
for _ in $(seq 100); do
    [ -s "$work/port" ] && break
    kill -0 "$server_pid" || fail "the sample server ended"
    sleep 0.1
done
port=$(cat "$work/port")

document() {
    cat <<JSON
{"type":"input/influxdbv2@v1","displayName":"c","url":"http://127.0.0.1/some/url/path","port":$port,"organization":"test-org","interval":"5s","format":{"type":"json"},
 "query":{"expression":"from(bucket:\"test-bucket\") |> range(start: -5m)"},"authentication":{"type":"accessToken","accessToken":"$1"}}
JSON
}

document C_HOST_TOKEN >"$work/good.json"
C_HOST_TOKEN=the-sample-token "$c_host" --once "$plugin" "$work/good.json" >"$work/out" 2>"$work/err" || fail "a good document failed"
[ -s "$work/out" ] || fail "no message was printed"
read -r first <"$work/out"
[[ $first == '{"systemProperties":'*'"payload":{'* ]] || fail "the first line is no message"
if grep -q the-sample-token "$work/out" "$work/err"; then fail "the token was printed"; fi

# A closed reader ends the run quietly.
C_HOST_TOKEN=the-sample-token "$c_host" --once "$plugin" "$work/good.json" 2>"$work/err" | head -n 1 >"$work/one"
[ "$(wc -l <"$work/one")" = 1 ] || fail "head got no line"

expect() { # CODE TEXT COMMAND...
    local code=$1 text=$2 got=0
    shift 2
    "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = "$code" ] || fail "expected exit $code, got $got: $*"
    grep -q -- "$text" "$work/err" || fail "expected \"$text\": $*"
}
expect 2 usage "$c_host"
expect 2 /no/such.so "$c_host" /no/such.so "$work/good.json"
expect 2 no-such.json "$c_host" "$plugin" "$work/no-such.json"
echo '{"type":"input/influxdbv2@v1"}' >"$work/bad.json"
expect 2 /organization "$c_host" "$plugin" "$work/bad.json"
document C_HOST_NO_SUCH_SECRET >"$work/unresolved.json"
expect 1 C_HOST_NO_SUCH_SECRET "$c_host" --once "$plugin" "$work/unresolved.json"
