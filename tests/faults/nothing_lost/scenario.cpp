#include "scenario.hpp"

#include "sample_server/engine.hpp"

#include <cstdio>
#include <cstdlib>

namespace fluxgate::nothing_lost {

namespace {

constexpr Instant second = 1'000'000'000, minute = 60 * second;

// Where a query's names of the window's edges are, its literal edges.
std::string with_edges(std::string query, const Edges& range) {
    for (const auto& [name, value] : {std::pair{"v.timeRangeStart", range.start}, std::pair{"v.timeRangeStop", range.stop}}) {
        const std::string from = name;
        query.replace(query.find(from), from.size(), text_of(value));
    }
    return query;
}

std::string quoted(const std::string& text) {
    std::string out;
    sample::append_json_string(out, text);
    return out;
}

// A payload's _time, and the payload without the two columns that depend on the window.
Row row_of(std::string payload) {
    const std::string mark = "\"_time\":\"";
    const std::size_t at = payload.find(mark) + mark.size();
    const auto time = sample::parse_time(std::string_view{payload}.substr(at, payload.find('"', at) - at));
    if (payload.rfind(R"({"_start":")", 0) == 0) payload.erase(1, payload.find(',', payload.find(',') + 1));
    return {time ? time->ns : 0, std::move(payload)};
}

} // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> out;
        const auto add = [&](const char* name, Sink sink, std::uint32_t share) -> Scenario& {
            out.push_back({});
            out.back().name = name;
            out.back().sink = sink;
            out.back().share = share;
            return out.back();
        };
        const auto set = [](Scenario& s, bool verified, bool gzip, std::uint32_t concurrency) -> Scenario& {
            s.verified = verified;
            s.gzip = gzip;
            s.concurrency = concurrency;
            return s;
        };
        set(add("files, streaming", Sink::lines, 10), false, false, 1);
        set(add("files, verified, gzip", Sink::lines, 10), true, true, 1);
        set(add("files, streaming, gzip, 4 at once", Sink::lines, 10), false, true, 4);
        set(add("arrays, verified, 4 at once", Sink::arrays, 10), true, false, 4);
        set(add("files, streaming, read, aligned", Sink::lines, 10), false, false, 2).read = true;
        set(add("files, streaming, late rows", Sink::lines, 11), false, false, 1).lookback = true;
        set(add("files, verified, gzip, late rows, 4 at once", Sink::lines, 11), true, true, 4).lookback = true;
        set(add("stdout, streaming", Sink::pipe, 9), false, false, 1);
        set(add("stdout, verified, gzip, late rows, 4 at once", Sink::pipe, 11), true, true, 4).lookback = true;
        set(add("stdout, streaming, slow reader, 4 at once", Sink::pipe, 3), false, false, 4).slow_reader = true;
        set(add("stdout, verified, slow reader", Sink::pipe, 3), true, false, 1).slow_reader = true;
        return out;
    }();
    return all;
}

