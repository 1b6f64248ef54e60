#include "support/catch.hpp"
#include "window/flux_text.hpp"
#include "window/query.hpp"

#include <string>
#include <vector>

using namespace fluxgate::window;

namespace {

const std::string range = "from(bucket:\"b\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop)";

std::string faults(const std::string& query, const QueryRules& rules = {}) {
    std::string out;
    for (const std::string& f : query_faults(query, rules))
        out += f + "\n";
    return out;
}

} // namespace

TEST_CASE("queries that work row by row are read in windows") {
    for (const std::string& query : std::vector<std::string>{
             range,
             range + " |> filter(fn: (r) => r._measurement == \"cpu\" and (r.host == \"a\" or r.host =~ /sum(1)\\/2/))",
             range + " |> map(fn: (r) => ({r with _value: float(v: r._value) / 2.0, x: string(v: r._value)}))",
             range + " |> keep(columns: [\"_time\"]) |> drop(fn: (c) => c == \"x\") |> rename(columns: {a: \"b\"}) |> set(key: \"k\", value: \"v\")",
             range + " |> duplicate(column: \"a\", as: \"b\") |> group() |> toFloat() |> yield(name: \"sum(x)\")",
             "import \"influxdata/influxdb/schema\"\n" + range + " |> schema.fieldsAsCols()",
             "import s \"influxdata/influxdb/schema\"\n" + range + " |> s.fieldsAsCols()",
             "// sum() and v.other are not called here\n" + range,
             "f = (tables=<-) => tables |> filter(fn: (r) => if exists r.x then (r.x > 1) else not (r.y > 2))\n" + range + " |> f()",
             range + " |> filter(fn: (r) => r.s == \"mean() v.nothing \\\" ${string(v: 1)}\")",
             range + " |> map(fn: (v) => ({v with a: v.b}))",
             "from(bucket:\"b\") |> range(start: v[\"timeRangeStart\"], stop: v.timeRangeStop)",
         }) {
        INFO(query);
        CHECK(faults(query).empty());
    }
}

TEST_CASE("what looks at several rows is refused by name unless edges are aligned or a person vouches for it") {
    for (const auto& [call, name] : {std::pair{"mean()", "mean()"}, std::pair{"aggregateWindow(every: 1m, fn: sum)", "aggregateWindow()"},
                                     std::pair{"math.abs(x: 1)", "math.abs()"}, std::pair{"limit(n: 1)", "limit()"}}) {
        const std::string query = range + " |> " + call;
        INFO(query);
        CHECK(faults(query).find(std::string{"it calls "} + name + ", which may look at several rows together") != std::string::npos);
        CHECK(faults(query, {true, false, false}).empty());
        CHECK(faults(query, {false, true, false}).empty());
    }
    CHECK(faults(range + " |> filter(fn: (r) => r.s == \"${sum(x)}\")").find("it calls sum()") != std::string::npos); // inside a string, too
    CHECK(faults(range + " |> schema.fieldsAsCols()").find("schema.fieldsAsCols()") != std::string::npos);            // without its import
    CHECK(faults(range + " |> map(fn: (r) => ({r with a: 6 / 2, b: count() / 3}))").find("it calls count()") != std::string::npos);
}

TEST_CASE("a function that has no name is refused like one that is not known") {
    for (const char* call : {"f[\"s\"](tables: t)", "(if a then sum else mean)(tables: t)", "{s: sum}(x: 1)"}) {
        INFO(call);
        CHECK(faults(range + "\nx = " + call).find("it calls (...)()") != std::string::npos);
    }
    CHECK(faults(range + " |> filter(fn: (r) => r.and (r.b))").find("it calls r.and()") != std::string::npos);
    CHECK(faults("f = (tables=<-) => tables |> map(fn: (r) => ({r with a: (r.b) + 1}))\n" + range + " |> f()").empty());
}

