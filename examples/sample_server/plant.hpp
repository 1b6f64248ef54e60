// The plant: endless, deterministic measurements. A point is a pure function of its series and its sample number, so any
// range, past or future, can be computed again by anyone who includes this header. No I/O, no clock, no state.
#pragma once

#include "table.hpp"

#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace fluxgate::sample {

// What the values of a series look like.
enum class Shape {
    temperature,
    vibration,
    power,
    count,         // long, one more a sample
    total,         // unsignedLong, rises with the time since 1970, wraps
    running,       // boolean
    status,        // plain words
    note,          // strings that are hard to carry: commas, quotes, line ends, control characters, empty, emoji
    edge_double,   // the limits of double: largest, smallest, -0, 1e21, ...
    edge_integer,  // the limits of long
    edge_unsigned, // the limits of unsignedLong
};

// What tells one series from another. The order is the server's: measurement, tag set, field.
struct SeriesKey {
    std::string measurement;
    std::vector<std::pair<std::string, std::string>> tags; // sorted by key
    std::string field;
    friend bool operator<(const SeriesKey& a, const SeriesKey& b) {
        return std::tie(a.measurement, a.tags, a.field) < std::tie(b.measurement, b.tags, b.field);
    }
};

// One field of one tag set: a table of a plain query. Sample k stands at k * period + offset.
struct Series : SeriesKey {
    Shape shape = Shape::temperature;
    std::int64_t period = 0; // nanoseconds
    std::int64_t offset = 0; // nanoseconds, less than period
    std::uint32_t every = 1; // only each so-many-th sample exists, which makes nulls when fields are pivoted
    std::uint64_t id = 0;    // seeds the values
};

// All series in the order of their keys.
const std::vector<Series>& plant();

Type type_of(Shape shape);

// The first sample at or after `from`; samples of [start, stop) are first_sample(start) .. first_sample(stop) - 1.
std::int64_t first_sample(const Series& series, Time from);
Time sample_time(const Series& series, std::int64_t k);
bool sample_exists(const Series& series, std::int64_t k);
Value sample_value(const Series& series, std::int64_t k);

} // namespace fluxgate::sample
