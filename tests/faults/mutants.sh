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
cmake --preset release >/dev/null
# The programs that are tried on a mutant, in this order.
tests=(test_unit_flux test_unit_message test_unit_poll test_unit_influx_stage test_unit_http test_source_behaviour fault_matrix)

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
    if ! cmake --build --preset release -j "$(build_jobs)" --target "${tests[@]}" stage_influxdb >"$clone/.build" 2>&1; then
        if ! grep -q 'warnings being treated as errors' "$clone/.build"; then
            tail -n 20 "$clone/.build" >&2
            exit 1
        fi
        caught='the compiler'
    else
        for test in "${tests[@]}"; do
            if ! FLUXGATE_SEED=1 timeout 120 "build/release/tests/$test" >/dev/null 2>"$clone/.said"; then
                said=$(sed -n 's/^VIOLATED: \([^:]*\):.*/\1/p' "$clone/.said" | head -n 1)
                caught=$test${said:+: $said}
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

# Durability: of the whole program, by what a power loss leaves (the short form of power_loss).
tests=(power_loss)
mutant 'give a file its name without syncing it' stages/core/root_directory.cpp 's/if \(::fsync\(part\.fd\.get\(\)\) != 0\) return[^;]*;//'
mutant 'give a file its name before syncing it' stages/core/root_directory.cpp 's/if \(::fsync\(part\.fd\.get\(\)\) != 0\)( return[^;]*;)/ /; s/(if \(code == 0\) \{)\n/$1\n            if (::fsync(part.fd.get()) != 0) return io_error("sync", display(part.name), errno);\n/'
mutant 'do not sync the directory of a finished file' stages/core/root_directory.cpp 's/if \(const int failed = sync_directory\(parent->get\(\)\); failed != 0\)/if (const int failed = 0; failed != 0)/'
mutant 'do not sync the directories that were made for files' stages/core/root_directory.cpp 's/(errno != EEXIST\) return errno;\n    )return sync_directory\(parent\);/$1return 0;/; s/if \(sync\) \{/if (sync \&\& path.empty()) {/'
mutant 'take a failed sync of a file for done' stages/core/root_directory.cpp 's/if \(::fsync\(part\.fd\.get\(\)\) != 0\) return/if (::fsync(part.fd.get()) == 1) return/'
mutant 'sync a file again when that failed, and take it for done when it no longer does' stages/core/root_directory.cpp 's/if \(::fsync\(part\.fd\.get\(\)\) != 0\) return/if (::fsync(part.fd.get()) != 0 \&\& ::fsync(part.fd.get()) != 0) return/'
mutant 'take a failed sync of a directory for done' stages/core/root_directory.cpp 's/return ::fsync\(fd\) == 0 \|\| errno == EINVAL \? 0 : errno;/static_cast<void>(::fsync(fd)); return 0;/'
mutant 'do not sync dead letters' lib/runtime/dead_letters.cpp 's/return ::fdatasync\(fd\) == 0 \? 0 : errno;/static_cast<void>(fd); return 0;/'
mutant 'do not sync the directory of the dead letters' lib/runtime/dead_letters.cpp 's/if \(directory_dirty_\) \{/if (directory_dirty_ \&\& path_.empty()) {/'
mutant 'take a failed sync of dead letters for done' lib/runtime/dead_letters.cpp 's/return ::fdatasync\(fd\) == 0 \? 0 : errno;/static_cast<void>(::fdatasync(fd)); return 0;/'
# The host syncs them before each acknowledgement, too, so this source alone cannot show it.
tests=(test_unit_runtime)
mutant 'commit the state before the dead letters that it may speak of are durable' lib/runtime/stage_context.cpp 's/Result<void> done = owner_\.keep_dead_letters\(\);/Result<void> done;/'
tests=(power_loss)
mutant 'keep the state without syncs' lib/state/store.cpp 's/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/'
mutant 'keep the state with syncs at checkpoints only' lib/state/store.cpp 's/PRAGMA synchronous = FULL/PRAGMA synchronous = NORMAL/'
mutant 'do not sync the directory above the state' lib/state/files.cpp 's/(errno != EEXIST\) return file_error\("make the directory", path, errno\);\n    )return sync_directory\(parent\);/$1return {};/'
mutant 'let a batch leave before the edges of its window are stored' stages/influxdb/windows.cpp 's/if \(planner_->stored\(id\)\) return \{\};\n    return commit\(\);/static_cast<void>(planner_->stored(id));\n    return {};/'
mutant 'take a commit that failed for stored' stages/influxdb/windows.cpp 's/    if \(!kept\.ok\(\)\) \{/    if (!kept.ok() \&\& kept.error().code == Errc::internal) {/'
[ "$survivors" = 0 ] || { echo "$survivors mutants survived" >&2; exit 1; }
