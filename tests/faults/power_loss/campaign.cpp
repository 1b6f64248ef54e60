#include "campaign.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <stdexcept>

namespace fluxgate::power_loss {

namespace fs = std::filesystem;

namespace {

std::size_t below(std::size_t end, Random& random) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random);
}

// A power loss of a recorded run: the disk after `moment` records, cut by the choices of `variant`.
struct Loss {
    const Disk& disk; // as far as the moment
    const Disk& whole;
    std::uint64_t variant;

    std::map<std::string, std::size_t> onto(const fs::path& into) const {
        Random random{variant};
        const auto mood = below(10, random);
        return disk.materialise(into, mood < 3 ? Cut::synced_only : mood < 4 ? Cut::everything : Cut::random, random);
    }
    Holding check(const Ledger& ledger, const fs::path& into, std::vector<Violation>& violations) const {
        std::map<std::string, std::string_view> contents;
        for (const auto& [name, file] : onto(into))
            if (is_final(name)) contents[name] = whole.bytes_now(file);
        return ledger.after_power_loss(into, contents, violations);
    }
};

void apply_until(Disk& disk, const Trace& trace, std::size_t& done, std::size_t moment) {
    for (; done < moment; ++done)
        disk.apply(trace.records[done]);
}

std::size_t first_of_run(const Trace& trace) {
    const auto at = std::find_if(trace.records.begin(), trace.records.end(), [](const Record& r) { return !r.initial(); });
    return static_cast<std::size_t>(at - trace.records.begin());
}

std::string moment_text(const Trace& trace, std::size_t moment) {
    const std::string number = "power lost after " + std::to_string(moment) + " of " + std::to_string(trace.records.size()) + " records";
    return number + (moment == 0 ? "" : ", after: " + to_text(trace.records[moment - 1])) +
           (moment == trace.records.size() ? "" : ", before: " + to_text(trace.records[moment]));
}

} // namespace

std::vector<Violation> replay(const Oracle& oracle, const Trace& trace, std::size_t moment, std::uint64_t variant, const fs::path& into) {
    Disk disk, whole;
    std::size_t done = 0, all = 0;
    apply_until(disk, trace, done, std::min(moment, trace.records.size()));
    apply_until(whole, trace, all, trace.records.size());
    std::cerr << moment_text(trace, done) << "\n";
    std::vector<Violation> violations;
    static_cast<void>(Loss{disk, whole, variant}.check(Ledger{oracle}, into, violations));
    return violations;
}

std::uint64_t Campaign::violations() const {
    std::uint64_t all = 0;
    for (const Tally& tally : tallies_)
        all += tally.violations;
    return all;
}

Campaign::Recorded Campaign::fresh() {
    Recorded out{work_ / std::to_string(++made_)};
    fs::create_directories(out.root());
    return out;
}

void Campaign::drop(const Recorded& run) {
    if (std::find(kept_.begin(), kept_.end(), run.directory) == kept_.end()) fs::remove_all(run.directory);
}

bool Campaign::report(const std::vector<Violation>& violations, const std::string& where, const Recorded& kept, Tally& tally) {
    if (violations.empty()) return false;
    tally.violations += violations.size();
    kept_.push_back(kept.directory);
    for (const Violation& v : violations)
        std::cerr << "VIOLATED: " << v.equation << ": " << v.detail << "\n";
    std::cerr << "  in \"" << tally.name << "\", " << where << "\n  kept: " << kept.directory.string() << std::endl;
    return true;
}

// The record must show all that the directory holds, and SQLite's calls with it: else a power loss computed from it proves nothing.
void Campaign::require_complete(const Recorded& run, const Trace& trace, const std::string& what, Tally& tally) {
    Disk disk;
    std::size_t done = 0;
    apply_until(disk, trace, done, trace.records.size());
    std::vector<Violation> violations;
    for (const std::string& difference : disk.differences(run.root()))
        violations.push_back({"the record is complete", difference});
    const std::string state = std::string{state_directory} + "/" + pipeline_id + ".db";
    for (const std::string& file : {state, state + "-wal"})
        for (const fg_trace_op op : {FG_TRACE_WRITE, FG_TRACE_SYNC})
            if (std::none_of(trace.records.begin(), trace.records.end(), [&](const Record& r) { return r.op == op && r.path == file; }))
                violations.push_back({"SQLite's calls are recorded", (op == FG_TRACE_WRITE ? "no write to " : "no fsync of ") + file});
    static_cast<void>(report(violations, what, run, tally));
}

void Campaign::run_to_end(const Scenario& scenario, const Recorded& run, const Holding& before, Tally& tally) {
    const Run done = program_.run(scenario, run.root(), run.trace());
    std::vector<Violation> violations;
    if (done.finished.code != 0)
        violations.push_back(
            {"the run ends well", "exit " + std::to_string(done.finished.code) + (done.waited ? ", after SIGTERM" : "") + ": " + done.finished.err});
    const Trace trace{run.trace()};
    tally.traces += 1;
    tally.records += trace.records.size() - first_of_run(trace);
    require_complete(run, trace, "at the end of a run", tally);
    tally.repeated += ledger_.after_recovery(run.root(), before, stop_time(), violations);
    static_cast<void>(report(violations, "at the end of a run", run, tally));
}

