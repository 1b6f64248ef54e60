#!/usr/bin/env bash
# Fuzzes: tests/fuzz/run.sh [--update] [SECONDS_PER_TARGET] [TARGET...] (default: 60 seconds each, every target). Seconds are
# processor time, so that a busy machine makes it take longer and not do less. Builds the preset `fuzz`, runs one target after
# the other on one core, and ends with a table. What is found is named with its file; replay it with the same program. New inputs stay in the build folder; --update adds to the committed ones what covers more.
# FLUXGATE_FUZZ_BUILD names another build folder than build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."

max_files=60
max_bytes=200000

update=0
seconds=60
targets=()
for argument in "$@"; do
    case $argument in
    --update) update=1 ;;
    *[!0-9]*) targets+=("$argument") ;;
    *) seconds=$argument ;;
    esac
done
if [ ${#targets[@]} -eq 0 ]; then targets=(reader message routing gzip response settings pipeline jsonpath texts incremental); fi

build=${FLUXGATE_FUZZ_BUILD:-build/fuzz}
cmake --preset fuzz -B "$build" >/dev/null
nice cmake --build "$build" -j "$(nproc)" --target "${targets[@]/#/fuzz_}"
runs=$build/fuzz/run
mkdir -p "$runs"
# libjq leaks in expressions that do not compile; a fuzzer would end at the first one.
export ASAN_OPTIONS=detect_leaks=0
TIMEFORMAT='%0U %0S'

fuzz() { # TARGET ARGUMENT...
    local target=$1
    shift
    local options=(-timeout=30 -rss_limit_mb=3000 -artifact_prefix="$runs/$target-")
    if [ -e "tests/fuzz/dict/$target.dict" ]; then options+=(-dict="tests/fuzz/dict/$target.dict"); fi
    nice -n 15 "$build/fuzz/fuzz_$target" "${options[@]}" "$@"
}

# Adds the smallest new inputs that cover more, within the bounds of the committed folder.
add_new_inputs() { # TARGET
    local target=$1 folder=tests/fuzz/corpus/$1 merged size
    merged=$(mktemp -d)
    cp "$folder"/* "$merged"
    fuzz "$target" -merge=1 "$merged" "$runs/$target" >/dev/null 2>&1
    while read -r size file; do
        [ "$(find "$folder" -type f | wc -l)" -lt $max_files ] || break
        [ $(($(cat "$folder"/* | wc -c) + size)) -le $max_bytes ] || break
        [ -e "$folder/${file##*/}" ] || cp "$file" "$folder/${file##*/}"
    done < <(find "$merged" -type f -printf '%s %p\n' | sort -n)
    rm -r "$merged"
}

failed=()
table=$(printf '%-11s %12s %8s %10s %s' target executions seconds "executions/s" result)
for target in "${targets[@]}"; do
    mkdir -p "$runs/$target"
    log=$runs/$target.log
    printf '== %s: %s seconds\n' "$target" "$seconds"
    : >"$log"
    result=clean
    spent=0
    while [ $result = clean ] && [ "$spent" -lt "$seconds" ]; do
        { time fuzz "$target" -max_total_time=$((seconds - spent)) -max_len=4096 -print_final_stats=1 "$runs/$target" \
            "tests/fuzz/corpus/$target" >>"$log" 2>&1 || result=found; } 2>"$runs/$target.time"
        read -r user system <"$runs/$target.time"
        spent=$((spent + user + system + 1))
    done
    executions=$(awk '/^stat::number_of_executed_units:/ { sum += $2 } END { print sum + 0 }' "$log")
    if [ $result = found ]; then
        failed+=("$target")
        grep -E -A3 '^BROKEN|^SUMMARY|runtime error|Test unit written' "$log" | head -20 || true
    elif [ $update = 1 ]; then
        add_new_inputs "$target"
    fi
    table+=$(printf '\n%-11s %12s %8s %12s %s' "$target" "${executions:-?}" "$spent" "$((${executions:-0} / (spent > 0 ? spent : 1)))" "$result")
done
printf '\n%s\n' "$table"
[ ${#failed[@]} -eq 0 ]
