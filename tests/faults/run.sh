#!/usr/bin/env bash
# The faults, one command: builds the release preset, injects every fault (the long form: about 100,000) and prints the table of
# tests/faults/README.md. --short injects a few hundred, as tests/run.sh does; FLUXGATE_SEED replays a run.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
need_packages "${FLUXGATE_BUILD_PACKAGES[@]}" "${FLUXGATE_TEST_PACKAGES[@]}"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(build_jobs)" --target fault_matrix stage_influxdb >/dev/null
if [ "${1:-}" = --short ]; then
    exec build/release/tests/fault_matrix --short --markdown
fi
exec build/release/tests/fault_matrix --long --count 200 --markdown
