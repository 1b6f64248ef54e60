#include "flux_subset.hpp"

#include "flux_syntax.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace fluxgate::sample {
namespace {

using flux::Expression;
using flux::Statement;
using Kind = Expression::Kind;

constexpr std::string_view building = "error in building plan while starting program: ";

std::string_view type_name(Kind kind) {
    switch (kind) {
    case Kind::string: return "string";
    case Kind::integer: return "int";
    case Kind::floating: return "float";
    case Kind::duration: return "duration";
    case Kind::time: return "time";
    case Kind::array: return "array";
    case Kind::object: return "record";
    case Kind::function: return "function";
    case Kind::binary: return "bool";
    default: return "unknown";
    }
}

// Turns expressions into steps. Like the parser it keeps the first failure and does nothing after it.
class Reader {
public:
    Reader(std::string_view text, const Environment& environment) : text_(text), environment_(environment), v_(environment.v) {}

    Result<Query> run() {
        auto statements = flux::parse(text_);
        if (!statements) return statements.error();
        for (const Statement& s : *statements) {
            statement(s);
            if (failure_) return *failure_;
        }
        if (query_.pipelines.empty()) return plain_error("this query returns no results");
        if (auto e = duplicate_yield()) return *e;
        return std::move(query_);
    }

private:
    static Error plain_error(std::string text) {
        Error e;
        e.code = Errc::query;
        e.http_status = 400;
        e.message = std::move(text);
        return e;
    }

    void fail(flux::Span span, const std::string& text) {
        if (!failure_) failure_ = flux::refusal(text_, span, text);
    }

    void statement(const Statement& s) {
        switch (s.kind) {
        case Statement::Kind::import: schema_imported_ = schema_imported_ || s.value.text == "influxdata/influxdb/schema"; return;
        case Statement::Kind::option: return option(s);
        case Statement::Kind::assignment: return fail(s.span, "the sample server's subset of Flux has no variables (" + s.name + ")");
        case Statement::Kind::expression: return pipeline(s.value);
        }
    }

    void option(const Statement& s) {
        if (s.name != "v") return fail(s.span, "the sample server's subset of Flux has no option but v");
        if (environment_.v_is_set || option_seen_) return fail(s.span, "option \"v\" reassigned");
        if (s.value.kind != Kind::object) return fail(s.value.span, "expected record but found " + std::string{type_name(s.value.kind)});
        option_seen_ = true;
        for (const Expression& property : s.value.children) {
            v_[property.name] = time_spec(property);
        }
    }

    // A time, a duration (relative to now), unix seconds, now() or v.NAME.
    TimeSpec time_spec(const Expression& e) {
        if (e.kind == Kind::time) return {false, e.number};
        if (e.kind == Kind::duration) return {true, e.number};
        if (e.kind == Kind::integer) {
            TimeSpec t;
            if (__builtin_mul_overflow(e.number, second_ns, &t.ns)) fail(e.span, "time is out of range");
            return t;
        }
        if (e.kind == Kind::unary && e.text == "-") {
            const TimeSpec t = time_spec(e.children[0]);
            if (e.children[0].kind == Kind::duration || e.children[0].kind == Kind::integer) return {t.relative, -t.ns};
        }
        if (e.kind == Kind::call && e.children.size() == 1 && e.children[0].kind == Kind::identifier && e.children[0].text == "now") return {true, 0};
        if (e.kind == Kind::member && e.children[0].kind == Kind::identifier) return variable(e);
        if (e.kind == Kind::identifier) {
            fail(e.span, "undefined identifier " + e.text);
        } else {
            fail(e.span, "expected time or duration but found " + std::string{type_name(e.kind)});
        }
        return {};
    }

    TimeSpec variable(const Expression& e) {
        const Expression& base = e.children[0];
        if (base.text != "v" || (v_.empty() && !environment_.v_is_set && !option_seen_)) {
            fail(base.span, "undefined identifier " + base.text);
            return {};
        }
        const auto found = v_.find(e.text);
        if (found == v_.end()) {
            fail(base.span, "record is missing label " + e.text);
            return {};
        }
        return found->second;
    }

    std::optional<Time> resolve(const Expression& e) {
        const TimeSpec t = time_spec(e);
        std::int64_t ns = t.ns;
        if (t.relative && __builtin_add_overflow(environment_.now.ns, t.ns, &ns)) fail(e.span, "time is out of range");
        if (failure_) return std::nullopt;
        return Time{ns};
    }

