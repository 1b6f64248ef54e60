// bench_source: times the whole source (HTTP to batches) beside clients that do less with the same answer. Each reading is a
// process of its own on one core, the server is on the other; readings are interleaved; answers are compared before anything
// is timed.
#include "children.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace {

using namespace fluxgate::bench;

constexpr const char* usage = R"(bench_source [OPTION...]
  --rows N --tables N --shape grouped|ungrouped|quoted   what is read (1000000, 200, grouped)
  --port PORT           read from a server that runs already instead; then the answer is whatever that gives
  --scenarios A,B,...   what is timed (floor,source,plain); ratios are to the first:
      floor             a Beast client that discards the answer, reading 64 KiB at once
      beast-default     the same with Beast's own choice: 512 bytes at once
      source            the whole source
      plain             split, RapidJSON's Writer, no jq
      inflate-zlib, inflate-isal   clients that only inflate the compressed answer
      source-gzip       the whole source on the compressed answer
      source-slow-jq    the whole source with a partition expression that cannot be remembered: it reads _time and _value
      source-window     the whole source, reading incrementally, with rowId
      source-verified   the same with verified delivery
      source-lookback   the same with a memory of look-back
      source-again      the same, two windows; the second one's rows are the first one's again, and are left out
      libjq             libjq alone on the messages of that, parsing and evaluating them
  --partitions N        of the source (8)
  --windows N           of what reads incrementally (1, to 9); each gets an answer of its own
  --rounds N            interleaved rounds (9)
  --no-compare          do not compare answers first (the plain loop understands only the benchmark's own rows)
  --json                one JSON line a reading instead of the table)";

// A key of its own in each row, from columns that change in each row.
constexpr const char* slow_expression = R"jq("\(.payload._time) \(.payload._value)")jq";
constexpr std::uint64_t libjq_messages = 200'000;

struct Options {
    std::uint64_t rows = 1'000'000;
    unsigned tables = 200, rounds = 9, partitions = 8, windows = 1;
    std::uint16_t port = 0;
    std::string shape = "grouped";
    std::vector<std::string> scenarios{"floor", "source", "plain"};
    bool compare = true, json = false;

    [[nodiscard]] bool has(const std::string& name) const { return std::find(scenarios.begin(), scenarios.end(), name) != scenarios.end(); }
    [[nodiscard]] bool gzip() const { return has("source-gzip") || has("inflate-zlib") || has("inflate-isal"); }
    [[nodiscard]] std::string answer(std::uint64_t count) const {
        return "rows:" + std::to_string(count) + "," + std::to_string(tables) + "," + shape;
    }
};

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--json") {
            o.json = true;
            continue;
        }
        if (name == "--no-compare") {
            o.compare = false;
            continue;
        }
        if (i + 1 == argc) throw std::runtime_error(usage);
        const std::string value = argv[++i];
        if (name == "--rows") {
            o.rows = std::stoull(value);
        } else if (name == "--tables") {
            o.tables = static_cast<unsigned>(std::stoul(value));
        } else if (name == "--rounds") {
            o.rounds = static_cast<unsigned>(std::stoul(value));
        } else if (name == "--partitions") {
            o.partitions = static_cast<unsigned>(std::stoul(value));
        } else if (name == "--windows") {
            o.windows = static_cast<unsigned>(std::stoul(value));
        } else if (name == "--port") {
            o.port = static_cast<std::uint16_t>(std::stoul(value));
        } else if (name == "--shape") {
            o.shape = value;
        } else if (name == "--scenarios") {
            o.scenarios.clear();
            std::istringstream list{value};
            for (std::string one; std::getline(list, one, ',');)
                o.scenarios.push_back(one);
        } else {
            throw std::runtime_error(usage);
        }
    }
    if (o.scenarios.empty() || o.rounds == 0 || o.windows == 0) throw std::runtime_error(usage);
    return o;
}

bool is_incremental(const std::string& scenario) {
    return scenario == "source-window" || scenario == "source-verified" || scenario == "source-lookback" || scenario == "source-again";
}

Measured read(const std::string& scenario, Target target, bool verify) {
    Measured m;
    std::uint64_t sum = 0;
    const OnBatch on_batch = verify ? OnBatch{[&](const fg_batch& batch) { sum += payload_sum(batch); }} : OnBatch{};
    if (scenario == "floor") {
        m = fluxgate::bench::floor(target, Reads::large);
    } else if (scenario == "beast-default") {
        m = fluxgate::bench::floor(target, Reads::as_it_comes);
    } else if (scenario == "plain") {
        m = plain(target, verify);
        sum = m.checksum;
    } else if (scenario == "inflate-zlib") {
        m = inflate_zlib(target);
    } else if (scenario == "inflate-isal") {
        m = inflate_isal(target);
    } else if (scenario == "source" || scenario == "source-gzip" || scenario == "source-slow-jq") {
        target.gzip = scenario == "source-gzip";
        if (scenario == "source-slow-jq") target.expression = slow_expression;
        m = source(target, on_batch);
    } else if (is_incremental(scenario)) {
        target.incremental = scenario == "source-window"     ? "}"
                             : scenario == "source-verified" ? R"(},"delivery":"verified")"
                                                             : R"(,"lookback":"8h"})";
        if (scenario == "source-again") { // both windows end where the server gives the same answer
            target.window_minutes = 5 * target.windows;
            target.windows = 2;
        }
        m = source(target, on_batch);
    } else if (scenario == "libjq") {
        target.expression = slow_expression;
        m = libjq_alone(target, libjq_messages);
    } else {
        throw std::runtime_error("there is no scenario " + scenario + "\n" + usage);
    }
    m.checksum = sum;
    return m;
}

