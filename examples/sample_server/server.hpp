// The sample server: a synthetic InfluxDB 2.x over HTTP or HTTPS, one thread a connection. In-process for tests and
// benchmarks, or as the program fluxgate-sample-server.
#pragma once

#include "bench_answer.hpp"
#include "engine.hpp"
#include "faults.hpp"
#include "fluxgate/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::sample {

struct ServerOptions {
    std::string bind = "127.0.0.1"; // an address, IPv4 or IPv6
    std::uint16_t port = 0;         // 0: the system chooses
    // Where the API stands. The second one is the path of the original documentation's sample.
    std::vector<std::string> prefixes = {"", "/some/url/path"};
    std::string token = "sample-token";
    std::string org = "test-org";
    std::string org_id = "0123456789abcdef";
    std::vector<std::string> buckets = {"test-bucket", "plant"}; // each holds the whole plant
    std::vector<std::string> empty_buckets = {};                 // hold nothing but what is written
    std::string cert_file = {}, key_file = {};                   // PEM; both: https
    std::vector<Fault> faults = {};
    std::optional<BenchSpec> bench = {};            // every good query gets this answer
    std::size_t chunk_size = 4096;                  // 1 to 16 MiB
    std::size_t max_connections = 256;              // more are closed at once
    std::chrono::milliseconds timeout{60'000};      // a client that neither reads nor writes for so long is left
    std::function<Time()> clock = {};               // the server's wall clock; the system's when empty. Called from any thread
    std::function<void(std::string_view)> log = {}; // one line a request, without its end. One call at a time
};

class Server {
public:
    // Listens when this returns.
    static Result<std::unique_ptr<Server>> start(ServerOptions options);
    ~Server(); // stops

    // Any thread, more than once. Open answers are broken off; returns when every thread has ended.
    void stop();

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::string url() const;           // e.g. "http://127.0.0.1:18086"
    [[nodiscard]] std::uint64_t queries() const;     // POST /api/v2/query so far, refused ones too
    [[nodiscard]] std::uint64_t connections() const; // accepted so far
    void set_faults(std::vector<Fault> faults);      // for queries from now on; their numbers go on counting

    // As POST /api/v2/write does with precision ns: queries from now on see these points. Any thread.
    Result<void> write(const std::string& bucket, std::string_view lines);
    // For the oracle: expect(query, now, server->written()).
    [[nodiscard]] const Written& written() const;

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate::sample
