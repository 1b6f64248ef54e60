#!/usr/bin/env bash
# Breaks one rule of the code after the other, in a clone, and sees that a test turns red. A mutant that survives is an error.
# With arguments: only the mutants of these numbers. Prints the table that tests/faults/README.md shows.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone -q . "$clone"
cd "$clone"
targets=(fault_matrix test_source_behaviour test_unit_flux test_unit_poll test_unit_http test_unit_influx_stage test_unit_message stage_influxdb)
cmake --preset release >/dev/null
cmake --build --preset release -j "$(build_jobs)" --target "${targets[@]}" >/dev/null

number=0
survivors=0
wanted=" $* "
# mutant "the rule that is broken" FILE PERL-SUBSTITUTION
mutant() {
    number=$((number + 1))
    [ "$wanted" = "  " ] || [[ "$wanted" == *" $number "* ]] || return 0
    cp "$2" "$clone/.original"
    perl -0pi -e "$3" "$2"
    if cmp -s "$2" "$clone/.original"; then
        echo "mutant $number changes nothing in $2: the code has moved on, mend this script" >&2
        exit 1
    fi
    local caught='**nothing**'
    if ! cmake --build --preset release -j "$(build_jobs)" --target "${targets[@]}" >"$clone/.build" 2>&1; then
        if ! grep -q 'warnings being treated as errors' "$clone/.build"; then
            tail -n 20 "$clone/.build" >&2
            exit 1
        fi
        caught='the compiler'
    else
        for test in test_unit_flux test_unit_message test_unit_poll test_unit_influx_stage test_unit_http test_source_behaviour fault_matrix; do
            if ! FLUXGATE_SEED=1 timeout 120 "build/release/tests/$test" >/dev/null 2>&1; then
                caught=$test
                break
            fi
        done
    fi
    [ "$caught" != '**nothing**' ] || survivors=$((survivors + 1))
    echo "| $number | $1 | $caught |"
    cp "$clone/.original" "$2"
    touch "$2"
}

echo '| mutant | rule that is broken | caught by |'
echo '|---:|---|---|'
mutant 'skip the check that the CSV ended completely (streaming)' stages/influxdb/lane.cpp 's/: rows_\.finish\(\);/: std::string{};/'
mutant 'skip the check that the CSV ended completely (verified)' stages/influxdb/lane.cpp 's/\? verification_\.finish\(\)/? std::string{}/'
mutant 'skip the check that HTTP framing and gzip ended completely' stages/influxdb/lane.cpp 's/!client_\.complete\(\) \?/false ?/'
mutant 'hand on the rows of a verified answer while it comes' stages/influxdb/lane.cpp 's/verified\(\) \? static_cast<http::BodySink&>\(verification_\) : rows_/verified() ? static_cast<http::BodySink\&>(rows_) : rows_/'
mutant 'take an error table for rows' lib/flux/reader.cpp 's/state_ = State::error_rows;\s*error_table_ = true;\s*return Event::need_more;/state_ = State::rows; return Event::table;/'
mutant 'take an empty body for a result without tables' lib/flux/reader.cpp 's/if \(offset_ == 0\) return "[^"]*";/if (offset_ == 0) return {};/'
mutant 'do not ask for the blank line at the end' lib/flux/reader.cpp 's/if \(!last_was_blank_\) return/if (false) return/'
mutant 'forget that the body ended inside a row' lib/flux/reader.cpp 's/if \(scanner_\.offset\(\) != 0\) return/if (false) return/'
mutant 'accept rows with another number of fields than the header when there are more' lib/flux/reader.cpp 's/if \(scanner_\.field_count\(\) != count \+ annotation_columns\)/if (scanner_.field_count() < count + annotation_columns)/'
mutant 'ignore what follows a finished gzip member' lib/http/gzip.cpp 's/state_ = State::trailing;\n            return false;/state_ = State::ended; in.avail_in = 0;\n            return false;/'
mutant 'take overload for a bad query' lib/poll/classify.cpp 's/always\{"queue length exceeded"/always{"queue length is exceeded"/'
mutant 'ignore Retry-After' lib/poll/machine.cpp 's/if \(trouble\.retry_after\) delay/if (false) delay/'
mutant 'start the interval anew at once instead of when the result ended' lib/poll/machine.cpp 's/due_ns_ = after\(now_ns, policy_\.interval\);/due_ns_ = now_ns;/'
mutant 'drop a row that is no value of its type without a dead letter' stages/influxdb/rows.cpp 's/dead_letter\(fault_\.code, fault_\.text, row\.raw, false\);\n        return;\n    }\n    add/return;\n    }\n    add/'
mutant 'forget the blocks of all partitions but one when a response ends' stages/influxdb/batcher.cpp 's/while (\(!opened_\.empty\(\)\)\s+leave\(opened_\.front\(\)\);\n}\n\nvoid Batcher::flush_due)/if $1/'
mutant 'remember the partition of another column type' stages/influxdb/router.cpp 's/static_cast<char>\(first_type \+ input\.type\)/first_type/'
mutant 'log every repetition of the same trouble' stages/influxdb/source.cpp 's/if \(last_error_ && same_trouble/if (false && last_error_ && same_trouble/'
mutant 'show an expression less than it reads' stages/influxdb/router.cpp 's/if \(found >= 0\) columns_/if (found >= 0 \&\& columns_.empty()) columns_/'
mutant 'take the rest of a row for that of the row before without comparing' lib/flux/repeat.cpp 's/ \|\| !find::equal\(at, text_ \+ begins_\[field\], rest\)//'
mutant 'take a column for unchanged that changed' lib/flux/repeat.cpp 's/while \(k \+ 1 < count && begins_\[k \+ 1\] <= common\)/while (k + 1 < count \&\& begins_[k + 1] <= common + 1)/'
mutant 'compare with a row whose bytes are gone' lib/flux/reader.cpp 's/repeat_\.forget\(\); \/\/ it may.*//'
mutant 'copy the text of columns that changed' lib/message/renderer_runs.cpp 's/runs\.known && row\.same_before >= runs\.before && row\.same_from <= runs\.from/runs.known/'
mutant 'copy the text of a row that was not the one before' lib/message/renderer_runs.cpp 's/if \(!follows\) runs/if (false && !follows) runs/'
mutant 'take the partition of the row before though the expression reads a column that changed' stages/influxdb/router.cpp 's/column >= row\.same_before && column < row\.same_from\)/column >= row.same_before && column < row.same_from && column > 9999)/'
[ "$survivors" = 0 ] || { echo "$survivors mutants survived" >&2; exit 1; }
