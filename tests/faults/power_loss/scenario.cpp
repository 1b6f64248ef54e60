#include "scenario.hpp"

#include <csignal>
#include <fstream>
#include <stdexcept>

namespace fluxgate::power_loss {

namespace fs = std::filesystem;

namespace {

constexpr const char *start = "2026-01-01T00:00:00Z", *stop = "2026-01-01T01:00:00Z";
const std::string steps = R"( |> filter(fn: (r) => r._measurement == "stat" and r._field == "temperature") |> drop(columns: ["_start", "_stop"]))";

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text)
        out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return out;
}

std::string document(const Scenario& scenario, const std::string& url, const fs::path& root) {
    const std::string query = "from(bucket: \"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop)" + steps;
    return R"({"displayName": "power loss", "input": {"displayName": "plant", "type": "input/influxdbv2@v1", "organization": "test-org", "url": ")" +
           url + R"(", "interval": "50ms", "format": {"type": "json"}, "authentication": {"type": "accessToken", "accessToken": "POWER_LOSS_TOKEN"},
  "partitionCount": 3, "partitionStrategy": {"type": "key", "expression": "if .payload._time | contains(\"0:30\") then null else .payload.host end"},
  "query": {"expression": ")" +
           escaped(query) + R"("}, "next": ["files"], )" + scenario.source + R"("incremental": {"start": ")" + start + R"(", "stop": ")" + stop +
           R"(", "delay": "1s", )" + scenario.incremental + R"(}},
  "stages": {"files": {"displayName": "files", "type": "output/file@v1", "rootDirectory": ")" +
           (root / output_directory).string() + R"(", )" + scenario.output + R"(}}})";
}

} // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all{
        {"verified, lines", R"("delivery": "verified", )", R"("window": "2m")",
         R"("filePath": "{{pipelineId}}/{{partitionId}}-{{fileNumber}}.jsonl", "format": {"type": "jsonStream", "path": "."}, "batch": {"time": "4ms", "path": "."})"},
        {"streaming, arrays, 4 at once", R"("batch": {"maxRows": 20}, )", R"("window": "3m", "concurrency": 4)",
         R"("filePath": "{{pipelineId}}/{{partitionId}}/{{mm}}/{{fileNumber}}.json", "format": {"type": "json", "path": "."}, "batch": {"time": "2ms", "path": "."})"},
        {"look-back", R"("delivery": "verified", )", R"("window": "2m", "lookback": "10m")",
         R"("filePath": "{{partitionId}}/{{fileNumber}}.jsonl", "format": {"type": "jsonStream", "path": "."}, "batch": {"time": "5ms", "path": "."})"},
        {"no hard links", "", R"("window": "3m")",
         R"("filePath": "{{partitionId}}-{{fileNumber}}.jsonl", "format": {"type": "jsonStream", "path": "."}, "batch": {"time": "3ms", "path": "."})",
         "no-link:0:0:data/out"},
    };
    return all;
}

std::string oracle_query() {
    return std::string{"from(bucket: \"plant\") |> range(start: "} + start + ", stop: " + stop + ")" + steps;
}

std::int64_t stop_time() {
    return sample::parse_time(stop).value().ns;
}

Program::Program(std::string fluxgate, std::string shim) : fluxgate_(std::move(fluxgate)), shim_(std::move(shim)) {
    auto server = sample::Server::start({});
    if (!server.ok()) throw std::runtime_error{server.error().text()};
    server_ = std::move(server).value();
}

Run Program::run(const Scenario& scenario, const fs::path& root, const fs::path& trace, const std::string& faults,
                 std::chrono::milliseconds most) const {
    fs::create_directories((root / letter_file).parent_path());
    write_initial(root, trace);
    const fs::path file = trace.parent_path() / (std::string{pipeline_id} + ".json");
    std::ofstream{file} << document(scenario, server_->url(), root);
    const std::string both = scenario.faults + std::string{scenario.faults[0] == 0 || faults.empty() ? "" : ";"} + faults;
    test::Process process{fluxgate_,
                          {"run", file.string(), "--id", pipeline_id, "--instance", "host", "--state", (root / state_directory).string(),
                           "--dead-letter", (root / letter_file).string()},
                          {{"LD_PRELOAD", shim_},
                           {FG_POWER_ROOT, root.string()},
                           {FG_POWER_TRACE, trace.string()},
                           {FG_POWER_FAULTS, both},
                           {"POWER_LOSS_TOKEN", "sample-token"}},
                          trace.parent_path().string()};
    Run out;
    out.waited = !process.until_end(most);
    if (out.waited) process.signal(SIGTERM);
    out.finished = process.wait(std::chrono::seconds{20});
    return out;
}

} // namespace fluxgate::power_loss
