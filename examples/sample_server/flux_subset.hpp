// The subset of Flux that the sample server understands, as values. Everything else is refused in the words of the real
// server, with the place in the query.
//
//   from(bucket:) |> range(start:, stop:) |> filter(fn: (r) => ...) |> limit(n:, offset:) |> group(columns:, mode:)
//   |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") |> keep(columns:) |> drop(columns:)
//   |> first() |> last() |> count() |> yield(name:), buckets() and four functions of influxdata/influxdb/schema instead of
//   from and range, several pipelines a query, `import`, `option v = {...}`, now(), v.timeRangeStart and the like
#pragma once

#include "fluxgate/error.hpp"
#include "table.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fluxgate::sample {

// A time, or a duration that is added to the query's `now`.
struct TimeSpec {
    bool relative = false;
    std::int64_t ns = 0;
};

struct Environment {
    Time now;
    std::map<std::string, TimeSpec> v = {}; // members of option v as the request's `extern` sets them
    bool v_is_set = false;                  // then a query that says `option v` is refused
    std::vector<std::string> buckets = {};  // what buckets() answers
    std::string org_id = {};
};

struct Predicate {
    enum class Kind { equal, not_equal, all, any, negation };
    Kind kind = Kind::all; // `all` of nothing is true
    std::string column = {}, value = {};
    std::vector<Predicate> parts = {};
};

struct Range {
    Time start, stop; // half-open
};
struct Limit {
    std::int64_t count = 0, offset = 0;
};
struct Group {
    std::vector<std::string> columns;
    bool except = false;
};
struct Select {
    std::vector<std::string> columns;
    bool keep = true;
};
struct Pivot {};
struct First {};
struct Last {};
struct Count {};
struct Yield {
    std::string name;
};
using Step = std::variant<Predicate, Limit, Group, Select, Pivot, First, Last, Count, Yield>;

// What is asked for instead of points: buckets(), schema.measurements(), .measurementFieldKeys(), .measurementTagKeys() or
// .measurementTagValues().
struct Catalogue {
    enum class Kind { buckets, measurements, field_keys, tag_keys, tag_values };
    Kind kind = Kind::buckets;
    std::string measurement = {}, tag = {};
    std::vector<std::string> buckets = {};
    std::string org_id = {};
};

struct Pipeline {
    std::string bucket; // empty for buckets()
    Range range;
    std::optional<Catalogue> catalogue = {};
    std::vector<Step> steps; // the last one is a Yield
};

struct Query {
    std::vector<Pipeline> pipelines;
};

// An Error carries the server's message and its HTTP status.
Result<Query> read_query(std::string_view text, const Environment& environment);

} // namespace fluxgate::sample
