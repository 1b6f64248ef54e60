// The directory of an export: its files, and what is known of it from one run to the next.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/state.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fluxgate::runner {

// What an export is of. It stands in OUT/.fluxgate-export/export.json from the first run on, and later runs must ask for the same.
struct ExportPlan {
    std::string url, organization; // as they take effect
    std::string bucket, format;    // "lp" or "jsonl"
    std::vector<std::string> measurements, fields;
    std::string given_start, given_stop; // as the first run's command line said it; "" for stop: the first run's now
    std::int64_t start = 0, stop = 0;    // what that came to, nanoseconds since 1970
    bool gzip = false;

    [[nodiscard]] std::string json() const;
    [[nodiscard]] std::string extension() const { return (format == "lp" ? ".lp" : ".jsonl") + std::string{gzip ? ".gz" : ""}; }
    // What comes before the window's edges in the names of files.
    [[nodiscard]] std::string prefix() const;
    // The template of output/file@v1: PREFIX-START-STOP-NUMBER.EXTENSION
    [[nodiscard]] std::string file_template() const;
};

// Keeps one export's directory. Reads and writes it; locks it only in tidy().
class ExportPlace {
public:
    static constexpr const char* pipeline = "export"; // id of the pipeline and its state

    explicit ExportPlace(std::string directory) : directory_(std::move(directory)) {}

    // The plan to go by: `wanted`, made durable, where there is none; else the one that is there. Errc::configuration: it is of another
    // export, the directory holds other files, or cannot be used.
    Result<ExportPlan> open(const ExportPlan& wanted) const;

    // Removes the files of windows that the cursor has not passed: their rows will be read again. Errc::state: another process is
    // exporting into the directory. Answers where the cursor stands; none: at the start.
    Result<std::optional<std::int64_t>> tidy(const ExportPlan& plan) const;

    // Removes files of windows that were halved after some of their rows had been written: another file's window lies inside of theirs.
    // While no export runs into the directory.
    Result<void> remove_halved(const ExportPlan& plan) const;

    struct Contents {
        std::uint64_t files = 0, bytes = 0;
    };
    [[nodiscard]] Contents contents(const ExportPlan& plan) const;

    [[nodiscard]] std::string state_directory() const { return directory_ + "/.fluxgate-export"; }
    [[nodiscard]] std::string dead_letters() const { return state_directory() + "/dead-letters.jsonl"; }

private:
    struct Named {
        std::string path;
        std::int64_t start = 0, stop = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] Result<std::vector<Named>> files(const ExportPlan& plan) const;
    Result<void> remove_those(const std::vector<Named>& files, const std::function<bool(const Named&)>& unwanted) const;

    std::string directory_;
};

} // namespace fluxgate::runner
