#!/usr/bin/env bash
# What tests/run.sh leaves out: thread sanitizer, clang++, clang-tidy, aarch64, the status page in a browser and the format of the code. Goes on after a failure and
# lists all of them at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

need_packages "${FLUXGATE_BUILD_PACKAGES[@]}" "${FLUXGATE_TEST_PACKAGES[@]}" "${FLUXGATE_FULL_PACKAGES[@]}"
jobs=$(build_jobs)
failures=()
step() { # NAME COMMAND...
    local name=$1 begin=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    "$@" || failures+=("$name")
    echo "-- $name: $((SECONDS - begin)) s"
}

build_and_test() { # PRESET LABELS
    cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" && ctest --test-dir "build/$1" -L "$2" -j2 --output-on-failure --no-tests=error
}

own_files() { # EXTENSION... : files of the project, committed or not
    local patterns=() extension
    for extension in "$@"; do patterns+=("*.$extension"); done
    git ls-files -z --cached --others --exclude-standard -- "${patterns[@]}"
}

check_format() {
    own_files c h cpp hpp | xargs -0 clang-format-14 --dry-run --Werror
}

# Against the clang build's compile commands; files that it does not compile (consumers of the installed package) are left out.
tidy() {
    own_files c cpp | while IFS= read -r -d '' file; do
        if grep -qF "\"$PWD/$file\"" build/clang/compile_commands.json; then printf '%s\0' "$file"; fi
    done | xargs -0 -r -n 1 -P2 clang-tidy-14 -p build/clang --quiet
}

# In Chromium; screenshots are left in build/clang/tests/status_page.
status_page() {
    ctest --test-dir build/clang -R '^integration_status_page$' --output-on-failure --no-tests=error
}

step "format" check_format
step "clang++ build and tests" build_and_test clang '^quick$'
step "status page" status_page
step "clang-tidy" tidy
step "aarch64" tests/aarch64.sh
step "thread sanitizer" build_and_test thread '^(unit|faults|abi)$'

echo
if [ ${#failures[@]} -gt 0 ]; then
    printf 'failed: %s\n' "${failures[@]}"
    exit 1
fi
echo "all passed in $SECONDS s"
