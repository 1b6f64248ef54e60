#!/usr/bin/env bash
# The benchmark: builds the release preset and times the source beside its floor and a plain loop, in one interleaved run.
# Options go to the program: --rows N --tables N --rounds N --shape grouped|ungrouped|quoted
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
need_packages "${FLUXGATE_BUILD_PACKAGES[@]}" "${FLUXGATE_TEST_PACKAGES[@]}"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(build_jobs)" --target bench_source bin/fluxgate-sample-server >/dev/null
uname -srm
g++ --version | head -n 1
grep -m1 'model name' /proc/cpuinfo || true
exec build/release/bench/bench_source "$@"
