// The pipelines whose power is cut, and the program `fluxgate` run on them under the shim.
#pragma once

#include "ledger.hpp"

#include "sample_server/server.hpp"
#include "support/process.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace fluxgate::power_loss {

struct Scenario {
    const char* name;
    const char* source;      // what stands in the source's document besides the common
    const char* incremental; // the same in `incremental`
    const char* output;      // the format and the path of the output
    const char* faults = ""; // of the disk, in every run
};

const std::vector<Scenario>& scenarios();

// The stretch of time that every scenario reads, and the query over it as the oracle is asked.
std::string oracle_query();
std::int64_t stop_time();

struct Run {
    test::Finished finished;
    bool waited = false; // it did not end by itself and was told to (SIGTERM)
};

class Program {
public:
    // Starts the sample server. `shim`: the library to preload. Throws std::runtime_error.
    Program(std::string fluxgate, std::string shim);

    // Runs a pipeline below `root` to its end, at most so long, with a trace of it. `faults` come besides the scenario's.
    Run run(const Scenario& scenario, const std::filesystem::path& root, const std::filesystem::path& trace, const std::string& faults = {},
            std::chrono::milliseconds most = std::chrono::seconds{30}) const;

private:
    const std::string fluxgate_, shim_;
    std::unique_ptr<sample::Server> server_;
};

} // namespace fluxgate::power_loss
