#include "window/query.hpp"

#include "window/flux_text.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace fluxgate::window {

namespace {

using Kind = Token::Kind;

constexpr std::array<std::string_view, 8> keywords{"and", "or", "not", "return", "then", "else", "if", "exists"};

// Each row of what these give is made of one row of what they take, and they give a row in the same way whatever rows are around
// it. `duplicate` copies a column; `group` changes the tables, not the rows.
constexpr std::array<std::string_view, 11> row_by_row{"from",   "range", "filter",    "map",   "keep", "drop",
                                                      "rename", "set",   "duplicate", "group", "yield"};
constexpr std::array<std::string_view, 14> conversions{"bool", "bytes",  "duration", "float", "int",      "string", "time",
                                                       "uint", "toBool", "toFloat",  "toInt", "toString", "toTime", "toUInt"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

class Inspection {
public:
    explicit Inspection(std::string_view query) : tokens_(tokens_of(query)) {
        match_brackets();
        find_bindings();
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (is(i, Kind::broken)) broken_ = true;
            if (is(i, Kind::name)) name_at(i);
            if (is(i, "(") && i > 0 && (is(i - 1, ")") || is(i - 1, "]") || is(i - 1, "}"))) note_call("(...)");
        }
    }

    [[nodiscard]] bool broken() const { return broken_; }
    [[nodiscard]] bool sets_v() const { return sets_v_; }
    [[nodiscard]] bool uses(std::string_view member) const { return members_.count(member) != 0; }
    [[nodiscard]] const std::set<std::string_view>& members() const { return members_; }
    [[nodiscard]] const std::vector<std::string>& calls() const { return calls_; } // each once, the first hundred

private:
    [[nodiscard]] bool is(std::size_t i, Kind kind) const { return i < tokens_.size() && tokens_[i].kind == kind; }
    [[nodiscard]] bool is(std::size_t i, std::string_view symbol) const { return is(i, Kind::symbol) && tokens_[i].text == symbol; }

    // Imports of schema, functions that the query defines, and whether a function calls a parameter of its own v.
    void find_bindings() {
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (!is(i, Kind::name)) continue;
            const std::string_view name = tokens_[i].text;
            if (name == "import") {
                const bool alias = is(i + 1, Kind::name);
                const std::size_t path = alias ? i + 2 : i + 1;
                if (is(path, Kind::string) && tokens_[path].text == "\"influxdata/influxdb/schema\"")
                    schema_ = alias ? tokens_[i + 1].text : "schema";
            } else if (is(i + 1, "=") && is(i + 2, "(")) {
                if (is(closing_[i + 2] + 1, "=>")) defined_.insert(name);
            } else if (name == "v" && is_parameter(i)) {
                shadowed_ = true;
            }
        }
    }

    // In one pass, for a query may be long and its brackets deep.
    void match_brackets() {
        const std::size_t nowhere = tokens_.size();
        closing_.assign(tokens_.size(), nowhere);
        around_.assign(tokens_.size(), nowhere);
        std::vector<std::size_t> open;
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (!open.empty()) around_[i] = open.back();
            if (is(i, "(")) open.push_back(i);
            if (!is(i, ")") || open.empty()) continue;
            closing_[open.back()] = i;
            open.pop_back();
        }
    }

    // (v) => or (x, v=1) =>
    [[nodiscard]] bool is_parameter(std::size_t i) const {
        if (i == 0 || (!is(i - 1, "(") && !is(i - 1, ",")) || around_[i] == tokens_.size()) return false;
        return is(closing_[around_[i]] + 1, "=>");
    }

    void name_at(std::size_t i) {
        const std::string_view name = tokens_[i].text;
        const bool member = i > 0 && is(i - 1, ".");
        if (name == "v" && !member) {
            if (i > 0 && is(i - 1, Kind::name) && tokens_[i - 1].text == "option" && is(i + 1, "=")) sets_v_ = true;
            if (is(i + 1, ".") && is(i + 2, Kind::name)) member_of_v(tokens_[i + 2].text);
            if (is(i + 1, "[") && is(i + 2, Kind::string) && tokens_[i + 2].text.size() >= 2)
                member_of_v(tokens_[i + 2].text.substr(1, tokens_[i + 2].text.size() - 2));
        }
        if (is(i + 1, "(") && (member || !holds(keywords, name))) called(i);
    }

    void member_of_v(std::string_view name) {
        const bool given = name == "timeRangeStart" || name == "timeRangeStop" || name == "windowPeriod";
        if (given || !shadowed_) members_.insert(name);
    }

    void called(std::size_t i) {
        std::size_t first = i;
        while (first >= 2 && is(first - 1, ".") && is(first - 2, Kind::name))
            first -= 2;
        std::string name;
        for (; first <= i; ++first)
            name += tokens_[first].text;
        const bool dotted = name.find('.') != std::string::npos || (i > 0 && is(i - 1, "."));
        if (!dotted && (holds(row_by_row, name) || holds(conversions, name) || defined_.count(tokens_[i].text) != 0)) return;
        if (!schema_.empty() && name == std::string{schema_} + ".fieldsAsCols") return;
        note_call(std::move(name));
    }

    void note_call(std::string name) {
        constexpr std::size_t most_told = 100;
        if (calls_.size() < most_told && std::find(calls_.begin(), calls_.end(), name) == calls_.end()) calls_.push_back(std::move(name));
    }

    std::vector<Token> tokens_;
    std::vector<std::size_t> closing_, around_; // of a "(" its ")"; of any token the innermost "(" around it; tokens_.size(): none
    std::string_view schema_;                   // the name of the package influxdata/influxdb/schema
    std::set<std::string_view> defined_, members_;
    std::vector<std::string> calls_;
    bool broken_ = false, sets_v_ = false, shadowed_ = false;
};