Settings draw_settings(const Scenario& scenario, Random& random, std::uint32_t most_kills, Instant now) {
    Settings out;
    out.kills = static_cast<std::uint32_t>(20 + draw(random, 30));
    out.file_ms = static_cast<std::uint32_t>(10 + draw(random, 30));
    out.life_ms = 150 * patience;
    out.pipe_bytes = !scenario.slow_reader && chance(random, 50) ? 4096u : 65536u;
    out.query = R"(from(bucket: "plant") |> range(start: v.timeRangeStart, stop: v.timeRangeStop))"
                R"( |> filter(fn: (r) => r._measurement == "stat" or r._measurement == "machine"))";
    if (scenario.read || chance(random, 50)) out.query += R"( |> drop(columns: ["_start", "_stop"]))";
    out.window = static_cast<Instant>(20 + draw(random, 60)) * second;
    if (scenario.slow_reader) {
        out.kills = static_cast<std::uint32_t>(8 + draw(random, 8));
        out.window = static_cast<Instant>(180 + draw(random, 120)) * minute; // more than the sockets hold
        out.life_ms = 1500 * patience;
    }
    if (scenario.read) {
        out.align = static_cast<Instant>(5 + draw(random, 20)) * second;
        out.window = out.align * static_cast<Instant>(1 + draw(random, 2));
    }
    out.kills = std::min(out.kills, most_kills);
    const Instant windows = scenario.slow_reader ? 3 : static_cast<Instant>(4 + out.kills * ((scenario.lookback ? 3 : 6) + draw(random, 6)));
    Instant end = 0;
    if (scenario.lookback) { // near to now: only there rows can be late
        out.window /= 2;
        out.lookback = static_cast<Instant>(60 + draw(random, 120)) * second;
        end = now - 2 * second;
    } else {
        constexpr Instant long_ago = 1'774'746'000'000'000'000; // 2026-03-29T01:00:00Z, when clocks change
        end = long_ago + static_cast<Instant>(draw(random, 1000)) * minute + static_cast<Instant>(draw(random, 1'000'000'000));
    }
    if (scenario.read) end -= end % out.align;
    out.range = {end - windows * out.window + (scenario.read ? 0 : static_cast<Instant>(draw(random, 1000))), end};
    out.trouble.gzip = scenario.gzip;
    out.trouble.percent = static_cast<std::uint32_t>(chance(random, 20) ? 0 : 5 + draw(random, 25));
    out.trouble.body_bytes = static_cast<std::uint64_t>(out.window / second) * (scenario.gzip ? 60 : 400);
    out.trouble.stall = std::chrono::milliseconds{400 * patience};
    out.trouble.timeout = std::chrono::milliseconds{(scenario.slow_reader ? 300 : 4000) * patience};
    return out;
}

std::string document(const Scenario& scenario, const Settings& settings, std::uint16_t port, const std::string& output) {
    std::string patient = std::to_string(300 * patience) + "ms";
    std::string source = R"({"type": "input/influxdbv2@v1", "displayName": "plant", "url": "http://127.0.0.1", "port": )" + std::to_string(port) +
                         R"(, "organization": "test-org", "interval": "20ms", "format": {"type": "json"},
    "authentication": {"type": "accessToken", "accessToken": "NOTHING_LOST_TOKEN"},
    )" +
                         (scenario.read ? R"("read": {"bucket": "plant", "measurements": ["stat", "machine"]})"
                                        : R"("query": {"expression": )" + quoted(settings.query) + "}") +
                         R"(,
    "incremental": {"start": ")" +
                         text_of(settings.range.start) + R"(", "stop": ")" + text_of(settings.range.stop) + R"(", "delay": "0s", "window": ")" +
                         std::to_string(settings.window) + R"(ns", "lookback": ")" + std::to_string(settings.lookback) + R"(ns", "concurrency": )" +
                         std::to_string(scenario.concurrency) + (scenario.read ? R"(, "align": ")" + std::to_string(settings.align) + "ns\"" : "") +
                         R"(},
    "delivery": ")" + (scenario.verified ? "verified" : "streaming") +
                         R"(", "compression": ")" + (scenario.gzip ? "gzip" : "none") + R"(",
    "timeouts": {"connect": "2s", "firstByte": ")" +
                         patient + R"(", "idle": ")" + patient + R"("}, "retry": {"type": "exponential", "initial": "5ms", "max": "60ms"},
    "partitionCount": 4, "partitionStrategy": {"type": "key", "expression": ".payload._field"}, "next": ["out"]})";
    std::string sink = R"({"displayName": "out", "type": "output/stdout@v1", "format": {"type": "json", "path": "."}})";
    if (scenario.sink != Sink::pipe)
        sink = R"({"displayName": "out", "type": "output/file@v1", "rootDirectory": )" + quoted(output) +
               R"(, "filePath": "{{partitionId}}/{{fileNumber}}.json", "format": {"type": ")" +
               (scenario.sink == Sink::arrays ? "json" : "jsonStream") + R"(", "path": "."}, "batch": {"time": ")" +
               std::to_string(settings.file_ms) + R"(ms", "path": "."}})";
    const std::string queue = scenario.slow_reader ? R"("queue": {"maxBytes": "64KiB", "totalBytes": "128KiB"}, )" : "";
    return R"({"displayName": "nothing lost", )" + queue + "\n  \"input\": " + source + ",\n  \"stages\": {\"out\": " + sink + "}}\n";
}

std::vector<Row> expected_rows(const Settings& settings, const Edges& range, const sample::Written& written) {
    const auto expected = sample::expect(with_edges(settings.query, range), sample::Time{range.stop}, written);
    if (!expected.ok() || !expected->error.empty()) { // nothing can be proven without it
        (void)std::fprintf(stderr, "nothing_lost: the oracle does not answer: %s\n",
                           expected.ok() ? expected->error.c_str() : expected.error().text().c_str());
        std::exit(3);
    }
    std::vector<Row> out;
    out.reserve(expected->messages.size());
    for (const sample::ExpectedMessage& m : expected->messages)
        out.push_back(row_of(m.payload));
    return out;
}

} // namespace fluxgate::nothing_lost
