#include "sample_server/engine.hpp"
#include "sample_server/flux_subset.hpp"
#include "support/catch.hpp"

using namespace fluxgate::sample;

namespace {

const Time now = *parse_time("2026-01-01T01:00:00Z");

Environment at_now() {
    Environment e;
    e.now = now;
    return e;
}

std::string refusal(std::string_view query, const Environment& environment) {
    const auto read = read_query(query, environment);
    return read.ok() ? "accepted" : read.error().message;
}
std::string refusal(std::string_view query) {
    return refusal(query, at_now());
}

std::size_t rows(std::string_view query) {
    const auto e = expect(query, now);
    INFO(query);
    INFO((e.ok() ? "" : e.error().message));
    REQUIRE(e.ok());
    return e->messages.size();
}

} // namespace

TEST_CASE("accepted queries answer the rows they ask for") {
    const std::string stat = R"(from(bucket:"test-bucket") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "stat"))";
    CHECK(rows(stat) == 3 * 4 * 360);
    CHECK(rows(stat + R"( |> filter(fn: (r) => r._field == "cycles"))") == 3 * 360);
    CHECK(rows(stat + R"( |> filter(fn: (r) => r["host"] == "oven 3" and (r._field == "note" or r._field == "running")))") == 2 * 360);
    CHECK(rows(stat + R"( |> filter(fn: (r) => not r.host == "oven 3"))") == 2 * 4 * 360);
    CHECK(rows(stat + R"( |> filter(fn: (r) => r.host != "oven 3"))") == 2 * 4 * 360);
    CHECK(rows(stat + R"( |> filter(fn: (r) => r.no_such_tag != "x"))") == 0);
    CHECK(rows(stat + " |> limit(n: 3)") == 12 * 3);
    CHECK(rows(stat + " |> limit(n: 3, offset: 358)") == 12 * 2);
    CHECK(rows(stat + R"( |> limit(n: 1) |> yield(name: "one") |> limit(n: 1) |> yield(name: "two"))") == 24);
    CHECK(
        rows(
            R"(from(bucket:"plant") |> range(start: 2026-01-01T00:00:00Z, stop: 2026-01-01T00:00:30Z) |> filter(fn: (r) => r._measurement == "stat"))") ==
        36);
    CHECK(rows("import \"strings\"\n// a comment\noption v = {timeRangeStart: -30s, timeRangeStop: now()}\n"
               R"(from(bucket:"plant") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> filter(fn: (r) => r._measurement == "stat"))") ==
          36);
    CHECK(rows(R"(from(bucket:"plant") |> range(start: -1m30s, stop: -30s) |> filter(fn: (r) => r._measurement == "none"))") == 0);
    Environment dashboards = at_now();
    dashboards.v = {{"timeRangeStart", {false, now.ns - 10}}};
    dashboards.v_is_set = true;
    CHECK(refusal(R"(from(bucket:"plant") |> range(start: v.timeRangeStart))", dashboards) == "accepted");
    CHECK(refusal("option v = {a: 1}\nfrom(bucket:\"plant\") |> range(start: v.a)", dashboards) == "error @1:1-1:18: option \"v\" reassigned");
}

// Those marked with a star are the texts of recorded answers of a 2.7 server.
TEST_CASE("refused queries get the server's words and the place") {
    struct Case {
        const char *query, *error;
    };
    const Case cases[] = {
        {R"(from(bucket:"plant" |> range()", // *
         "compilation failed: error @1:1-1:30: expected RPAREN, got EOF\n\nerror @1:24-1:30: expected RPAREN, got EOF"},
        {R"(from(bucket:\"test-bucket\") |> range(start: -1h))", // *
         "compilation failed: error @1:1-1:50: expected RPAREN, got EOF\n\nerror @1:14-1:50: got unexpected token in string expression @1:50-1:50: "
         "EOF"},
        {R"(from(bucket:"plant") |> range(start: v.timeRangeStart))", "error @1:38-1:39: undefined identifier v"}, // *
        {R"(from(bucket: params.b) |> range(start: -1h))", "error @1:14-1:22: expected string but found unknown (argument bucket)"},
        {R"(from(bucket:"plant") |> limit(n: 1))", // *
         "error in building plan while starting program: cannot submit unbounded read to \"plant\"; try bounding 'from' with a call to 'range'"},
        {R"(from(bucket:"plant") |> range(start: -1h, stop: -2h))", "error in building plan while starting program: cannot query an empty range"},
        {R"(from(bucket: 7) |> range(start: -1h))", "error @1:14-1:15: expected string but found int (argument bucket)"},
        {R"(from() |> range(start: -1h))", "error @1:1-1:7: missing required argument bucket"},
        {R"(from(bucket:"plant") |> range(begin: -1h))", "error @1:25-1:42: found unexpected argument begin (the sample server offers start, stop)"},
        {"from(bucket:\"plant\")\n  |> rage(start: -1h)", "error @2:6-2:10: undefined identifier rage"},
        {R"(from(bucket:"plant") |> range(start: -1h) |> map(fn: (r) => r))",
         "error @1:46-1:63: the sample server's subset of Flux has no map; it offers from, range, filter, limit, group, pivot, keep, drop, first, "
         "last, count, yield, buckets and schema"},
        {R"(from(bucket:"plant") |> range(start: -1h) |> filter(fn: (r) => r._value > 3))",
         "error @1:64-1:76: the sample server's subset of Flux filters with ==, !=, and, or and not only"},
        {R"(from(bucket:"plant") |> range(start: -1h) |> filter(fn: (r) => q.host == "a"))", "error @1:64-1:65: undefined identifier q"},
        {R"(data = from(bucket:"plant"))", "error @1:1-1:28: the sample server's subset of Flux has no variables (data)"},
        {R"(from(bucket:"plant") |> range(start: -1mo))", "compilation failed: error @1:39-1:42: invalid expression @1:39-1:42: 1mo"},
        {"import \"strings\"", "this query returns no results"},
        {"from(bucket:\"a\") |> range(start:-1h)\nfrom(bucket:\"a\") |> range(start:-1h)",
         "error in building plan while starting program: found more than one call to yield() with the name \"_result\""},
    };
    for (const Case& c : cases) {
        INFO(c.query);
        CHECK(refusal(c.query) == c.error);
    }
}

