// fluxgate-sample-server: the command line around Server.
#include "certificates.hpp"
#include "server.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {

using namespace fluxgate::sample;

constexpr const char* about = R"(A synthetic InfluxDB 2.x: answers POST /api/v2/query with deterministic, endless plant data in annotated CSV,
and keeps what POST /api/v2/write brings in memory.

Every bucket holds the measurements stat, machine, energy and edges. Try:
  from(bucket:"test-bucket") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "stat"))";

constexpr const char* fault_help = R"(Commit a fault; may be given several times:
  status=503  status=429,retry-after=2  queue-full
  delay-first-byte=3s  delay-rows=100:50ms (ROWS:DELAY)
  cut-after=BYTES (closes)  reset-after=BYTES (resets)
  error-table-after=ROWS
  gzip-no-trailer  garbage-after-gzip
each with ,requests=N or A-B or A- (queries counted from 1))";

struct CommandLine {
    ServerOptions options;
    std::vector<std::string> prefixes, buckets, faults;
    std::string tls_directory, port_file, bench;
    bool log = false;
};

int complain(const fluxgate::Error& error, int code) {
    (void)std::fprintf(stderr, "fluxgate-sample-server: %s\n", error.text().c_str());
    return code;
}

// Fills in what the parser could not. An error is a wrong command line.
fluxgate::Result<void> complete(CommandLine& c) {
    for (const std::string& text : c.faults) {
        auto fault = parse_fault(text);
        if (!fault) return fault.error();
        c.options.faults.push_back(*std::move(fault));
    }
    if (!c.bench.empty()) {
        auto spec = parse_bench(c.bench);
        if (!spec) return spec.error();
        c.options.bench = *spec;
    }
    if (!c.prefixes.empty()) c.options.prefixes = c.prefixes;
    if (!c.buckets.empty()) c.options.buckets = c.buckets;
    if (c.log) {
        c.options.log = [](std::string_view line) { (void)std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data()); };
    }
    return {};
}

bool write_port(const std::string& path, unsigned port) {
    // Renamed into place, so that who waits for the file never reads half a number.
    const std::string draft = path + ".part";
    std::FILE* file = std::fopen(draft.c_str(), "w");
    if (file == nullptr) return false;
    const bool written = std::fprintf(file, "%u\n", port) > 0;
    return std::fclose(file) == 0 && written && std::rename(draft.c_str(), path.c_str()) == 0;
}

void describe(CLI::App& app, CommandLine& c) {
    app.add_option("--bind", c.options.bind, "Address to listen on")->capture_default_str();
    app.add_option("--port", c.options.port, "Port; 0 lets the system choose. The first line of output names it")->default_val(18086);
    app.add_option("--port-file", c.port_file, "Write the port into this file when listening");
    app.add_option("--prefix", c.prefixes, "Path before /api/v2/query; may be given several times (default: none and /some/url/path)");
    app.add_option("--token", c.options.token, "The token that is accepted")->capture_default_str();
    app.add_option("--org", c.options.org, "Name of the organization")->capture_default_str();
    app.add_option("--org-id", c.options.org_id, "Id of the organization")->capture_default_str();
    app.add_option("--bucket", c.buckets, "Name of a bucket; may be given several times (default: test-bucket and plant)");
    app.add_option("--empty-bucket", c.options.empty_buckets, "Name of a bucket that holds only what is written; may be given several times");
    app.add_option("--tls", c.tls_directory,
                   "Serve https with ca.pem, server.pem and server.key of this directory; made if absent, for localhost, 127.0.0.1 and ::1");
    app.add_option("--fault", c.faults, fault_help);
    app.add_option("--bench", c.bench, "ROWS,TABLES[,grouped|ungrouped|quoted]: answer every query with so many rows, rendered once");
    app.add_option("--chunk-size", c.options.chunk_size, "Bytes of an HTTP chunk")->capture_default_str();
    app.add_option("--max-connections", c.options.max_connections, "More connections are closed at once")->capture_default_str();
    app.add_flag("--log", c.log, "Print one line a request to standard error");
    app.set_version_flag("--version", FLUXGATE_VERSION);
}

} // namespace

int main(int argc, char** argv) {
    // Blocked before any thread exists, so that sigwait alone gets them.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    CommandLine c;
    CLI::App app{about, "fluxgate-sample-server"};
    describe(app, c);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    if (auto done = complete(c); !done) return complain(done.error(), 2);
    if (!c.tls_directory.empty()) {
        const auto files = ensure_certificates(c.tls_directory);
        if (!files) return complain(files.error(), 1);
        c.options.cert_file = files->cert_file;
        c.options.key_file = files->key_file;
    }
    auto server = Server::start(std::move(c.options));
    if (!server) return complain(server.error(), server.error().code == fluxgate::Errc::invalid_argument ? 2 : 1);
    std::printf("listening on %s\n", (*server)->url().c_str());
    if (std::fflush(stdout) != 0) return 1;
    if (!c.port_file.empty() && !write_port(c.port_file, (*server)->port())) {
        (void)std::fprintf(stderr, "fluxgate-sample-server: %s cannot be written: %s\n", c.port_file.c_str(), std::strerror(errno));
        return 1;
    }
    int signal = 0;
    (void)sigwait(&ends, &signal);
    (*server)->stop();
    return 0;
}