Reading reading(const std::string& scenario, const Target& target, bool verify = false) {
    return read_in_child([&] { return read(scenario, target, verify); });
}

// What the plain loop reads: the first answer, or those of all windows.
Measured plain_answer(Target target, std::uint32_t windows) {
    Measured all;
    for (std::uint32_t i = 0; i < windows; ++i) {
        if (windows > 1) target.now = window_end(i);
        const Measured m = reading("plain", target, true).measured;
        all.rows += m.rows;
        all.checksum += m.checksum;
    }
    return all;
}

// Every kind of source that will be timed gives the payloads of the plain loop.
void compare_answers(const Options& o, const Target& target) {
    const Measured one = plain_answer(target, 1), every = plain_answer(target, o.windows);
    Target last = target;
    last.now = window_end(o.windows - 1);
    const Measured repeated = plain_answer(last, 1);
    for (const std::string& name : o.scenarios) {
        if (name.rfind("source", 0) != 0) continue;
        const bool again = name == "source-again", of_all = is_incremental(name) && !again;
        const Measured& wanted = again ? repeated : of_all ? every : one;
        const std::uint64_t rows = o.rows * (of_all ? o.windows : 1);
        const Measured m = reading(name, target, true).measured;
        if (m.rows != wanted.rows || m.rows == 0 || m.checksum != wanted.checksum || (o.port == 0 && m.rows != rows)) {
            throw std::runtime_error("the answers of " + name + " and the plain loop differ: " + std::to_string(m.rows) + " and " +
                                     std::to_string(wanted.rows) + " rows");
        }
        if (!o.json)
            std::printf("answers agree: %llu rows, the same payloads from %s and the plain loop\n", static_cast<unsigned long long>(m.rows),
                        name.c_str());
    }
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// What the rounds gave for one scenario.
struct Series {
    std::vector<double> wall, cpu, wall_ratio, cpu_ratio; // ns a row, and over the first scenario's
    long peak_kib = 0;
};

void print_json(const std::string& name, unsigned round, const Reading& r, double rows) {
    const Measured& m = r.measured;
    std::printf(R"({"scenario":"%s","round":%u,"rows":%.0f,"bytes":%llu,"seconds":%.6f,"cpu_seconds":%.6f,"peak_kib":%ld,"allocations":%llu})"
                "\n",
                name.c_str(), round, rows, static_cast<unsigned long long>(m.bytes), m.seconds, m.cpu_seconds, r.peak_kib,
                static_cast<unsigned long long>(m.allocations));
}

// Clients that read the body have read the same one. The source's bytes are those of messages.
void same_body(const std::string& name, std::uint64_t bytes, std::uint64_t& wanted) {
    if (name.rfind("source", 0) == 0 || name == "libjq") return;
    if (wanted == 0) wanted = bytes;
    if (bytes == 0 || bytes != wanted)
        throw std::runtime_error(name + " read " + std::to_string(bytes) + " bytes of body, not " + std::to_string(wanted));
}

std::map<std::string, Series> time_scenarios(const Options& o, const Target& target) {
    std::map<std::string, Series> all;
    std::uint64_t body = 0;
    for (unsigned round = 0; round < o.rounds; ++round) {
        double first_wall = 0, first_cpu = 0;
        for (const std::string& name : o.scenarios) {
            const Reading r = reading(name, target);
            same_body(name, r.measured.bytes, body);
            const double rows = static_cast<double>(r.measured.rows != 0 ? r.measured.rows : o.rows); // the floor counts none
            const double wall = r.measured.seconds / rows * 1e9, cpu = r.measured.cpu_seconds / rows * 1e9;
            if (name == o.scenarios.front()) {
                first_wall = wall;
                first_cpu = cpu;
            }
            Series& s = all[name];
            s.wall.push_back(wall);
            s.cpu.push_back(cpu);
            s.wall_ratio.push_back(wall / first_wall);
            s.cpu_ratio.push_back(cpu / first_cpu);
            s.peak_kib = std::max(s.peak_kib, r.peak_kib);
            if (o.json) print_json(name, round, r, rows);
        }
    }
    return all;
}

void print_table(const Options& o, const std::map<std::string, Series>& all) {
    const std::string first = o.scenarios.front();
    std::printf("%-15s %12s %10s %10s %12s %14s %10s\n", "", "rows/s", "ns/row", "x time", "CPU ns/row", "x CPU", "peak MiB");
    for (const std::string& name : o.scenarios) {
        const Series& s = all.at(name);
        const double wall = median(s.wall);
        std::printf("%-15s %12.0f %10.0f %10.2f %12.0f %14.2f %10.1f\n", name.c_str(), 1e9 / wall, wall, median(s.wall_ratio), median(s.cpu),
                    median(s.cpu_ratio), static_cast<double>(s.peak_kib) / 1024.0);
    }
    std::printf("x: over %s, the median of the rounds' ratios\n", first.c_str());
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Options o = parse(argc, argv);
        std::unique_ptr<Server> server;
        Target target;
        target.partitions = o.partitions;
        target.windows = o.windows;
        target.port = o.port;
        if (o.port == 0) {
            server = std::make_unique<Server>(o.answer(o.rows), o.windows, o.gzip());
            target.port = server->port();
        }
        if (o.compare) compare_answers(o, target);
        if (!o.json && o.port == 0) {
            std::printf("%llu rows, %u tables, %s; medians of %u interleaved rounds, client on one core, server on the other\n",
                        static_cast<unsigned long long>(o.rows), o.tables, o.shape.c_str(), o.rounds);
        }
        const auto all = time_scenarios(o, target);
        if (!o.json) print_table(o, all);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_source: " << error.what() << "\n";
        return 1;
    }
}