    // The arguments of a call by name; checks that only `allowed` ones stand there and that `required` ones do.
    class Arguments {
    public:
        Arguments(Reader& reader, const Expression& call, std::vector<std::string_view> allowed, const std::vector<std::string_view>& required)
            : call_(call) {
            for (std::size_t i = 1; i < call.children.size(); ++i) {
                const Expression& a = call.children[i];
                if (std::find(allowed.begin(), allowed.end(), a.name) == allowed.end())
                    reader.fail(call.span, "found unexpected argument " + a.name + " (the sample server offers " + list(allowed) + ")");
            }
            for (const std::string_view name : required) {
                if (get(name) == nullptr) reader.fail(call.span, "missing required argument " + std::string{name});
            }
        }
        [[nodiscard]] const Expression* get(std::string_view name) const {
            for (std::size_t i = 1; i < call_.children.size(); ++i) {
                if (call_.children[i].name == name) return &call_.children[i];
            }
            return nullptr;
        }

    private:
        static std::string list(const std::vector<std::string_view>& names) {
            std::string out;
            for (const std::string_view n : names) {
                if (!out.empty()) out += ", ";
                out += n;
            }
            return out;
        }
        const Expression& call_;
    };

    bool is(const Expression& e, Kind kind) {
        if (e.kind == kind) return true;
        std::string text = "expected " + std::string{type_name(kind)} + " but found " + std::string{type_name(e.kind)};
        if (!e.name.empty()) text += " (argument " + e.name + ")";
        fail(e.span, e.kind == Kind::identifier ? "undefined identifier " + e.text : text);
        return false;
    }

    std::vector<std::string> strings(const Expression& e) {
        std::vector<std::string> out;
        if (!is(e, Kind::array)) return out;
        for (const Expression& item : e.children) {
            if (is(item, Kind::string)) out.push_back(item.text);
        }
        return out;
    }

    void pipeline(const Expression& e) {
        std::vector<const Expression*> calls;
        const Expression* at = &e;
        for (; at->kind == Kind::pipe; at = &at->children[0]) {
            calls.push_back(&at->children[1]);
        }
        if (at->kind == Kind::identifier) return fail(at->span, "undefined identifier " + at->text);
        if (at->kind == Kind::member && at->children[0].kind == Kind::identifier)
            return fail(at->children[0].span, "undefined identifier " + at->children[0].text);
        if (at->kind != Kind::call) return fail(at->span, "the sample server's subset of Flux begins a pipeline with from");
        calls.push_back(at);
        std::reverse(calls.begin(), calls.end());
        Pipeline p;
        range_seen_ = false;
        for (const Expression* call : calls) {
            step(p, *call, call == calls.front());
            if (failure_) return;
        }
        if (!range_seen_) {
            failure_ = plain_error(std::string{building} + "cannot submit unbounded read to \"" + p.bucket +
                                   "\"; try bounding 'from' with a call to 'range'");
            return;
        }
        if (p.steps.empty() || !std::holds_alternative<Yield>(p.steps.back())) p.steps.emplace_back(Yield{"_result"});
        query_.pipelines.push_back(std::move(p));
    }

    void step(Pipeline& p, const Expression& call, bool first) {
        const Expression& function = call.children[0];
        const std::string name = function.kind == Kind::identifier ? function.text : std::string{};
        const bool source = name == "from" || name == "buckets" || is_schema(function);
        if (first != source) {
            if (source) return fail(call.span, "found unexpected argument tables");
            if (first && known(name)) return fail(call.span, "missing required argument tables");
        }
        if (name == "from") return from(p, call);
        if (source) return catalogue(p, call);
        if (p.catalogue && (name == "range" || name == "filter"))
            return fail(call.span, "the sample server's subset of Flux has no " + name + " here");
        if (name == "first" || name == "last" || name == "count") return reduce(p, call, name);
        if (name == "range") return range(p, call);
        if (name == "filter") return filter(p, call);
        if (name == "limit") return limit(p, call);
        if (name == "group") return group(p, call);
        if (name == "keep" || name == "drop") return select(p, call, name == "keep");
        if (name == "pivot") return pivot(p, call);
        if (name == "yield") return yield(p, call);
        static const std::set<std::string, std::less<>> flux_functions{"aggregateWindow",
                                                                       "cumulativeSum",
                                                                       "derivative",
                                                                       "difference",
                                                                       "distinct",
                                                                       "duplicate",
                                                                       "elapsed",
                                                                       "fill",
                                                                       "increase",
                                                                       "join",
                                                                       "map",
                                                                       "max",
                                                                       "mean",
                                                                       "median",
                                                                       "min",
                                                                       "quantile",
                                                                       "reduce",
                                                                       "rename",
                                                                       "sample",
                                                                       "set",
                                                                       "sort",
                                                                       "spread",
                                                                       "stddev",
                                                                       "sum",
                                                                       "tail",
                                                                       "timeShift",
                                                                       "top",
                                                                       "bottom",
                                                                       "union",
                                                                       "unique",
                                                                       "window",
                                                                       "to",
                                                                       "toFloat",
                                                                       "toInt",
                                                                       "toString",
                                                                       "toBool",
                                                                       "toTime",
                                                                       "toUInt"};
        if (function.kind == Kind::identifier && !flux_functions.contains(name)) return fail(function.span, "undefined identifier " + name);
        fail(call.span, "the sample server's subset of Flux has no " +
                            std::string{text_.substr(function.span.begin, function.span.end - function.span.begin)} +
                            "; it offers from, range, filter, limit, group, pivot, keep, drop, first, last, count, yield, buckets and schema");
    }

