#include "engine.hpp"

#include "catalogue.hpp"
#include "table_steps.hpp"

#include <algorithm>
#include <memory>

namespace fluxgate::sample {
namespace {

const std::string* tag(const SeriesKey& s, std::string_view column) {
    if (column == "_measurement") return &s.measurement;
    if (column == "_field") return &s.field;
    for (const auto& [key, value] : s.tags) {
        if (key == column) return &value;
    }
    return nullptr;
}

// A comparison with a column that the series lacks is null, and null is not true.
bool matches(const Predicate& p, const SeriesKey& s) {
    const auto holds = [&](const Predicate& part) { return matches(part, s); };
    switch (p.kind) {
    case Predicate::Kind::all: return std::all_of(p.parts.begin(), p.parts.end(), holds);
    case Predicate::Kind::any: return std::any_of(p.parts.begin(), p.parts.end(), holds);
    case Predicate::Kind::negation: return !matches(p.parts.at(0), s);
    case Predicate::Kind::equal: {
        const std::string* value = tag(s, p.column);
        return value != nullptr && *value == p.value;
    }
    case Predicate::Kind::not_equal: {
        const std::string* value = tag(s, p.column);
        return value != nullptr && *value != p.value;
    }
    }
    return false;
}

// Takes one point; false ends the delivery.
using PointSink = std::function<bool(Time, const Value&)>;

// The points of one series in the order of their times: the plant's samples, and in between or instead what was written.
void deliver(const StoredSeries& s, Range range, const PointSink& sink) {
    auto next = s.written.begin();
    if (s.generated != nullptr) {
        const std::int64_t end = first_sample(*s.generated, range.stop);
        for (std::int64_t k = first_sample(*s.generated, range.start); k < end; ++k) {
            if (!sample_exists(*s.generated, k)) continue;
            const Time time = sample_time(*s.generated, k);
            for (; next != s.written.end() && next->first < time; ++next) {
                if (!sink(next->first, next->second)) return;
            }
            if (next != s.written.end() && next->first == time) continue; // replaced; it goes out before the next sample
            if (!sink(time, sample_value(*s.generated, k))) return;
        }
    }
    for (; next != s.written.end(); ++next) {
        if (!sink(next->first, next->second)) return;
    }
}

std::optional<std::int64_t> last_sample(const Series& s, Range range) {
    for (std::int64_t k = first_sample(s, range.stop) - 1; k >= first_sample(s, range.start); --k) {
        if (sample_exists(s, k)) return k;
    }
    return std::nullopt;
}

// A range that begins at the last point of the range, if there is one: last() need not walk through all of them.
Range at_last_point(const StoredSeries& s, Range range) {
    if (!s.written.empty()) range.start = s.written.back().first;
    if (s.generated == nullptr) return range;
    if (const auto k = last_sample(*s.generated, range)) range.start = sample_time(*s.generated, *k);
    return range;
}

// The columns of a plain read, in the server's order: _start, _stop, _time, _value, _field, _measurement, tags by name. Points
// before `from` are left out.
Table table_of(StoredSeries series, Range range, Time from) {
    Table t;
    t.columns = {{"_start", Type::time, true},   {"_stop", Type::time, true},    {"_time", Type::time, false},
                 {"_value", series.type, false}, {"_field", Type::string, true}, {"_measurement", Type::string, true}};
    t.key = {range.start, range.stop, Null{}, Null{}, std::string_view{series.key->field}, std::string_view{series.key->measurement}};
    for (const auto& [key, value] : series.key->tags) {
        t.columns.push_back({key, Type::string, true});
        t.key.emplace_back(std::string_view{value});
    }
    series.written.erase(series.written.begin(),
                         std::find_if(series.written.begin(), series.written.end(), [&](const auto& point) { return !(point.first < from); }));
    range.start = from;
    t.rows = [s = std::make_shared<const StoredSeries>(std::move(series)), range, key = t.key](const RowSink& sink) -> std::optional<std::string> {
        Row row = key;
        deliver(*s, range, [&](Time time, const Value& value) {
            row[2] = time;
            row[3] = value;
            return sink(row);
        });
        return std::nullopt;
    };
    return t;
}

// The filters stand first (read_query sees to it): they choose series, not rows.
std::vector<Table> read(const Pipeline& p, const Written& written) {
    std::vector<Table> tables;
    const auto head = std::find_if(p.steps.begin(), p.steps.end(), [](const Step& s) { return !std::holds_alternative<Predicate>(s); });
    const bool last_only = head != p.steps.end() && std::holds_alternative<Last>(*head);
    for (StoredSeries& s : written.series(p.bucket, p.range.start, p.range.stop)) {
        const bool wanted = std::all_of(p.steps.begin(), p.steps.end(), [&](const Step& step) {
            const auto* predicate = std::get_if<Predicate>(&step);
            return predicate == nullptr || matches(*predicate, *s.key);
        });
        if (!wanted) continue;
        const Time from = last_only ? at_last_point(s, p.range).start : p.range.start;
        tables.push_back(table_of(std::move(s), p.range, from));
    }
    return tables;
}

} // namespace

Result<std::vector<NamedResult>> evaluate(const Query& query, const Written& written) {
    std::vector<NamedResult> results;
    for (const Pipeline& p : query.pipelines) {
        std::vector<Table> tables = p.catalogue ? catalogue(p, written) : read(p, written);
        for (const Step& step : p.steps) {
            if (const auto* yield = std::get_if<Yield>(&step)) results.push_back({yield->name, tables});
            auto next = apply(step, std::move(tables));
            if (!next) return next.error();
            tables = *std::move(next);
        }
    }
    return results;
}

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    out += '"';
    for (const char c : text) {
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\b': out += "\\b"; break;
        case '\f': out += "\\f"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20) {
                (out += "\\u00") += hex[static_cast<unsigned char>(c) >> 4];
                out += hex[static_cast<unsigned char>(c) & 15u];
            } else {
                out += c;
            }
        }
    }
    out += '"';
}

