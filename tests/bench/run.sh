#!/usr/bin/env bash
# The whole benchmark in one command: builds the release preset and the official clients' loops, compares answers, measures, and
# writes tests/bench/results.md and tests/bench/plots. With options (see --help, and README.md beside this) it measures less, and
# writes into build/bench/report instead. Needs a machine that does nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
need_packages "${FLUXGATE_BUILD_PACKAGES[@]}" "${FLUXGATE_TEST_PACKAGES[@]}" "${FLUXGATE_BENCH_PACKAGES[@]}"
for tool in "${FLUXGATE_RIVAL_TOOLS[@]}"; do
    command -v "${tool%%=*}" >/dev/null || need_packages "${tool#*=}" || echo "${tool%%=*} is missing: the report will say who is left out" >&2
done
cmake --preset release >/dev/null
cmake --build --preset release -j "$(build_jobs)" --target bench | tail -n 1
python=/usr/bin/python3 # Debian's, which has matplotlib
[ -x "$python" ] || python=python3
export PYTHONDONTWRITEBYTECODE=1
exec "$python" tests/bench/bench.py "$@"
