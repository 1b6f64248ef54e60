// The values, columns and tables that the sample server moves between its generator, its query engine and its encoders,
// and the texts that InfluxDB writes for them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fluxgate::sample {

constexpr std::int64_t second_ns = 1'000'000'000;

// Nanoseconds since 1970-01-01T00:00:00Z; the whole int64 range (years 1677 to 2262) is a valid time.
struct Time {
    std::int64_t ns = 0;
    friend bool operator==(Time a, Time b) { return a.ns == b.ns; }
    friend bool operator<(Time a, Time b) { return a.ns < b.ns; }
};

using Null = std::monostate;
// Strings are views: of the plant's static texts, or of a series that lives as long as the program.
using Value = std::variant<Null, bool, std::int64_t, std::uint64_t, double, std::string_view, Time>;
using Row = std::vector<Value>;

enum class Type { boolean, integer, unsigned_integer, floating, string, time };

struct Column {
    std::string name;
    Type type = Type::string;
    bool grouped = false; // part of the group key
    friend bool operator==(const Column& a, const Column& b) { return a.name == b.name && a.type == b.type && a.grouped == b.grouped; }
};

// Takes one row; false ends the delivery. The row is valid during the call.
using RowSink = std::function<bool(const Row&)>;

struct Table {
    std::vector<Column> columns;
    Row key; // as long as columns: the value of each grouped column, null for the others
    // Delivers the rows in order, the same ones at every call. Answers the text of a runtime error, or nothing.
    std::function<std::optional<std::string>(const RowSink&)> rows;
};

// One yield of a query.
struct NamedResult {
    std::string name;
    std::vector<Table> tables; // those without rows are left out of an answer
};

// The name of a type in #datatype, e.g. "dateTime:RFC3339".
std::string_view datatype(Type type);

// As Go's strconv.FormatFloat(v, 'f', -1, 64): the shortest digits that read back, never an exponent; NaN, +Inf, -Inf.
void append_double(std::string& out, double value);

// As Go's time.RFC3339Nano in UTC: 0 to 9 fraction digits without trailing zeros.
void append_time(std::string& out, Time time);
std::string time_text(Time time);

// RFC 3339 with any offset, or a bare date (midnight UTC). Nothing when the text is no such time or lies outside int64.
std::optional<Time> parse_time(std::string_view text);

// The text of a value as a CSV field holds it, before quoting. Null is empty.
void append_text(std::string& out, const Value& value);

} // namespace fluxgate::sample
