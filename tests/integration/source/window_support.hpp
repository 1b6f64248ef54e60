// What the tests of incremental reading share: documents, hosts with a clock that stands, and what came out.
#pragma once

#include "support/catch.hpp"
#include "support/source_driver.hpp"
#include "window/cursor.hpp"
#include "window_server.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>

namespace fluxgate::test::windows {

using Got = test::SourceDriver::Got;
using window::Edges;
using window::Instant;

inline constexpr std::int64_t s = 1'000'000'000, minute = 60 * s;
inline const Instant noon = *window::parse_instant("2026-01-01T12:00:00Z");

inline const std::string flux = R"(from(bucket:\"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop))";

// A document with this `incremental` (without its braces).
inline std::string document(const test::WindowServer& server, const std::string& incremental, const std::string& more = {},
                            const std::string& query = flux) {
    std::string text = test::influx_document(server.port(), R"(,"incremental":{)" + incremental + "}" + more);
    const std::string plain = R"(from(bucket:\"plant\") |> range(start: -1h))";
    return text.replace(text.find(plain), plain.size(), query);
}

struct Run {
    test::RecordingHost host;
    explicit Run(Instant now = noon) {
        host.set_secret("INFLUX_TOKEN", "t");
        host.set_wall(now);
    }
};

inline std::string member(const std::string& message, const std::string& name) {
    const std::string key = "\"" + name + "\":\"";
    const std::size_t at = message.find(key);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + key.size();
    return message.substr(begin, message.find('"', begin) - begin);
}

// _time and value of each message, with how often it came.
inline std::map<std::string, int> rows_of(const test::SourceDriver& source) {
    std::map<std::string, int> out;
    for (const test::Delivered& m : source.messages()) {
        const std::size_t value = m.payload.find("\"_value\":") + 9;
        ++out[member(m.payload, "_time") + " " + m.payload.substr(value, m.payload.find_first_of(",}", value) - value) + " " +
              member(m.payload, "host")];
    }
    return out;
}

inline std::set<std::string> ids_of(const test::SourceDriver& source) {
    std::set<std::string> out;
    for (const test::Delivered& m : source.messages())
        out.insert(member(m.text, "rowId"));
    return out;
}

inline window::Cursor cursor_of(const test::RecordingHost& host) {
    const auto state = host.state();
    REQUIRE(state.count("cursor") == 1);
    const auto parsed = window::parse_cursor(state.at("cursor"));
    REQUIRE(parsed.ok());
    return *parsed;
}

// Goes on until the cursor stands there.
inline bool until_position(test::SourceDriver& source, const test::RecordingHost& host, Instant position) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (cursor_of(host).position != position && std::chrono::steady_clock::now() < end)
        if (source.next(std::chrono::milliseconds{10}) == Got::error) return false;
    return cursor_of(host).position == position;
}

} // namespace fluxgate::test::windows