    static bool is_schema(const Expression& function) {
        return function.kind == Kind::member && function.children[0].kind == Kind::identifier && function.children[0].text == "schema";
    }

    static bool known(std::string_view name) {
        for (const std::string_view k : {"range", "filter", "limit", "group", "keep", "drop", "pivot", "first", "last", "count", "yield"}) {
            if (k == name) return true;
        }
        return false;
    }

    void from(Pipeline& p, const Expression& call) {
        const Arguments a(*this, call, {"bucket"}, {"bucket"});
        if (!failure_ && is(*a.get("bucket"), Kind::string)) p.bucket = a.get("bucket")->text;
    }

    void catalogue(Pipeline& p, const Expression& call) {
        const Expression& function = call.children[0];
        Catalogue out;
        out.buckets = environment_.buckets;
        out.org_id = environment_.org_id;
        range_seen_ = true;
        p.catalogue = out;
        if (function.kind == Kind::identifier) {
            const Arguments none(*this, call, {}, {});
            return;
        }
        if (!schema_imported_) return fail(function.children[0].span, "undefined identifier schema");
        std::vector<std::string_view> required{"bucket"};
        if (function.text == "measurements") {
            out.kind = Catalogue::Kind::measurements;
        } else if (function.text == "measurementFieldKeys") {
            out.kind = Catalogue::Kind::field_keys;
            required = {"bucket", "measurement"};
        } else if (function.text == "measurementTagKeys") {
            out.kind = Catalogue::Kind::tag_keys;
            required = {"bucket", "measurement"};
        } else if (function.text == "measurementTagValues") {
            out.kind = Catalogue::Kind::tag_values;
            required = {"bucket", "measurement", "tag"};
        } else {
            return fail(call.span, "the sample server's subset of Flux has no schema." + function.text);
        }
        std::vector<std::string_view> allowed = required;
        allowed.insert(allowed.end(), {"start", "stop"});
        const Arguments a(*this, call, allowed, required);
        for (const auto& [name, into] : {std::pair{"bucket", &p.bucket}, std::pair{"measurement", &out.measurement}, std::pair{"tag", &out.tag}}) {
            const Expression* e = failure_ ? nullptr : a.get(name);
            if (e != nullptr && is(*e, Kind::string)) *into = e->text;
        }
        if (failure_) return;
        p.catalogue = out;
        constexpr std::int64_t thirty_days = 30ll * 86'400 * second_ns; // the functions' own default
        const auto start = a.get("start") == nullptr ? std::optional{Time{environment_.now.ns - thirty_days}} : resolve(*a.get("start"));
        const auto stop = a.get("stop") == nullptr ? std::optional{environment_.now} : resolve(*a.get("stop"));
        if (start && stop) p.range = {*start, *stop};
    }

    void reduce(Pipeline& p, const Expression& call, std::string_view name) {
        const Arguments none(*this, call, {}, {});
        if (name == "first") {
            p.steps.emplace_back(First{});
        } else if (name == "last") {
            p.steps.emplace_back(Last{});
        } else {
            p.steps.emplace_back(Count{});
        }
    }

    void range(Pipeline& p, const Expression& call) {
        const Arguments a(*this, call, {"start", "stop"}, {"start"});
        if (failure_) return;
        if (range_seen_) return fail(call.span, "the sample server's subset of Flux has one range a pipeline");
        const auto start = resolve(*a.get("start"));
        const auto stop = a.get("stop") == nullptr ? std::optional{environment_.now} : resolve(*a.get("stop"));
        if (!start || !stop) return;
        if (!(*start < *stop)) {
            failure_ = plain_error(std::string{building} + "cannot query an empty range");
            return;
        }
        p.range = {*start, *stop};
        range_seen_ = true;
    }

    void filter(Pipeline& p, const Expression& call) {
        const Arguments a(*this, call, {"fn"}, {"fn"});
        if (failure_ || !is(*a.get("fn"), Kind::function)) return;
        for (const Step& s : p.steps) {
            if (!std::holds_alternative<Predicate>(s)) return fail(call.span, "the sample server's subset of Flux filters right after range only");
        }
        p.steps.emplace_back(predicate(a.get("fn")->children[0], a.get("fn")->text));
    }

