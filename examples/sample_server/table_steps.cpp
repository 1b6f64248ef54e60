#include "table_steps.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>

namespace fluxgate::sample {
namespace {

constexpr std::size_t max_pivot_rows = 1'000'000;
constexpr std::size_t absent = static_cast<std::size_t>(-1);

Error runtime_error(std::string text) {
    Error e;
    e.code = Errc::query;
    e.http_status = 400;
    e.message = std::move(text);
    return e;
}

Table limited(Table t, Limit limit) {
    Table out = t;
    out.rows = [source = std::move(t.rows), limit](const RowSink& sink) -> std::optional<std::string> {
        if (limit.count <= 0) return std::nullopt;
        std::int64_t seen = 0;
        return source([&](const Row& row) {
            if (seen++ < limit.offset) return true;
            return sink(row) && seen - limit.offset < limit.count;
        });
    };
    return out;
}

std::size_t index_of(const std::vector<Column>& columns, std::string_view name) {
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
    return found == columns.end() ? absent : static_cast<std::size_t>(found - columns.begin());
}

Table selected(Table t, const Select& select) {
    Table out;
    std::vector<std::size_t> from;
    for (std::size_t i = 0; i < t.columns.size(); ++i) {
        const bool named = std::find(select.columns.begin(), select.columns.end(), t.columns[i].name) != select.columns.end();
        if (named != select.keep) continue;
        from.push_back(i);
        out.columns.push_back(t.columns[i]);
        out.key.push_back(t.key[i]);
    }
    out.rows = [source = std::move(t.rows), from](const RowSink& sink) {
        Row chosen(from.size());
        return source([&](const Row& row) {
            for (std::size_t i = 0; i < from.size(); ++i) {
                chosen[i] = row[from[i]];
            }
            return sink(chosen);
        });
    };
    return out;
}

// A text that is equal for equal group keys only.
std::string key_text(const Table& t) {
    std::string out;
    for (std::size_t i = 0; i < t.columns.size(); ++i) {
        if (!t.columns[i].grouped) continue;
        for (const std::string& part : {t.columns[i].name, [&] {
                                            std::string text;
                                            append_text(text, t.key[i]);
                                            return text;
                                        }()}) {
            out += std::to_string(part.size()) + ':' + part;
        }
    }
    return out;
}

std::string_view collision_name(Type type) {
    switch (type) {
    case Type::boolean: return "boolean";
    case Type::integer: return "integer";
    case Type::unsigned_integer: return "unsigned";
    case Type::floating: return "float";
    case Type::string: return "string";
    case Type::time: return "time";
    }
    return "invalid";
}

// One table of several with one group key: their columns united, their rows one after the other. Where types collide the
// server notices only when it comes to those rows: an error after good rows.
Table merged(std::vector<Table> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    Table out;
    out.columns = parts.front().columns;
    out.key = parts.front().key;
    struct Part {
        decltype(Table::rows) rows;
        std::vector<std::size_t> from;
        std::string collision;
    };
    std::vector<Part> sources;
    for (Table& t : parts) {
        Part part{std::move(t.rows), {}, {}};
        for (const Column& c : t.columns) {
            const std::size_t i = index_of(out.columns, c.name);
            if (i == absent) {
                out.columns.push_back(c);
                out.key.emplace_back(Null{});
            } else if (out.columns[i].type != c.type) {
                part.collision = "schema collision: cannot group " + std::string{collision_name(out.columns[i].type)} + " and " +
                                 std::string{collision_name(c.type)} + " types together";
            }
        }
        for (const Column& c : out.columns) {
            part.from.push_back(index_of(t.columns, c.name));
        }
        sources.push_back(std::move(part));
    }
    const std::size_t width = out.columns.size();
    out.rows = [sources = std::move(sources), width](const RowSink& sink) -> std::optional<std::string> {
        Row united(width);
        bool more = true;
        for (const Part& part : sources) {
            if (!part.collision.empty()) return part.collision;
            auto error = part.rows([&](const Row& row) {
                for (std::size_t i = 0; i < width; ++i) {
                    const std::size_t from = i < part.from.size() ? part.from[i] : absent;
                    united[i] = from == absent ? Value{} : row[from];
                }
                return more = sink(united);
            });
            if (error || !more) return error;
        }
        return std::nullopt;
    };
    return out;
}

// Tables with equal group keys become one; the order of first appearance stays.
std::vector<Table> regroup(std::vector<Table> tables) {
    std::vector<std::vector<Table>> groups;
    std::map<std::string, std::size_t> places;
    for (Table& t : tables) {
        const auto place = places.emplace(key_text(t), groups.size());
        if (place.second) groups.emplace_back();
        groups[place.first->second].push_back(std::move(t));
    }
    std::vector<Table> out;
    out.reserve(groups.size());
    for (auto& group : groups) {
        out.push_back(merged(std::move(group)));
    }
    return out;
}

Result<std::vector<Table>> grouped(std::vector<Table> tables, const Group& group) {
    for (Table& t : tables) {
        for (std::size_t i = 0; i < t.columns.size(); ++i) {
            Column& c = t.columns[i];
            const bool named = std::find(group.columns.begin(), group.columns.end(), c.name) != group.columns.end();
            const bool wanted = named != group.except;
            if (wanted && !c.grouped)
                return runtime_error("group: the sample server groups by columns of the group key only, and " + c.name + " is not one of it");
            if (!wanted) t.key[i] = Null{};
            c.grouped = wanted;
        }
    }
    return regroup(std::move(tables));
}

// pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") of the tables that differ in _field alone. Rows
// and columns stand in the order in which their time and their field came up first, as on the server.
class Pivoting {
public:
    std::optional<Error> add(const Table& t, std::size_t& budget) {
        const std::size_t time = index_of(t.columns, "_time"), field = index_of(t.columns, "_field"), value = index_of(t.columns, "_value");
        if (time == absent || field == absent || value == absent)
            return runtime_error("pivot: specified column does not exist in table: " + std::string{time == absent    ? "_time"
                                                                                                   : field == absent ? "_field"
                                                                                                                     : "_value"});
        if (table_.columns.empty()) begin(t);
        std::optional<Error> failure;
        auto error = t.rows([&](const Row& row) {
            if (budget-- == 0) {
                failure = runtime_error("pivot: the sample server pivots at most 1000000 rows a query; ask for a shorter range");
                return false;
            }
            failure = cell(row, row[time], row[field], row[value], t.columns[value].type);
            return !failure;
        });
        if (error) return runtime_error(*error);
        return failure;
    }

