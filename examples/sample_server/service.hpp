// What the server answers: routes, status codes, headers, bodies. Knows requests and answers, not sockets or threads.
#pragma once

#include "answer.hpp"
#include "server.hpp"

#include <atomic>
#include <mutex>

namespace fluxgate::sample {

struct QueryRequest;
struct Dialect;

// Any number of threads may serve at once, each its own connection.
class Service {
public:
    // Waits, and answers false when the server stops meanwhile.
    using Pause = std::function<bool(std::chrono::milliseconds)>;

    Service(ServerOptions options, Pause pause);

    // Answers one request; false when the connection is not good for another one.
    bool serve(Connection& connection, const HttpRequest& request);
    // Answers a request that could not be read.
    void refuse(Connection& connection, const Error& error);

    [[nodiscard]] std::uint64_t queries() const { return queries_; }
    void set_faults(std::vector<Fault> faults);

    // Stores line protocol whose timestamps count in `unit` nanoseconds.
    Result<void> write(const std::string& bucket, std::string_view lines, std::int64_t unit);
    [[nodiscard]] const Written& written() const { return written_; }

private:
    struct Exchange;
    bool query(Exchange& x, const HttpRequest& request);
    bool accept_write(Exchange& x, const HttpRequest& request);
    [[nodiscard]] bool has_bucket(std::string_view name) const;
    bool run(Exchange& x, const QueryRequest& request, bool no_content);
    bool stream(Exchange& x, const std::vector<NamedResult>& results, const Dialect& dialect, bool no_content);
    bool planned_failure(Exchange& x, bool& answered);
    bool send_bench(Exchange& x);
    bool send_whole(Exchange& x, int status, std::string_view type, std::string_view body, std::string_view extra = {});
    bool send_error(Exchange& x, int status, std::string_view message, bool chunked, std::string_view extra = {});
    [[nodiscard]] std::string head(const Exchange& x, int status, std::string_view type, std::string_view extra = {}) const;
    [[nodiscard]] bool authorized(const HttpRequest& request) const;
    [[nodiscard]] std::optional<std::string> unknown_organization(const HttpRequest& request) const;
    [[nodiscard]] std::optional<std::string> local_path(std::string_view path) const;
    [[nodiscard]] Time now() const;
    void log(const Exchange& x, const HttpRequest& request);

    const ServerOptions options_;
    const Pause pause_;
    std::string bench_wire_;
    Written written_;
    std::atomic<std::uint64_t> queries_{0};
    std::mutex mutex_; // guards faults_ and the log
    std::vector<Fault> faults_;
};

} // namespace fluxgate::sample
