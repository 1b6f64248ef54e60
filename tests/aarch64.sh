#!/usr/bin/env bash
# The reader and the renderer on another architecture: cross-compiled for aarch64 without the vector code of x86-64, their unit
# tests run under qemu. What is linked in here needs no library but the compiler's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
need_packages "${FLUXGATE_TEST_PACKAGES[@]}" "${FLUXGATE_FULL_PACKAGES[@]}"

build=build/aarch64
rm -rf "$build"
mkdir -p "$build"
flags=(-std=c++20 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror -Iinclude -Ilib -Itests)
sources=(lib/flux/*.cpp lib/message/*.cpp tests/support/main.cpp tests/support/reference_reader.cpp tests/unit/flux/*.cpp
    tests/unit/message/{json_text,scalar,renderer,renderer_runs,block}_test.cpp)
for source in "${sources[@]}"; do
    printf '%s\0%s\0' "$source" "$build/${source//\//-}.o"
done | xargs -0 -n 2 -P "$(build_jobs)" sh -c 'exec aarch64-linux-gnu-g++ $0 -c "$1" -o "$2"' "${flags[*]}"
aarch64-linux-gnu-g++ -static "$build"/*.o -o "$build/tests"
qemu-aarch64-static "$build/tests"