void append_list(std::string& out, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i)
        out += (i == 0 ? "" : ", ") + flux_string(names[i]);
}

// r._field == "a" or r._field == "b"; with `others` r._field != "a" and r._field != "b"
void append_filter(std::string& out, const char* column, const std::vector<std::string>& names, bool others = false) {
    if (names.empty()) return;
    out += " |> filter(fn: (r) => ";
    for (std::size_t i = 0; i < names.size(); ++i)
        out += std::string{i == 0 ? "" : others ? " and " : " or "} + "r." + column + (others ? " != " : " == ") + flux_string(names[i]);
    out += ')';
}

std::string flux_of_rows(const ReadSpec& read) {
    std::string out = "from(bucket: " + flux_string(read.bucket) + ") |> range(start: v.timeRangeStart, stop: v.timeRangeStop)";
    append_filter(out, "_measurement", read.measurements);
    append_filter(out, "_measurement", read.others_than, true);
    append_filter(out, "_field", read.fields);
    return out;
}

} // namespace

std::vector<std::string> query_faults(std::string_view query, const QueryRules& rules) {
    const Inspection found{query};
    std::vector<std::string> out;
    if (found.broken()) out.emplace_back("a string or regular expression in it does not end");
    if (found.sets_v()) out.emplace_back("it sets \"option v\" itself; remove that, for the stage gives v.timeRangeStart and v.timeRangeStop");
    for (const std::string_view name : {"timeRangeStart", "timeRangeStop"}) {
        if (!found.uses(name))
            out.push_back("it does not use v." + std::string{name} +
                          "; incremental reading needs range(start: v.timeRangeStart, stop: v.timeRangeStop) in it");
    }
    for (const std::string_view name : found.members()) {
        if (name == "timeRangeStart" || name == "timeRangeStop" || (name == "windowPeriod" && rules.has_period)) continue;
        out.push_back(name == "windowPeriod" ? std::string{"it uses v.windowPeriod, which has no value; give \"windowPeriod\" or \"align\""}
                                             : "it uses v." + std::string{name} +
                                                   ", which has no value; known are v.timeRangeStart, v.timeRangeStop and v.windowPeriod");
    }
    if (rules.aligned || rules.row_wise) return out;
    for (const std::string& call : found.calls())
        out.push_back("it calls " + call +
                      "(), which may look at several rows together, and windows end where they happen to end: its result would be wrong "
                      "at their edges; give \"align\", or state with \"rowWise\": true that the query works row by row");
    return out;
}

bool uses_window_period(std::string_view query) {
    return Inspection{query}.uses("windowPeriod");
}

std::string extern_json(const Edges& range, std::int64_t window_period_ns) {
    const auto property = [](std::string_view name, const std::string& value) {
        return R"({"type":"Property","key":{"type":"Identifier","name":")" + std::string{name} + R"("},"value":)" + value + '}';
    };
    const auto time = [](Instant at) { return R"({"type":"DateTimeLiteral","value":")" + format_instant(at) + "\"}"; };
    std::string properties = property("timeRangeStart", time(range.start)) + ',' + property("timeRangeStop", time(range.stop));
    if (window_period_ns > 0) {
        std::string values;
        std::int64_t left = window_period_ns;
        constexpr std::array<std::pair<std::int64_t, const char*>, 6> units{
            {{3'600'000'000'000, "h"}, {60'000'000'000, "m"}, {1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}, {1, "ns"}}};
        for (const auto& [size, unit] : units) {
            if (left < size) continue;
            values += std::string{values.empty() ? "" : ","} + R"({"magnitude":)" + std::to_string(left / size) + R"(,"unit":")" + unit + "\"}";
            left %= size;
        }
        properties += ',' + property("windowPeriod", R"({"type":"DurationLiteral","values":[)" + values + "]}");
    }
    return R"({"type":"File","package":null,"imports":null,"body":[{"type":"OptionStatement","assignment":{"type":"VariableAssignment",)"
           R"("id":{"type":"Identifier","name":"v"},"init":{"type":"ObjectExpression","properties":[)" +
           properties + "]}}}]}";
}

std::string flux_of(const ReadSpec& read) {
    std::string out = flux_of_rows(read);
    if (read.columns.empty()) return out + R"( |> drop(columns: ["_start", "_stop"]))";
    out += " |> keep(columns: [";
    append_list(out, read.columns);
    return out + "])";
}

std::string flux_of_measurements(const ReadSpec& read) {
    return flux_of_rows(read) + R"( |> keep(columns: ["_measurement"]) |> group() |> distinct(column: "_measurement"))";
}

} // namespace fluxgate::window
