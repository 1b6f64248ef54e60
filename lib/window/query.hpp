// What a query is made of as far as reading in windows is concerned, and what is sent with it.
#pragma once

#include "window/instant.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::window {

struct QueryRules {
    bool aligned = false;    // `align` is given
    bool row_wise = false;   // `rowWise` is true
    bool has_period = false; // v.windowPeriod has a value
};

// Why a query cannot be read in windows; empty: it can. One sentence a fault: v.timeRangeStart or v.timeRangeStop is not used,
// another member of v is, `option v` is set, a string does not end, or (without align and rowWise) something is called that may
// look at several rows of a window together.
[[nodiscard]] std::vector<std::string> query_faults(std::string_view query, const QueryRules& rules);

// Whether the query refers to v.windowPeriod.
[[nodiscard]] bool uses_window_period(std::string_view query);

// The request's `extern`: the syntax tree of `option v = {timeRangeStart: ..., timeRangeStop: ..., windowPeriod: ...}` as JSON
// text. A period of 0 is left out.
[[nodiscard]] std::string extern_json(const Edges& range, std::int64_t window_period_ns);

// What `read` asks for.
struct ReadSpec {
    std::string bucket;
    std::vector<std::string> measurements, fields, columns; // empty: all; columns: all but _start and _stop
    std::vector<std::string> others_than = {};              // measurements whose rows are left out
};

// The Flux that reads it: names are quoted as strings, whatever they hold.
[[nodiscard]] std::string flux_of(const ReadSpec& read);

// The Flux that names the measurements which have rows of it, one a row in the column _value. InfluxDB answers it from its index.
[[nodiscard]] std::string flux_of_measurements(const ReadSpec& read);

} // namespace fluxgate::window
