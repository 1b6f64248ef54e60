#!/usr/bin/env bash
# Nothing lost, nothing twice, one command: builds the release preset, kills the program 2,000 times while the server, the output
# and the clock of rows make trouble, and prints the tables of tests/faults/README.md. --short: 60 kills, as tests/run.sh does.
# --kills N, --scenario NAME, --round N, --jobs N: see nothing_lost --help. FLUXGATE_SEED draws the same again. Power loss, which
# SIGKILL cannot show, and the full disk are replayed by power_loss.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
need_packages "${FLUXGATE_BUILD_PACKAGES[@]}" "${FLUXGATE_TEST_PACKAGES[@]}"
cmake --preset release >/dev/null
targets=(nothing_lost power_loss fluxgate_runner stage_influxdb stage_core)
power_loss=(--long)
length=(--kills 2000 --jobs 2)
if [ "${1:-}" = --short ]; then
    shift
    length=(--kills 60)
    power_loss=(--short)
fi
cmake --build --preset release -j "$(build_jobs)" --target "${targets[@]}" >/dev/null
failed=0
build/release/tests/nothing_lost "${length[@]}" "$@" || failed=1
if [ $# = 0 ]; then
    build/release/tests/power_loss "${power_loss[@]}" || failed=1
fi
exit "$failed"
