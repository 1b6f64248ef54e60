// Times the whole source (HTTP to batches) beside a Beast client that discards the same answer (the floor) and beside a plain
// loop. Each reading is a process of its own on one core, the server is on the other; readings are interleaved; answers are
// compared before anything is timed.
#include "scenarios.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using fluxgate::bench::Measured;
using fluxgate::bench::Target;

struct Options {
    std::uint64_t rows = 1'000'000;
    unsigned tables = 200, rounds = 9;
    std::string shape = "grouped";
};

struct Reading {
    Measured measured;
    long peak_kib = 0;
};

void pin(unsigned core) {
    if (std::thread::hardware_concurrency() < 2) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set); // where this is refused the figures are only noisier
}

// The sample server with one pre-rendered answer, as a process.
class Server {
public:
    Server(const Options& options, std::uint64_t rows) {
        char name[] = "/tmp/fluxgate-bench-XXXXXX";
        const int fd = mkstemp(name);
        if (fd < 0) throw std::runtime_error("no temporary file can be made");
        close(fd);
        std::remove(name);
        const std::string port_file = name;
        const std::string bench = std::to_string(rows) + "," + std::to_string(options.tables) + "," + options.shape;
        const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate-sample-server";
        std::fflush(stdout); // or the child would print it once more
        pid_ = fork();
        if (pid_ == 0) {
            pin(1);
            std::freopen("/dev/null", "w", stdout);
            execl(program.c_str(), program.c_str(), "--port", "0", "--port-file", port_file.c_str(), "--bench", bench.c_str(), nullptr);
            _exit(127);
        }
        for (int i = 0; i < 600 && port_ == 0; ++i) {
            std::ifstream{port_file} >> port_;
            if (port_ == 0) std::this_thread::sleep_for(std::chrono::milliseconds{50});
        }
        std::remove(port_file.c_str());
        if (port_ == 0) throw std::runtime_error("the sample server did not start");
    }
    ~Server() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

// One scenario in a process of its own.
Reading read_in_child(const std::string& scenario, std::uint16_t port, bool verify) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    const pid_t child = fork();
    if (child == 0) {
        pin(0);
        Target target;
        target.port = port;
        Measured m;
        try {
            namespace bench = fluxgate::bench;
            m = scenario == "floor"      ? bench::floor(target)
                : scenario == "source"   ? bench::source(target, verify)
                : scenario == "window"   ? bench::windowed(target, verify)
                : scenario == "verified" ? bench::windowed(target, verify, R"(},"delivery":"verified")")
                : scenario == "lookback" ? bench::windowed(target, verify, R"(,"lookback":"1h"})")
                                         : bench::plain(target, verify);
        } catch (const std::exception& error) {
            std::cerr << scenario << ": " << error.what() << "\n";
            _exit(1);
        }
        _exit(write(ends[1], &m, sizeof m) == sizeof m ? 0 : 1);
    }
    close(ends[1]);
    Reading reading;
    const bool whole = read(ends[0], &reading.measured, sizeof reading.measured) == sizeof reading.measured;
    close(ends[0]);
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    if (!whole || status != 0) throw std::runtime_error("the scenario " + scenario + " failed");
    reading.peak_kib = usage.ru_maxrss;
    return reading;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i], value = argv[i + 1];
        if (name == "--rows")
            o.rows = std::stoull(value);
        else if (name == "--tables")
            o.tables = static_cast<unsigned>(std::stoul(value));
        else if (name == "--rounds")
            o.rounds = static_cast<unsigned>(std::stoul(value));
        else if (name == "--shape")
            o.shape = value;
        else
            throw std::runtime_error("unknown option " + name + "; there are --rows, --tables, --rounds, --shape grouped|ungrouped|quoted");
    }
    return o;
}

void compare_answers(const Options& o, std::uint16_t port) {
    const Measured a = read_in_child("source", port, true).measured, b = read_in_child("plain", port, true).measured;
    for (const char* windowed : {"window", "verified", "lookback"}) {
        const Measured w = read_in_child(windowed, port, true).measured;
        if (w.rows != a.rows || w.checksum != a.checksum) throw std::runtime_error(std::string{windowed} + " does not agree with the source");
    }
    if (a.rows != o.rows || b.rows != o.rows || a.checksum != b.checksum) {
        throw std::runtime_error("the source and the plain loop do not agree: " + std::to_string(a.rows) + " and " + std::to_string(b.rows) +
                                 " rows");
    }
    std::printf("answers agree: %llu rows, the same payloads from the source and the plain loop\n", static_cast<unsigned long long>(a.rows));
}

void time_scenarios(const Options& o, std::uint16_t port) {
    const std::vector<std::string> names{"floor", "source", "window", "verified", "lookback", "plain"};
    std::map<std::string, std::vector<double>> wall, cpu, wall_ratio, cpu_ratio;
    std::map<std::string, long> peak;
    for (unsigned round = 0; round < o.rounds; ++round) {
        Measured floor;
        for (const std::string& name : names) {
            const Reading r = read_in_child(name, port, false);
            if (name == "floor") floor = r.measured;
            wall[name].push_back(r.measured.seconds);
            cpu[name].push_back(r.measured.cpu_seconds);
            wall_ratio[name].push_back(r.measured.seconds / floor.seconds);
            cpu_ratio[name].push_back(r.measured.cpu_seconds / floor.cpu_seconds);
            peak[name] = std::max(peak[name], r.peak_kib);
        }
    }
    std::printf("%-8s %14s %12s %14s %12s %10s\n", "", "rows/s", "x floor", "CPU ns/row", "x floor CPU", "peak MiB");
    const auto rows = static_cast<double>(o.rows);
    for (const std::string& name : names) {
        std::printf("%-8s %14.0f %12.2f %14.0f %12.2f %10.1f\n", name.c_str(), rows / median(wall[name]), median(wall_ratio[name]),
                    median(cpu[name]) / rows * 1e9, median(cpu_ratio[name]), static_cast<double>(peak[name]) / 1024.0);
    }
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Options o = parse(argc, argv);
        const Server server{o, o.rows};
        compare_answers(o, server.port());
        std::printf("%llu rows, %u tables, %s; medians of %u interleaved rounds, client on one core, server on the other\n",
                    static_cast<unsigned long long>(o.rows), o.tables, o.shape.c_str(), o.rounds);
        time_scenarios(o, server.port());
        // memory does not grow with rows
        const Server small{o, std::max<std::uint64_t>(o.rows / 10, 1)};
        const long few = read_in_child("source", small.port(), false).peak_kib, all = read_in_child("source", server.port(), false).peak_kib;
        std::printf("peak memory of the source: %.1f MiB for a tenth of the rows, %.1f MiB for all\n", static_cast<double>(few) / 1024.0,
                    static_cast<double>(all) / 1024.0);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_source: " << error.what() << "\n";
        return 1;
    }
}