TEST_CASE("deeply nested or endless queries are refused, not followed") {
    CHECK(refusal(std::string(5000, '(')).find("nested deeper than 64 levels") != std::string::npos);
    const auto repeated = [](const std::string& part) {
        std::string out = "a";
        for (int i = 0; i < 100'000; ++i) {
            out += part;
        }
        return out;
    };
    const std::string too_many = "the sample server takes at most 1000 operators, members and calls a query";
    for (const std::string& endless :
         {std::string(100'000, '-'), repeated(".a"), repeated("()"), repeated(" or a"), repeated(" |> a()"), repeated("[\"a\"]")}) {
        CHECK(refusal(endless).find(too_many) != std::string::npos);
    }
    CHECK(refusal(repeated(" == not not not")) != "accepted");
    std::string many;
    for (int i = 0; i < 65; ++i) {
        many += "import \"a\"\n";
    }
    CHECK(refusal(many).find("more than 64 statements") != std::string::npos);
}

TEST_CASE("pivot gives one row a time, nulls where a field has no point, columns in the order of their fields") {
    const auto e = expect(R"(from(bucket:"plant") |> range(start: 2026-01-01T00:00:00Z, stop: 2026-01-01T00:00:20Z)
        |> filter(fn: (r) => r._measurement == "machine" and r.machine == "press-1")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") |> drop(columns: ["_start", "_stop"]))",
                          now);
    REQUIRE(e.ok());
    REQUIRE(e->messages.size() == 2);
    CHECK(
        e->messages[0].payload.find(
            R"({"_time":"2026-01-01T00:00:00Z","_measurement":"machine","line":"1","machine":"press-1","site":"north","cycles":176722560,"note":)") ==
        0);
    CHECK(e->messages[1].payload.find(R"("cycles":176722561,"note":null,"parts":)") != std::string::npos);
    CHECK(e->messages[1].payload.find(R"("vibration":null})") != std::string::npos);
}

TEST_CASE("group and drop unite tables; types that collide end the answer with an error after the good rows") {
    const std::string range = R"(from(bucket:"plant") |> range(start: -1m) |> filter(fn: (r) => r._measurement == "stat" )";
    const auto one = expect(range + R"(and r._field == "cycles") |> group())", now);
    REQUIRE(one.ok());
    CHECK(one->messages.size() == 18);
    CHECK(one->messages.back().table == 0);
    const auto lines = expect(range + R"(and r._field == "cycles") |> group(columns: ["line"]))", now);
    REQUIRE(lines.ok());
    CHECK(lines->messages.back().table == 1);
    const auto dropped = expect(range + R"(and r._field == "cycles") |> drop(columns: ["host"]))", now);
    REQUIRE(dropped.ok());
    CHECK(dropped->messages.back().table == 1);
    CHECK(dropped->messages.back().payload.find("host") == std::string::npos);
    const auto mixed = expect(range + ") |> group()", now);
    REQUIRE(mixed.ok());
    CHECK(mixed->messages.size() == 6);
    CHECK(mixed->error == "schema collision: cannot group integer and string types together");
    const auto regrouped = expect(range + R"() |> group() |> group(columns: ["host"]))", now);
    REQUIRE(!regrouped.ok());
    CHECK(regrouped.error().message == "group: the sample server groups by columns of the group key only, and host is not one of it");
}
