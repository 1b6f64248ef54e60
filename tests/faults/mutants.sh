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
cmake --preset release -DFLUXGATE_UNITY=OFF >/dev/null # a mutant is one file

number=0
survivors=0
wanted=" $* "
# What the mutants that follow are built with, the tests that are tried in this order, and a proof that each has to turn red, too.
targets=(fault_matrix test_source_behaviour test_unit_flux test_unit_poll test_unit_http test_unit_influx_stage test_unit_message stage_influxdb)
tests=(test_unit_flux test_unit_message test_unit_poll test_unit_influx_stage test_unit_http test_source_behaviour fault_matrix)
proof=()
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
        for test in "${tests[@]}"; do
            if ! FLUXGATE_SEED=1 timeout 120 "build/release/tests/$test" >/dev/null 2>"$clone/.said"; then
                said=$(sed -n 's/^VIOLATED: \([^:]*\):.*/\1/p' "$clone/.said" | head -n 1)
                caught=$test${said:+: $said}
                break
            fi
        done
    fi
    if [ ${#proof[@]} -gt 0 ] && [ "$caught" != 'the compiler' ]; then
        if FLUXGATE_SEED=1 timeout 300 "build/release/tests/${proof[0]}" "${proof[@]:1}" --directory "$clone/.proof" >"$clone/.proof.out" 2>&1; then
            caught="$caught, not ${proof[0]}"
            survivors=$((survivors + 1))
        else
            caught="$caught; ${proof[0]}: $(grep -m 1 '^  run' "$clone/.proof.out" | sed -E 's/^  run [0-9]+: //; s/[|]/ /g' | cut -c 1-160)"
        fi
        rm -rf "$clone/.proof"
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
mutant 'skip the check that HTTP framing and gzip ended completely' stages/influxdb/lane.cpp 's/client_\.complete\(\) \? missing/true ? missing/'
mutant 'hand on the rows of a verified answer while it comes' stages/influxdb/lane.cpp 's/if \(verified\(\)\) return verification_;\s*//'
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

# Nothing lost, nothing twice: these must also be found by killing the program.
targets=(nothing_lost test_unit_influx_stage test_unit_window test_unit_core test_unit_runtime test_source_window stage_influxdb stage_core fluxgate_runner)
tests=(test_unit_window test_unit_core test_unit_runtime test_source_window)
proof=(nothing_lost --kills 60 --jobs 2)
mutant 'take a batch for acknowledged when it leaves the source' stages/influxdb/windows.cpp 's/planner_->emitted\(id\);\n    out_/planner_->emitted(id);\n    planner_->settled(id, true);\n    out_/; s/planner_->settled\(id, delivered\);/static_cast<void>(id); static_cast<void>(delivered);/'
mutant 'move the cursor over a gap' lib/window/planner.cpp 's/\} else if \(!out\.passed\.empty\(\) && out\.passed\.back\(\)\.stop == w\.edges\.start\) \{\n\s*out\.passed\.back\(\)\.stop = w\.edges\.stop;/} else if (w.edges.stop > 0) {\n out.position = w.edges.stop;\n out.planned.clear();/'
mutant 'let rows leave before the edges of their window are stored' stages/influxdb/windows.cpp 's/if \(planner_->stored\(id\)\) return \{\};\n    return commit\(\);/static_cast<void>(id);\n    return {};/'
mutant 'read other windows after a restart than were planned' stages/influxdb/windows.cpp 's/cursor = std::move\(\*parsed\);/cursor = std::move(*parsed);\n        cursor.planned.clear();/'
mutant 'take an answer that broke off for the end of its window' stages/influxdb/window_reader.cpp 's/if \(slot\.ended == Lane::Step::failed\) return close_failed\(slot\);/if (slot.ended == Lane::Step::failed \&\& slot.lane->error().http_status != 0) return close_failed(slot);/'
mutant 'forget after a restart what look-back has delivered' stages/influxdb/look_back.cpp 's/if \(!list->exists\(\)\) return \{\};/if (memory.size() == 0) return {};/'
mutant 'acknowledge the batches of a file before it has its final name' stages/core/file_output.cpp 's/file_->tokens\.push_back\(token\);/host_.complete(token, FG_DELIVERED);/'
mutant 'write unfinished files where readers look for whole ones' stages/core/root_directory.cpp 's/"\.fluxgate~"/"fluxgate~"/'
mutant 'throw away what a full pipe does not take' stages/core/line_writer.cpp 's/if \(\*done == 0\) return false;/if (*done == 0) break;/'
mutant 'count a batch as delivered when the output takes it' lib/runtime/engine_lanes.cpp 's/tokens_\.open\(\{&context, item\.token\.share\(\)/tokens_.open({\&context, Token{}/'

# What the books of deliveries do not show: a row that comes again has its rowId again.
proof=()
tests=(test_unit_window test_unit_influx_stage)
mutant 'remember the rows of a window for look-back before it is passed' stages/influxdb/windows.cpp 's/(memory_\.expect\(id, [^;]*;)/$1 memory_.add(id);/'
mutant 'take a row for new that is as late as the latest one that look-back remembers' lib/window/fingerprints.hpp 's/time <= newest_time_/time < newest_time_/'
mutant 'take rows for new though the times of some that look-back remembers are not known' lib/window/fingerprints.hpp 's/ \|\| unknown_ != 0//'

# Durability: of the whole program, by what a power loss leaves (the short form of power_loss).
targets=(power_loss stage_influxdb stage_core fluxgate_runner)
tests=(power_loss)
proof=()
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
# The host syncs them before each acknowledgement, too, so a power loss shows it only behind a window's last batch.
tests=(test_unit_runtime)
mutant 'commit the state before the dead letters that it may speak of are durable' lib/runtime/stage_context.cpp 's/Result<void> done = owner_\.keep_dead_letters\(\);/Result<void> done;/'
tests=(power_loss)
mutant 'keep the state without syncs' lib/state/store.cpp 's/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/'
mutant 'keep the state with syncs at checkpoints only' lib/state/store.cpp 's/PRAGMA synchronous = FULL/PRAGMA synchronous = NORMAL/'
mutant 'do not sync the directory above the state' lib/state/files.cpp 's/(errno != EEXIST\) return file_error\("make the directory", path, errno\);\n    )return sync_directory\(parent\);/$1return {};/'
mutant 'let a batch leave before the edges of its window are stored' stages/influxdb/windows.cpp 's/if \(planner_->stored\(id\)\) return \{\};\n    return commit\(\);/static_cast<void>(planner_->stored(id));\n    return {};/'
mutant 'take a commit that failed for stored' stages/influxdb/windows.cpp 's/    if \(!kept\.ok\(\)\) \{/    if (!kept.ok() \&\& kept.error().code == Errc::internal) {/'
[ "$survivors" = 0 ] || { echo "$survivors mutants survived" >&2; exit 1; }