// Uniform ones, and as many right before and right after syncs and changes of names.
std::vector<std::size_t> Campaign::moments_of(const Trace& trace, std::uint64_t count, std::size_t from) {
    const std::size_t first = std::max(first_of_run(trace), from), end = trace.records.size();
    std::vector<std::size_t> edges, out;
    for (std::size_t i = first; i < end; ++i)
        if (trace.records[i].syncs() || trace.records[i].changes_names()) edges.insert(edges.end(), {i, i + 1});
    std::shuffle(edges.begin(), edges.end(), random_);
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(i % 2 == 0 && !edges.empty() ? edges[i / 2 % edges.size()] : first + below(end - first + 1, random_));
    return out;
}

void Campaign::cut(const Scenario& scenario, const Recorded& run, std::vector<std::size_t> moments, std::uint64_t restarts, std::uint64_t again,
                   Tally& tally) {
    const Trace trace{run.trace()};
    Disk disk, whole;
    std::size_t done = 0, all = 0;
    apply_until(whole, trace, all, trace.records.size());
    std::vector<bool> restarted(moments.size(), false);
    std::fill_n(restarted.begin(), std::min<std::size_t>(restarts, moments.size()), true);
    std::shuffle(restarted.begin(), restarted.end(), random_);
    std::sort(moments.begin(), moments.end());
    for (std::size_t i = 0; i < moments.size(); ++i) {
        apply_until(disk, trace, done, moments[i]);
        const Loss loss{disk, whole, random_()};
        const Recorded next = fresh();
        const fs::path checked = next.directory / "checked";
        std::vector<Violation> violations;
        const Holding holding = loss.check(ledger_, checked, violations);
        ++tally.points;
        fs::remove_all(checked);
        const std::string where = moment_text(trace, moments[i]) + "; again with: power_loss --replay " + run.trace().string() + " --moment " +
                                  std::to_string(moments[i]) + " --variant " + std::to_string(loss.variant);
        if (report(violations, where, run, tally)) continue;
        if (restarted[i]) {
            static_cast<void>(loss.onto(next.root()));
            ++tally.restarts;
            const std::uint64_t before = tally.violations;
            run_to_end(scenario, next, holding, tally);
            if (tally.violations != before) std::cerr << "  it began with: " << where << std::endl;
            if (again != 0) cut(scenario, next, moments_of(Trace{next.trace()}, again), below(4, random_) == 0 ? 1 : 0, 0, tally);
        }
        drop(next);
    }
}

void Campaign::cut_power(const Scenario& scenario, const Extent& extent) {
    if (extent.stops && violations() != 0) return;
    Tally tally;
    tally.name = std::string{"power loss: "} + scenario.name;
    for (std::uint64_t i = 0; i < extent.traces; ++i) {
        const Recorded run = fresh();
        run_to_end(scenario, run, {{}, {std::vector<std::uint32_t>(oracle_.rows().size()), std::vector<std::uint32_t>(oracle_.rows().size())}},
                   tally);
        cut(scenario, run, moments_of(Trace{run.trace()}, extent.points), extent.restarts, extent.again, tally);
        drop(run);
    }
    tallies_.push_back(tally);
}

// Whether the program may wait for better days instead of ending: for room for its state.
bool Campaign::may_wait(const std::string& kind, const std::string& place) {
    return (kind == "enospc" || kind == "full") && (place.empty() || place.find("state") != std::string::npos);
}

// It ends with exit 1 and the system's words, or SQLite's where those do not pass it. A fault that passes it may survive.
void Campaign::judge_end(const Run& run, const std::string& kind, const std::string& place, std::uint64_t fired, std::vector<Violation>& violations) {
    const int code = run.finished.code;
    const std::string end = "exit " + std::to_string(code) + (run.waited ? ", after SIGTERM" : "") + ": " + run.finished.err;
    if (run.finished.hung || (code != 0 && code != 1 && !(run.waited && code == 128 + SIGTERM)))
        violations.push_back({"the program stops or waits", end});
    if (run.waited && !may_wait(kind, place)) violations.push_back({"it waits only for room for its state", end});
    static const std::map<std::string, std::vector<const char*>> words{
        {"enospc", {"No space left on device", "database or disk is full", "disk I/O error"}},
        {"full", {"No space left on device", "database or disk is full", "disk I/O error"}},
        {"eio", {"Input/output error", "disk I/O error"}},
        {"sync-eio", {"Input/output error", "disk I/O error"}},
        {"dir-sync-eio", {"Input/output error", "disk I/O error"}},
        {"erofs", {"Read-only file system", "unable to open database file", "readonly database"}},
        {"remove", {"was removed", "No such file or directory"}}};
    const auto said = words.find(kind);
    if (fired == 0 || code == 0 || said == words.end()) return;
    // SQLite has many words, not all with the errno, and may go without a file that it could not make; what counts is that the state
    // is named.
    for (const std::string& word : {std::string{pipeline_id} + ".db' cannot be used: ", std::string{"cannot look at '"}})
        if (run.finished.err.find(word) != std::string::npos) return;
    if (std::none_of(said->second.begin(), said->second.end(), [&](const char* word) { return run.finished.err.find(word) != std::string::npos; }))
        violations.push_back({"the error says what happened", end});
}

