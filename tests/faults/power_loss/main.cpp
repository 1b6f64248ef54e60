// power_loss [--short|--long]: cuts the power of recorded runs, lets disks fail, and demands that nothing is lost and nothing is
// claimed that is not durable. A Markdown table on standard output; exit 1 when an equation is violated.
// power_loss --replay TRACE --moment N --variant N: one power loss again.
#include "campaign.hpp"

#include "support/paths.hpp"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <random>
#include <stdexcept>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using namespace fluxgate::power_loss;

constexpr Extent short_form{1, 120, 3, 12, 1, true}, long_form{3, 250, 10, 20, 3, false};

std::uint64_t number(const char* text) {
    char* end = nullptr;
    const std::uint64_t out = std::strtoull(text, &end, 10);
    if (end == text || *end != 0) throw std::runtime_error{std::string{"not a number: "} + text};
    return out;
}

std::string date() {
    const std::time_t now = std::time(nullptr);
    char out[16];
    std::strftime(out, sizeof out, "%Y-%m-%d", std::gmtime(&now));
    return out;
}

fs::path work_directory() {
    // Thousands of small directories are made and removed; in memory that is three times as quick.
    const fs::path memory = "/dev/shm";
    std::error_code none;
    const bool room = ::access(memory.c_str(), W_OK) == 0 && fs::space(memory, none).available > (256u << 20) && !none;
    const fs::path parent = room ? memory : fs::canonical(fs::temp_directory_path());
    std::string name = (parent / "fluxgate-power-loss-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory can be made"};
    return name;
}

void print(const std::vector<Tally>& tallies) {
    std::cout << "| what | runs | disk operations | power losses | run to the end after | calls answered with a fault | rows again | violations |\n"
                 "|---|---:|---:|---:|---:|---:|---:|---:|\n";
    Tally all;
    all.name = "all";
    const auto line = [](const Tally& t) {
        std::cout << "| " << t.name << " | " << t.traces << " | " << t.records << " | " << t.points << " | " << t.restarts << " | " << t.faults
                  << " | " << t.repeated << " | " << t.violations << " |\n";
    };
    for (const Tally& t : tallies) {
        line(t);
        all.traces += t.traces;
        all.records += t.records;
        all.points += t.points;
        all.restarts += t.restarts;
        all.faults += t.faults;
        all.repeated += t.repeated;
        all.violations += t.violations;
    }
    line(all);
}

int run(const Extent& extent, const char* form) {
    const char* given = std::getenv("FLUXGATE_SEED");
    const std::uint64_t seed = given != nullptr ? number(given) : std::random_device{}();
    std::cerr << "FLUXGATE_SEED=" << seed << std::endl;
    const auto begun = std::chrono::steady_clock::now();
    const fs::path work = work_directory();
    const Oracle oracle{oracle_query()};
    const Program program{FLUXGATE_BINARY_DIR "/bin/fluxgate", FLUXGATE_BINARY_DIR "/tests/power_loss_shim.so"};
    Campaign campaign{program, oracle, work, seed};
    for (const Scenario& scenario : scenarios())
        campaign.cut_power(scenario, extent);
    campaign.disk_in_trouble(extent);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count();
    std::cout << "`power_loss " << form << "` on " << date() << ", seed " << seed << ", " << oracle.rows().size() << " rows a run, " << seconds
              << " seconds; violated equations: " << campaign.violations() << "\n\n";
    print(campaign.tallies());
    if (campaign.violations() != 0) return 1;
    fs::remove_all(work);
    return 0;
}

int replay_one(const std::map<std::string, std::string>& options) {
    const fs::path file = options.at("--replay"), into = file.parent_path() / "replayed";
    fs::remove_all(into);
    const std::vector<Violation> violations =
        replay(Oracle{oracle_query()}, Trace{file}, number(options.at("--moment").c_str()), number(options.at("--variant").c_str()), into);
    for (const Violation& v : violations)
        std::cout << "VIOLATED: " << v.equation << ": " << v.detail << "\n";
    std::cout << "the directory after it: " << into.string() << "\n";
    return violations.empty() ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
    try {
        if (count == 1 || (count == 2 && std::strcmp(arguments[1], "--short") == 0)) return run(short_form, "--short");
        if (count == 2 && std::strcmp(arguments[1], "--long") == 0) return run(long_form, "--long");
        std::map<std::string, std::string> options;
        for (int i = 1; i + 1 < count; i += 2)
            options[arguments[i]] = arguments[i + 1];
        if (count == 7 && options.count("--replay") != 0 && options.count("--moment") != 0 && options.count("--variant") != 0)
            return replay_one(options);
        std::cerr << "usage: power_loss [--short|--long], or power_loss --replay TRACE --moment N --variant N\n";
    } catch (const std::exception& trouble) {
        std::cerr << "power_loss: " << trouble.what() << "\n";
    }
    return 2;
}