TEST_CASE("a long query takes time in proportion to its length, however its brackets and names stand") {
    // A query is bounded by its document, 16 MiB. Each of these took minutes when every bracket was looked for anew.
    for (const std::string piece : {"a=(", "(v", "a.", "f(", "x()", "\"${", "(", "v.timeRangeStart "}) {
        INFO(piece);
        std::string query = range;
        while (query.size() < (1u << 19))
            query += piece;
        const std::vector<std::string> found = query_faults(query, {});
        CHECK(found.size() <= 200);
        (void)uses_window_period(query);
    }
    std::string names = range;
    for (int i = 0; i < 50'000; ++i)
        names += " n" + std::to_string(i) + "()";
    CHECK(query_faults(names, {}).size() == 100);
}

TEST_CASE("both ends of the range are needed, and other members of v are refused by name") {
    CHECK(faults("from(bucket:\"b\") |> range(start: -1h)").find("does not use v.timeRangeStart") != std::string::npos);
    CHECK(faults("from(bucket:\"b\") |> range(start: v.timeRangeStart)").find("does not use v.timeRangeStop") != std::string::npos);
    CHECK(faults("// v.timeRangeStart\nfrom(bucket:\"v.timeRangeStop\")").find("does not use v.timeRangeStop") != std::string::npos);
    CHECK(faults(range + " |> filter(fn: (r) => r.host == v.host)").find("it uses v.host, which has no value") != std::string::npos);
    CHECK(faults(range + " |> filter(fn: (r) => r.v.host == \"a\")").empty());
    CHECK(faults("option v = {timeRangeStart: -1h, timeRangeStop: now()}\n" + range).find("sets \"option v\" itself") != std::string::npos);
    const std::string period = range + " |> map(fn: (r) => ({r with p: v.windowPeriod}))";
    CHECK(faults(period).find("v.windowPeriod, which has no value; give") != std::string::npos);
    CHECK(faults(period, {false, false, true}).empty());
    CHECK(uses_window_period(period));
    CHECK_FALSE(uses_window_period(range));
}

TEST_CASE("text that does not end is told and harms nothing") {
    for (const char* tail : {" |> filter(fn: (r) => r.a == \"", " \"${", " \"${ \"${ x", " =~ /abc", " \"\\"}) {
        INFO(tail);
        CHECK(faults(range + tail).find("does not end") != std::string::npos);
    }
    std::string deep;
    for (int i = 0; i < 5000; ++i)
        deep += "\"${";
    CHECK(faults(range + deep).find("does not end") != std::string::npos);
}

TEST_CASE("numbers, times and durations are no names, and a division is no regular expression") {
    const auto tokens = tokens_of("1h30m 2026-01-01T00:00:00+01:00 1.5/2 a/b/c (/x/) 2026-1");
    std::vector<std::string> texts;
    for (const Token& t : tokens)
        texts.emplace_back(t.text);
    CHECK(texts == std::vector<std::string>{"1h30m", "2026-01-01T00:00:00+01:00", "1.5", "/", "2", "a", "/", "b", "/", "c", "(", "/x/", ")", "2026",
                                            "-", "1", ""});
}

TEST_CASE("read asks only for what is delivered, and names are strings whatever they hold") {
    CHECK(flux_of({"plant", {}, {}, {}}) ==
          "from(bucket: \"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> drop(columns: [\"_start\", \"_stop\"])");
    CHECK(flux_of({"p", {"a", "b"}, {"f"}, {"_time", "_start"}}) ==
          "from(bucket: \"p\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> filter(fn: (r) => r._measurement == \"a\" or "
          "r._measurement == \"b\") |> filter(fn: (r) => r._field == \"f\") |> keep(columns: [\"_time\", \"_start\"])");
    CHECK(flux_string("a\"b\\c${d}\n\r\t\x01\x7F\xC3\xBC") == "\"a\\\"b\\\\c\\${d}\\n\\r\\t\\x01\\x7f\xC3\xBC\"");
    CHECK(faults(flux_of({"\") |> drop() // ", {"x\" or true"}, {}, {"${sum()}"}})).empty());
}

TEST_CASE("the extern is the recorded syntax tree") {
    const Edges range_of{*parse_instant("2026-01-01T01:00:00Z"), *parse_instant("2026-01-01T01:00:30.5Z")};
    CHECK(
        extern_json(range_of, 0) ==
        R"({"type":"File","package":null,"imports":null,"body":[{"type":"OptionStatement","assignment":{"type":"VariableAssignment",)"
        R"("id":{"type":"Identifier","name":"v"},"init":{"type":"ObjectExpression","properties":[{"type":"Property","key":{"type":"Identifier",)"
        R"("name":"timeRangeStart"},"value":{"type":"DateTimeLiteral","value":"2026-01-01T01:00:00Z"}},{"type":"Property","key":{"type":"Identifier",)"
        R"("name":"timeRangeStop"},"value":{"type":"DateTimeLiteral","value":"2026-01-01T01:00:30.5Z"}}]}}}]})");
    CHECK(extern_json(range_of, 5'400'000'000'001)
              .find(R"({"type":"DurationLiteral","values":[{"magnitude":1,"unit":"h"},{"magnitude":30,"unit":"m"},{"magnitude":1,"unit":"ns"}]})") !=
          std::string::npos);
}