void Campaign::trouble(const Scenario& scenario, const std::string& kind, const std::string& place, std::size_t calls, std::uint64_t losses,
                       Tally& tally) {
    const Recorded run = fresh();
    static constexpr std::size_t counts[] = {0, 0, 1, 1, 2, 5};
    const std::string fault = kind + ":" + std::to_string(below(std::max<std::size_t>(calls, 1), random_)) + ":" +
                              std::to_string(kind == "remove" ? 1 : counts[below(6, random_)]) + ":" + place;
    const Run done =
        program_.run(scenario, run.root(), run.trace(), fault, may_wait(kind, place) ? std::chrono::milliseconds{2'500} : std::chrono::seconds{30});
    const Trace trace{run.trace()};
    tally.traces += 1;
    tally.records += trace.records.size() - first_of_run(trace);
    const auto is_fault = [](const Record& r) { return r.op == FG_TRACE_FAULT && r.error != EPERM; };
    const auto fired = static_cast<std::uint64_t>(std::count_if(trace.records.begin(), trace.records.end(), is_fault));
    tally.faults += fired;
    std::vector<Violation> violations;
    judge_end(done, kind, place, fired, violations);
    if (kind == "remove" && place == letter_file) { // what somebody took away is gone; only that it is noticed counts
        static_cast<void>(report(violations, "with the fault " + fault, run, tally));
        drop(run);
        return;
    }
    // A copy, for SQLite tidies up what it opens.
    const Recorded next = fresh();
    fs::copy(run.root(), next.directory / "checked", fs::copy_options::recursive);
    const Holding holding = ledger_.after_exit(next.directory / "checked", violations);
    const std::string where = "with the fault " + fault + " in \"" + scenario.name + "\"";
    if (!report(violations, where, run, tally)) {
        const auto first = std::find_if(trace.records.begin(), trace.records.end(), is_fault);
        // Whoever removes the state by hand and loses the power too has lost it: SQLite's file is no whole without its log.
        if (kind != "remove") cut(scenario, run, moments_of(trace, losses, static_cast<std::size_t>(first - trace.records.begin())), 1, 0, tally);
        // And now there is room, without a power loss.
        fs::copy(run.root(), next.root(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
        ++tally.restarts;
        const std::uint64_t before = tally.violations;
        run_to_end(scenario, next, holding, tally);
        if (tally.violations != before) std::cerr << "  after a run " << where << std::endl;
    }
    drop(next);
    drop(run);
}

// How many calls of a recorded run a fault would concern, about.
std::size_t Campaign::calls_of(const Trace& trace, const std::string& kind, const std::string& place) {
    return static_cast<std::size_t>(std::count_if(trace.records.begin(), trace.records.end(), [&](const Record& r) {
        const bool here = kind == "remove" || r.path.find(place) != std::string::npos || r.path2.find(place) != std::string::npos;
        if (!here || r.initial()) return false;
        return kind == "sync-eio"       ? r.op == FG_TRACE_SYNC
               : kind == "dir-sync-eio" ? r.op == FG_TRACE_SYNC_DIRECTORY
               : kind == "erofs"        ? r.changes_names()
                                        : r.op == FG_TRACE_WRITE;
    }));
}

void Campaign::disk_in_trouble(const Extent& extent) {
    const std::string state = std::string{state_directory} + "/" + pipeline_id + ".db";
    const std::vector<std::pair<std::string, std::vector<std::string>>> kinds{
        {"enospc", {"var/state", "data/out", "letters", ""}}, {"full", {"var/state", "data/out", "letters", ""}},
        {"short", {"var/state", "data/out", "letters", ""}},  {"eio", {"var/state", "data/out", "letters"}},
        {"sync-eio", {"var/state", "data/out", "letters"}},   {"dir-sync-eio", {"data/out", "letters"}},
        {"erofs", {"var/state", "data/out", "letters", ""}},  {"remove", {state, state + "-wal", letter_file}}};
    for (const auto& [kind, places] : kinds) {
        for (const std::string& place : places) {
            if (extent.stops && violations() != 0) return;
            Tally tally;
            tally.name = kind + " at " + (place.empty() ? "any file" : place);
            // Whether a sync that failed is believed shows only where that very file is cut, so it takes more tries.
            const std::uint64_t tries = extent.troubles * (kind.find("sync-eio") != std::string::npos ? 3 : 1);
            for (std::uint64_t i = 0; i < tries; ++i) {
                const Scenario& scenario = scenarios()[below(scenarios().size(), random_)];
                const Recorded sound = fresh();
                static_cast<void>(program_.run(scenario, sound.root(), sound.trace()));
                trouble(scenario, kind, place, calls_of(Trace{sound.trace()}, kind, place), extent.again, tally);
                drop(sound);
            }
            tallies_.push_back(tally);
        }
    }
}

} // namespace fluxgate::power_loss
