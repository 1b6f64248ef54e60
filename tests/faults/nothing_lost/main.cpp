// nothing_lost [--kills N] [--scenario NAME] [--round N] [--jobs N] [--markdown] [--directory DIR] [--list]: kills the program
// until it has delivered everything, and says what that did. FLUXGATE_SEED replays what was drawn. Exit 1 when a rule was broken.
#include "round.hpp"
#include "support/paths.hpp"

#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace {

using namespace fluxgate::nothing_lost;

struct Options {
    std::uint32_t kills = 40;
    std::string scenario, program = FLUXGATE_BINARY_DIR "/bin/fluxgate", directory;
    std::uint32_t round = 0, jobs = 1;
    bool markdown = false, list = false;
    std::uint32_t seed = 0;
};

struct Outcome {
    const Scenario* scenario = nullptr;
    std::uint32_t kills = 0; // wanted
    Figures figures;
    bool failed = false;
};

std::int64_t wall_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class All {
public:
    explicit All(const Options& options) : options_(options) {}

    // Which scenarios, and how many kills each: shares of the whole, at least one.
    bool choose() {
        std::uint32_t shares = 0;
        for (const Scenario& s : scenarios()) {
            if (!options_.scenario.empty() && s.name != options_.scenario) continue;
            outcomes_.push_back({&s, 0, {}, false});
            shares += s.share;
        }
        for (Outcome& o : outcomes_)
            o.kills = std::max(1u, (options_.kills * o.scenario->share + shares - 1) / shares);
        return !outcomes_.empty();
    }

    void play() {
        std::atomic<std::size_t> next{0};
        std::vector<std::thread> threads;
        for (std::uint32_t job = 0; job < options_.jobs; ++job)
            threads.emplace_back([&] {
                for (std::size_t i = next++; i < outcomes_.size(); i = next++)
                    play(outcomes_[i], static_cast<std::uint32_t>(outcomes_[i].scenario - scenarios().data()));
            });
        for (std::thread& t : threads)
            t.join();
    }

    [[nodiscard]] const std::vector<Outcome>& outcomes() const { return outcomes_; }

private:
    void play(Outcome& outcome, std::uint32_t number) {
        for (std::uint32_t round = std::max(1u, options_.round); outcome.figures.kills() < outcome.kills && !outcome.failed; ++round) {
            std::seed_seq seeds{options_.seed, number, round};
            Random random{seeds};
            const auto left = static_cast<std::uint32_t>(outcome.kills - outcome.figures.kills());
            const Settings settings = draw_settings(*outcome.scenario, random, left, wall_ns());
            const std::string directory = options_.directory + "/" + std::to_string(number) + "-" + std::to_string(round);
            Round one{*outcome.scenario, settings, random, {options_.program, directory}};
            one.play();
            outcome.figures += one.figures();
            if (!one.violations().empty()) {
                outcome.failed = true;
                tell(outcome, round, left, one, directory);
            } else {
                std::filesystem::remove_all(directory);
            }
            if (options_.round != 0) return;
        }
    }

    void tell(const Outcome& outcome, std::uint32_t round, std::uint32_t left, const Round& one, const std::string& directory) {
        const std::lock_guard lock{mutex_};
        (void)std::fprintf(stderr, "FAILED \"%s\", round %u, after %llu kills of it; kept in %s\n", outcome.scenario->name.c_str(), round,
                           static_cast<unsigned long long>(one.figures().kills()), directory.c_str());
        for (const std::string& v : one.violations())
            (void)std::fprintf(stderr, "  %s\n", v.c_str());
        (void)std::fprintf(stderr, "  again: FLUXGATE_SEED=%u %s/tests/nothing_lost --scenario \"%s\" --round %u --kills %u\n", options_.seed,
                           FLUXGATE_BINARY_DIR, outcome.scenario->name.c_str(), round, left);
    }

    const Options& options_;
    std::vector<Outcome> outcomes_;
    std::mutex mutex_;
};

unsigned long long n(std::uint64_t number) {
    return number;
}

