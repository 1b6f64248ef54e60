#!/usr/bin/env bash
# The test command. Installs what is missing, builds with warnings as errors, runs the quick tests; then builds with the
# address and undefined behaviour sanitizers and runs the tests that find memory errors. What it does not do (other
# compilers, thread sanitizer, linters) is in tests/full.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

say() { printf '\n== %s\n' "$*"; }
begin=$SECONDS
log=$(mktemp)
trap 'rm -f "$log"' EXIT

need_packages "${FLUXGATE_BUILD_PACKAGES[@]}" "${FLUXGATE_TEST_PACKAGES[@]}"
jobs=$(build_jobs)

# run_tests BUILD_DIR LABELS: keeps ctest's summary line for the end.
failed=0
summaries=()
run_tests() {
    ctest --test-dir "$1" -L "$2" -j2 --output-on-failure --no-tests=error 2>&1 | tee "$log" || failed=1
    summaries+=("$(grep -E '^[0-9]+% tests passed|^No tests' "$log" || echo "ctest printed no summary")")
}

say "release build"
cmake --preset release
cmake --build --preset release -j "$jobs"
say "quick tests"
run_tests build/release '^quick$'

say "build with the address and undefined behaviour sanitizers"
cmake --preset sanitize
cmake --build --preset sanitize -j "$jobs"
say "tests under the sanitizers"
run_tests build/sanitize '^(unit|faults|corpus|abi|sanitized)$'

say "total time: $((SECONDS - begin)) s"
echo "quick:    ${summaries[0]}"
echo "sanitize: ${summaries[1]}"
exit "$failed"
