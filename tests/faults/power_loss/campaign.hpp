// Cuts the power at many moments of recorded runs, and lets disks fail, and keeps account.
#pragma once

#include "scenario.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fluxgate::power_loss {

// What a line of the table counts.
struct Tally {
    std::string name;
    std::uint64_t traces = 0, records = 0; // runs that were recorded, and what they did to the disk
    std::uint64_t points = 0;              // power losses of which the directory was checked
    std::uint64_t restarts = 0;            // after which the program was run to its end
    std::uint64_t faults = 0;              // calls that were answered with a fault
    std::uint64_t repeated = 0;            // rows that came again, with the same rowId
    std::uint64_t violations = 0;
};

// How much of each; a campaign is so many recorded runs of every scenario.
struct Extent {
    std::uint64_t traces, points, restarts; // runs a scenario; power losses and restarts a run
    std::uint64_t again;                    // power losses in a run after a restart, or with a disk in trouble
    std::uint64_t troubles;                 // runs with a disk in trouble, of each kind and place
    bool one_place;                         // of each kind only one place, a random one
};

class Campaign {
public:
    // `work`: an empty directory; what violates an equation stays in it.
    Campaign(const Program& program, const Oracle& oracle, std::filesystem::path work, std::uint64_t seed)
        : program_(program), oracle_(oracle), ledger_(oracle), work_(std::move(work)), random_(seed) {}

    void cut_power(const Scenario& scenario, const Extent& extent);
    void disk_in_trouble(const Extent& extent);

    [[nodiscard]] const std::vector<Tally>& tallies() const noexcept { return tallies_; }
    [[nodiscard]] std::uint64_t violations() const;

private:
    struct Recorded {
        std::filesystem::path directory; // of its own, with the files below
        [[nodiscard]] std::filesystem::path root() const { return directory / "root"; }
        [[nodiscard]] std::filesystem::path trace() const { return directory / "trace"; }
    };
    Recorded fresh();
    void run_to_end(const Scenario& scenario, const Recorded& run, const Holding& before, Tally& tally);
    void require_complete(const Recorded& run, const Trace& trace, const std::string& what, Tally& tally);
    // Power losses at these moments (numbers of records that were done) of a recorded run.
    void cut(const Scenario& scenario, const Recorded& run, std::vector<std::size_t> moments, std::uint64_t restarts, std::uint64_t again,
             Tally& tally);
    std::vector<std::size_t> moments_of(const Trace& trace, std::uint64_t count, std::size_t from = 0);
    static std::size_t calls_of(const Trace& trace, const std::string& kind, const std::string& place);
    void trouble(const Scenario& scenario, const std::string& kind, const std::string& place, std::size_t calls, std::uint64_t losses, Tally& tally);
    void judge_end(const Run& run, const std::string& kind, const std::string& place, std::uint64_t fired, std::vector<Violation>& violations) const;
    // Says what is violated and where; answers whether anything was.
    bool report(const std::vector<Violation>& violations, const std::string& where, const Recorded& kept, Tally& tally);
    void drop(const Recorded& run);

    const Program& program_;
    const Oracle& oracle_;
    const Ledger ledger_;
    const std::filesystem::path work_;
    Random random_;
    std::uint64_t made_ = 0;
    std::vector<std::filesystem::path> kept_;
    std::vector<Tally> tallies_;
};

// One power loss of a trace again, into `into`: after `moment` records, with the random choices of `variant`.
std::vector<Violation> replay(const Oracle& oracle, const Trace& trace, std::size_t moment, std::uint64_t variant, const std::filesystem::path& into);

} // namespace fluxgate::power_loss