void print_kills(const std::vector<Outcome>& outcomes) {
    std::printf(
        "| scenario | rounds | restarts | kills | behind a state write | behind an output event | at any moment | inside a commit | files left "
        "unfinished | between two names | lines torn |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    Figures sum;
    const auto line = [](const std::string& name, const Figures& f) {
        std::printf("| %s | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %llu | %llu |\n", name.c_str(), n(f.rounds), n(f.runs - f.rounds),
                    n(f.kills()), n(f.kills_state), n(f.kills_output), n(f.kills_time), n(f.commits_cut), n(f.unfinished), n(f.two_names), n(f.torn));
    };
    for (const Outcome& o : outcomes) {
        line(o.scenario->name, o.figures);
        sum += o.figures;
    }
    line("all", sum);
}

void print_rows(const std::vector<Outcome>& outcomes) {
    std::printf("\n| scenario | rows | of these late, owed | repeated after kills | at most | repeated by answers that failed | worst recovery | "
                "peak memory | "
                "cursor ahead | lost | duplicates |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    Figures sum;
    const auto line = [](const std::string& name, const Figures& f) {
        const Totals& t = f.totals;
        std::printf("| %s | %llu | %llu | %llu | %llu | %llu | %lld ms | %.1f MiB | %llu | %llu | %llu |\n", name.c_str(), n(t.rows), n(t.late_owed),
                    n(t.repeated), n(t.repeatable), n(t.repeated_in_run), static_cast<long long>(f.worst_recovery_ms),
                    static_cast<double>(f.peak_kib) / 1024, n(t.cursor_ahead), n(t.lost), n(t.duplicates));
    };
    for (const Outcome& o : outcomes) {
        line(o.scenario->name, o.figures);
        sum += o.figures;
    }
    line("all", sum);
}

void print_trouble(const std::vector<Outcome>& outcomes) {
    Figures sum;
    for (const Outcome& o : outcomes)
        sum += o.figures;
    std::printf("\n| trouble | times |\n|---|---:|\n");
    for (const auto& [kind, count] : sum.trouble)
        std::printf("| server: %s | %llu |\n", kind.c_str(), n(count));
    std::printf("| reader of the pipe stopped | %llu |\n| program stopped and continued | %llu |\n", n(sum.reader_stops), n(sum.program_stops));
    std::printf(
        "| runs in which a window was halved | %llu |\n| ... was read by measurement | %llu |\n| ... the server left during back-pressure | %llu |\n",
        n(sum.windows_halved), n(sum.windows_split), n(sum.back_pressure));
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Kills fluxgate until it has delivered everything, and checks that nothing is lost and nothing comes twice", "nothing_lost"};
    app.add_option("--kills", options.kills, "Of all scenarios together")->capture_default_str();
    app.add_option("--scenario", options.scenario, "Only this one; see --list");
    app.add_option("--round", options.round, "Only this round of the scenario");
    app.add_option("--jobs", options.jobs, "Scenarios side by side")->capture_default_str();
    app.add_option("--program", options.program, "The program that is killed")->capture_default_str();
    app.add_option("--directory", options.directory, "Where rounds keep their files (default: a temporary one)");
    app.add_flag("--list", options.list, "Name the scenarios");
    CLI11_PARSE(app, argc, argv);
    if (options.list) {
        for (const Scenario& s : scenarios())
            std::printf("%s\n", s.name.c_str());
        return 0;
    }
    const char* given = std::getenv("FLUXGATE_SEED");
    options.seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    if (options.directory.empty()) {
        std::string name = (std::filesystem::temp_directory_path() / "fluxgate-nothing-lost-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            (void)std::fprintf(stderr, "nothing_lost: no temporary directory can be made\n");
            return 3;
        }
        options.directory = name;
    }
    All all{options};
    if (!all.choose()) {
        (void)std::fprintf(stderr, "nothing_lost: there is no scenario \"%s\"; --list names them\n", options.scenario.c_str());
        return 2;
    }
    const auto began = std::chrono::steady_clock::now();
    all.play();
    print_kills(all.outcomes());
    print_rows(all.outcomes());
    print_trouble(all.outcomes());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began).count();
    const bool failed = std::any_of(all.outcomes().begin(), all.outcomes().end(), [](const Outcome& o) { return o.failed; });
    std::printf("\nFLUXGATE_SEED=%u, %lld seconds: %s\n", options.seed, static_cast<long long>(seconds),
                failed ? "a rule was broken" : "rows lost 0, duplicates 0, cursor ahead 0");
    std::error_code left;
    if (!failed) std::filesystem::remove_all(options.directory, left);
    return failed ? 1 : 0;
}