    Predicate predicate(const Expression& e, const std::string& row) {
        Predicate out;
        if (e.kind == Kind::unary && e.text == "not") {
            out.kind = Predicate::Kind::negation;
            out.parts.push_back(predicate(e.children[0], row));
        } else if (e.kind == Kind::binary && (e.text == "and" || e.text == "or")) {
            out.kind = e.text == "and" ? Predicate::Kind::all : Predicate::Kind::any;
            for (const Expression& part : e.children) {
                out.parts.push_back(predicate(part, row));
            }
        } else if (e.kind == Kind::binary && (e.text == "==" || e.text == "!=")) {
            const Expression &column = e.children[0], &value = e.children[1];
            const bool is_row = column.kind == Kind::member && column.children[0].kind == Kind::identifier && column.children[0].text == row;
            if (column.kind == Kind::member && column.children[0].kind == Kind::identifier && !is_row) {
                fail(column.children[0].span, "undefined identifier " + column.children[0].text);
            } else if (!is_row || value.kind != Kind::string || column.text == "_time" || column.text == "_value" || column.text == "_start" ||
                       column.text == "_stop") {
                fail(e.span, "the sample server's subset of Flux compares _measurement, _field and tags with strings only");
            }
            out.kind = e.text == "==" ? Predicate::Kind::equal : Predicate::Kind::not_equal;
            out.column = column.text;
            out.value = value.text;
        } else {
            fail(e.span, "the sample server's subset of Flux filters with ==, !=, and, or and not only");
        }
        return out;
    }

    void limit(Pipeline& p, const Expression& call) {
        const Arguments a(*this, call, {"n", "offset"}, {"n"});
        Limit out;
        for (const auto& [name, into] : {std::pair{"n", &out.count}, std::pair{"offset", &out.offset}}) {
            const Expression* e = failure_ ? nullptr : a.get(name);
            if (e == nullptr || !is(*e, Kind::integer)) continue;
            *into = e->number;
        }
        p.steps.emplace_back(out);
    }

    void group(Pipeline& p, const Expression& call) {
        const Arguments a(*this, call, {"columns", "mode"}, {});
        if (failure_) return;
        Group out;
        if (a.get("columns") != nullptr) out.columns = strings(*a.get("columns"));
        if (const Expression* mode = a.get("mode"); mode != nullptr && is(*mode, Kind::string)) {
            if (mode->text != "by" && mode->text != "except") fail(mode->span, "invalid mode: must be either \"by\" or \"except\"");
            out.except = mode->text == "except";
        }
        p.steps.emplace_back(std::move(out));
    }

    void select(Pipeline& p, const Expression& call, bool keep) {
        const Arguments a(*this, call, {"columns"}, {"columns"});
        if (!failure_) p.steps.emplace_back(Select{strings(*a.get("columns")), keep});
    }

    void pivot(Pipeline& p, const Expression& call) {
        const Arguments a(*this, call, {"rowKey", "columnKey", "valueColumn"}, {"rowKey", "columnKey", "valueColumn"});
        if (failure_) return;
        const Expression& value = *a.get("valueColumn");
        if (strings(*a.get("rowKey")) != std::vector<std::string>{"_time"} || strings(*a.get("columnKey")) != std::vector<std::string>{"_field"} ||
            value.kind != Kind::string || value.text != "_value")
            return fail(call.span,
                        "the sample server's subset of Flux pivots with rowKey: [\"_time\"], columnKey: [\"_field\"], valueColumn: \"_value\" only");
        p.steps.emplace_back(Pivot{});
    }

    void yield(Pipeline& p, const Expression& call) {
        const Arguments a(*this, call, {"name"}, {});
        if (failure_) return;
        const Expression* name = a.get("name");
        if (name == nullptr || is(*name, Kind::string)) p.steps.emplace_back(Yield{name == nullptr ? "_result" : name->text});
    }

    std::optional<Error> duplicate_yield() {
        std::set<std::string> names;
        for (const Pipeline& p : query_.pipelines) {
            for (const Step& s : p.steps) {
                const auto* y = std::get_if<Yield>(&s);
                if (y != nullptr && !names.insert(y->name).second)
                    return plain_error(std::string{building} + "found more than one call to yield() with the name \"" + y->name + "\"");
            }
        }
        return std::nullopt;
    }

    std::string_view text_;
    const Environment& environment_;
    std::map<std::string, TimeSpec> v_;
    bool option_seen_ = false, range_seen_ = false, schema_imported_ = false;
    Query query_;
    std::optional<Error> failure_;
};

} // namespace

Result<Query> read_query(std::string_view text, const Environment& environment) {
    return Reader{text, environment}.run();
}

} // namespace fluxgate::sample