void append_json(std::string& out, const Value& value) {
    if (const auto* s = std::get_if<std::string_view>(&value)) {
        std::string carried{*s};
        carried.erase(std::remove(carried.begin(), carried.end(), '\r'), carried.end());
        if (s->empty()) {
            out += "null";
        } else {
            append_json_string(out, carried);
        }
    } else if (std::holds_alternative<Time>(value)) {
        out += '"';
        append_text(out, value);
        out += '"';
    } else if (std::holds_alternative<Null>(value)) {
        out += "null";
    } else {
        append_text(out, value);
    }
}

Expectation expect(const std::vector<NamedResult>& results) {
    Expectation out;
    for (const NamedResult& result : results) {
        std::int64_t table = 0;
        for (const Table& t : result.tables) {
            bool any = false;
            const auto error = t.rows([&](const Row& row) {
                any = true;
                std::string payload = "{";
                for (std::size_t i = 0; i < row.size(); ++i) {
                    if (i > 0) payload += ',';
                    append_json_string(payload, t.columns[i].name);
                    payload += ':';
                    append_json(payload, row[i]);
                }
                out.messages.push_back({result.name, table, payload += '}'});
                return true;
            });
            if (error) {
                out.error = *error;
                return out;
            }
            if (any) ++table;
        }
    }
    return out;
}

Result<Expectation> expect(std::string_view query, Time now, const Written& written) {
    Environment environment;
    environment.now = now;
    const auto read_back = read_query(query, environment);
    if (!read_back) return read_back.error();
    const auto results = evaluate(*read_back, written);
    if (!results) return results.error();
    return expect(*results);
}

Result<Expectation> expect(std::string_view query, Time now) {
    return expect(query, now, Written{});
}

} // namespace fluxgate::sample
