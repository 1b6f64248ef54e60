#!/usr/bin/env bash
# What a newcomer does: clones the repository into another folder and runs the quick start, without a terminal and with an
# empty home directory; then a smoke run of the program that this built. Only committed files take part.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home"

fail() {
    echo "fresh clone: $*" >&2
    exit 1
}

git clone -q --no-hardlinks "$repository" "$work/clone"
cd "$work/clone"
# A compiler cache outside of the home directory is used when there is one; it only saves time.
cache=${CCACHE_DIR:-${HOME:+$HOME/.cache/ccache}}
clean() { env -i PATH="$PATH" HOME="$work/home" LANG=C.UTF-8 ${cache:+CCACHE_DIR="$cache"} "$@"; }

clean examples/quickstart.sh </dev/null >"$work/quickstart.log" 2>&1 || { tail -n 60 "$work/quickstart.log"; fail "the quick start failed"; }
tail -n 25 "$work/quickstart.log"
[ -z "$(git status --porcelain)" ] || { git status --short; fail "the quick start left files that git does not ignore"; }
[ -z "$(find "$work/home" -type f)" ] || { find "$work/home" -type f; fail "the quick start wrote into the home directory"; }

runner=build/release/bin/fluxgate
clean "$runner" --version || fail "the runner does not start"
clean "$runner" stages >"$work/stages" && grep -q 'input/influxdbv2@v1' "$work/stages" || fail "the runner does not find its stages"
clean "$runner" validate examples/pipelines/plant-to-files.json || fail "a document of ours is not valid"
echo "fresh clone: passed in $SECONDS s"
