// InfluxDB's line protocol, read as a 2.7 server reads it:
//
//   measurement[,tag=value...] field=value[,field=value...] [timestamp]
//
// No I/O, no clock. Names and tag values escape commas, blanks and (but for the measurement) equals signs with a backslash;
// any other backslash stands for itself, so none of them can end with one. Strings are in double quotes and escape `"` and
// `\`. Floats are bare, integers end with i, unsigned ones with u.
#pragma once

#include "fluxgate/error.hpp"
#include "table.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fluxgate::sample {

using FieldValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;

struct Point {
    std::string measurement;
    std::vector<std::pair<std::string, std::string>> tags; // sorted by key, each key once
    std::vector<std::pair<std::string, FieldValue>> fields;
    Time time;
};

// Nanoseconds of one unit of a request's `precision`: "ns", "us", "ms" or "s". Nothing for another text.
std::optional<std::int64_t> precision_unit(std::string_view precision);

// All lines of a body. Comments (#) and empty lines are skipped; a line without a timestamp gets `now`. One bad line fails
// the whole body, as on the server; the Error has status 400 and names each bad line and what is wrong with it, at most ten.
Result<std::vector<Point>> parse_lines(std::string_view body, std::int64_t unit, Time now);

} // namespace fluxgate::sample