    Table finish() && {
        for (Row& row : rows_) {
            row.resize(table_.columns.size());
        }
        table_.rows = [rows = std::make_shared<std::vector<Row>>(std::move(rows_))](const RowSink& sink) -> std::optional<std::string> {
            for (const Row& row : *rows) {
                if (!sink(row)) break;
            }
            return std::nullopt;
        };
        return std::move(table_);
    }

private:
    void begin(const Table& t) {
        for (std::size_t i = 0; i < t.columns.size(); ++i) {
            const Column& c = t.columns[i];
            if (c.name == "_field" || c.name == "_value" || (!c.grouped && c.name != "_time")) continue;
            if (c.name == "_time") time_ = table_.columns.size();
            table_.columns.push_back(c);
            table_.key.push_back(t.key[i]);
        }
        fixed_ = table_.columns.size();
    }

    std::optional<Error> cell(const Row&, const Value& time, const Value& field, const Value& value, Type type) {
        const auto name = std::get<std::string_view>(field);
        std::size_t column = fixed_;
        while (column < table_.columns.size() && table_.columns[column].name != name) {
            ++column;
        }
        if (column == table_.columns.size()) {
            table_.columns.push_back({std::string{name}, type, false});
            table_.key.emplace_back(Null{});
        } else if (table_.columns[column].type != type) {
            return runtime_error("pivot: schema collision detected: column \"" + std::string{name} + "\" is both of type " +
                                 std::string{collision_name(type)} + " and " + std::string{collision_name(table_.columns[column].type)});
        }
        const auto place = places_.emplace(std::get<Time>(time).ns, rows_.size());
        if (place.second) {
            rows_.push_back(table_.key);
            rows_.back()[time_] = time;
        }
        Row& row = rows_[place.first->second];
        row.resize(std::max(row.size(), column + 1));
        row[column] = value;
        return std::nullopt;
    }

    Table table_;
    std::size_t time_ = 0, fixed_ = 0;
    std::vector<Row> rows_;
    std::unordered_map<std::int64_t, std::size_t> places_;
};

Result<std::vector<Table>> pivoted(const std::vector<Table>& tables) {
    std::vector<Pivoting> groups;
    std::map<std::string, std::size_t> places;
    std::size_t budget = max_pivot_rows;
    for (const Table& t : tables) {
        Table key = t;
        if (const std::size_t field = index_of(t.columns, "_field"); field != absent) key.columns[field].grouped = false;
        const auto place = places.emplace(key_text(key), groups.size());
        if (place.second) groups.emplace_back();
        if (auto failure = groups[place.first->second].add(t, budget)) return *failure;
    }
    std::vector<Table> out;
    out.reserve(groups.size());
    for (Pivoting& group : groups) {
        out.push_back(std::move(group).finish());
    }
    return out;
}

// The one row that first() or last() leaves.
Table reduced_to_end(Table t, bool last) {
    Table out = t;
    out.rows = [source = std::move(t.rows), last](const RowSink& sink) -> std::optional<std::string> {
        std::optional<Row> kept;
        auto error = source([&](const Row& row) {
            kept = row;
            return last;
        });
        if (!error && kept) (void)sink(*kept);
        return error;
    };
    return out;
}

// The group key and how many rows there are, as `_value`.
Table counted(Table t) {
    Table out;
    for (std::size_t i = 0; i < t.columns.size(); ++i) {
        if (!t.columns[i].grouped) continue;
        out.columns.push_back(t.columns[i]);
        out.key.push_back(t.key[i]);
    }
    out.columns.push_back({"_value", Type::integer, false});
    out.key.emplace_back(Null{});
    out.rows = [source = std::move(t.rows), key = out.key](const RowSink& sink) -> std::optional<std::string> {
        std::int64_t count = 0;
        auto error = source([&](const Row&) { return ++count > 0; });
        Row row = key;
        row.back() = count;
        if (!error && count > 0) (void)sink(row);
        return error;
    };
    return out;
}

} // namespace

Result<std::vector<Table>> apply(const Step& step, std::vector<Table> tables) {
    if (const auto* limit = std::get_if<Limit>(&step)) {
        for (Table& t : tables) {
            t = limited(std::move(t), *limit);
        }
    } else if (std::holds_alternative<First>(step) || std::holds_alternative<Last>(step) || std::holds_alternative<Count>(step)) {
        for (Table& t : tables) {
            t = std::holds_alternative<Count>(step) ? counted(std::move(t)) : reduced_to_end(std::move(t), std::holds_alternative<Last>(step));
        }
    } else if (const auto* select = std::get_if<Select>(&step)) {
        for (Table& t : tables) {
            t = selected(std::move(t), *select);
        }
        return regroup(std::move(tables));
    } else if (const auto* group = std::get_if<Group>(&step)) {
        return grouped(std::move(tables), *group);
    } else if (std::holds_alternative<Pivot>(step)) {
        return pivoted(tables);
    }
    return tables;
}

} // namespace fluxgate::sample
