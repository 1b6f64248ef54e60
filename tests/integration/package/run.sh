#!/usr/bin/env bash
# Installs the build into a temporary prefix, and uses it from projects that know nothing but that prefix: one through
# find_package, one through pkg-config. The prefix is moved in between, for an installation must not name itself.
# usage: run.sh CMAKE BUILD_DIR CXX
set -euo pipefail
cmake=$1 build=$2 cxx=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "package: $*" >&2
    exit 1
}

"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log" || { cat "$work/install.log"; fail "cmake --install failed"; }
mv "$work/first" "$work/moved"
prefix=$work/moved

echo "-- find_package"
"$cmake" -S "$here/consumer" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Release >/dev/null
"$cmake" --build "$work/cmake" >/dev/null
"$work/cmake/consumer" >"$work/types" || fail "the program built with find_package failed"
cat "$work/types"
grep -q '^output/file@v1 ' "$work/types" || fail "the program did not list output/file@v1"

echo "-- pkg-config"
pc=$(find "$prefix" -name fluxgate.pc)
[ -n "$pc" ] || fail "fluxgate.pc was not installed"
export PKG_CONFIG_PATH=${pc%/*}
# shellcheck disable=SC2046 # the flags are words
"$cxx" -std=c++20 $(pkg-config --cflags fluxgate) "-DSTAGE_DIRECTORY=\"$(pkg-config --variable=stagedir fluxgate)\"" "$here/consumer/main.cpp" \
    -o "$work/consumer" $(pkg-config --libs fluxgate) "-Wl,-rpath,$(pkg-config --variable=libdir fluxgate)"
"$work/consumer" >"$work/types2" || fail "the program built with pkg-config failed"
cmp "$work/types" "$work/types2" || fail "the two programs list different types"

echo "-- installed files"
for pattern in '*/fluxgate/stage.h' '*/fluxgate/schemas/*.json' '*/fluxgate/stages/fluxgate_stage_core.so' '*/fluxgate-config-version.cmake'; do
    [ -n "$(find "$prefix" -path "$pattern")" ] || fail "nothing like $pattern was installed"
done
if grep -rIl -e "$build" -e "$work/first" "$prefix" --include='*.cmake' --include='*.pc'; then
    fail "the files above name the build or the first prefix"
fi
if [ -x "$prefix/bin/fluxgate" ]; then
    "$prefix/bin/fluxgate" stages >"$work/stages" || fail "the installed runner failed"
    grep -q 'output/file@v1' "$work/stages" || { cat "$work/stages"; fail "the installed runner does not find its stages"; }
fi
