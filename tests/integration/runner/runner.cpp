#include "runner.hpp"

#include "support/catch.hpp"
#include "support/paths.hpp"

#include <chrono>
#include <thread>

namespace fluxgate::test {

namespace {

const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";
const std::map<std::string, std::string> environment{{"AKV_ACCESS_TOKEN", token}};

} // namespace

std::unique_ptr<sample::Server> start_server(sample::ServerOptions options) {
    options.token = token;
    auto server = sample::Server::start(std::move(options));
    if (!server.ok()) FAIL(server.error().text());
    return std::move(server).value();
}

void until_queries(const sample::Server& server, std::uint64_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (server.queries() < count && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    REQUIRE(server.queries() >= count);
}

std::string original_document(std::uint16_t port) {
    return R"json({
  "displayName": "InfluxDB v2 - ec8750",
  "type": "input/influxdbv2@v1",
  "query": { "expression": "from(bucket:\\\"test-bucket\\\") |> range(start: -1h) |> filter(fn: (r) => r._measurement == \\\"stat\\\")" },
  "url": "http://127.0.0.1/some/url/path",
  "interval": "5s",
  "port": )json" +
           std::to_string(port) + R"json(,
  "organization": "test-org",
  "format": { "type": "json" },
  "partitionCount": 1,
  "partitionStrategy": { "type": "id", "expression": "0" },
  "authentication": { "type": "accessToken", "accessToken": "AKV_ACCESS_TOKEN" },
  "description": "Example InfluxDB source stage"
})json";
}

std::string files_document(std::uint16_t port, const std::string& root, const std::string& more) {
    return R"json({"displayName": "files", "input": {"displayName": "plant", "type": "input/influxdbv2@v1", "url": "http://127.0.0.1",
  "organization": "test-org", "interval": "200ms", "format": {"type": "json"}, "authentication": {"type": "accessToken", "accessToken": "AKV_ACCESS_TOKEN"},
  "query": {"expression": "from(bucket: \"plant\") |> range(start: -10m) |> filter(fn: (r) => r._measurement == \"machine\")"},
  "partitionCount": 4, "partitionStrategy": {"type": "key", "expression": ".payload._field"}, "next": ["files"], "port": )json" +
           std::to_string(port) + more + R"json(},
  "stages": {"files": {"displayName": "files", "type": "output/file@v1", "rootDirectory": ")json" +
           root +
           R"json(", "filePath": "{{pipelineId}}/{{partitionId}}-{{fileNumber}}.jsonl", "format": {"type": "jsonStream", "path": "."}, "batch": {"time": "1s"}}}})json";
}

Finished run_fluxgate(const std::vector<std::string>& arguments, const std::string& directory, const std::map<std::string, std::string>& more) {
    std::map<std::string, std::string> all = environment;
    all.insert(more.begin(), more.end());
    return run_program(program, arguments, all, directory);
}

std::unique_ptr<Process> start_fluxgate(const std::vector<std::string>& arguments, const std::string& directory) {
    return std::make_unique<Process>(program, arguments, environment, directory);
}

std::string payload_of(const std::string& message) {
    const std::string mark = "\"userProperties\":[],\"payload\":";
    const std::size_t at = message.find(mark);
    return at == std::string::npos ? std::string{} : message.substr(at + mark.size(), message.size() - at - mark.size() - 1);
}

} // namespace fluxgate::test
