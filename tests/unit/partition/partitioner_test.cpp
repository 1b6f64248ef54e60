#include "partition/partitioner.hpp"

#include "partition/murmur2.hpp"
#include "partition/number_text.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using namespace fluxgate;
using namespace fluxgate::partition;

namespace {

constexpr std::string_view message =
    R"({"systemProperties":{"timestamp":"2026-11-21T10:02:07.123Z"},"properties":{"result":"_result","table":3},"userProperties":[],)"
    R"("payload":{"host":"a","big":9007199254740993,"n":null,"f":0.5,"nul":"a\u0000b"}})";

Routed route(Strategy strategy, std::string_view expression, std::uint32_t count, std::string_view text = message) {
    auto partitioner = Partitioner::create(strategy, expression, count);
    REQUIRE(partitioner);
    Routed out;
    out.partition = 99;
    out.key = "left over";
    out.dead_letter = "left over";
    out.text = "left over";
    (*partitioner)->route(text, out);
    return out;
}

std::string number(double value) {
    std::string out;
    append_number(out, value);
    return out;
}

struct Failure {
    const char* expression;
    const char* reason;
    const char* text;
};

void check(const Failure& f, const Routed& out) {
    INFO(f.expression);
    CHECK(out.dead_letter == f.reason);
    CHECK(out.text == f.text);
    CHECK(out.partition == 0);
}

} // namespace

TEST_CASE("murmur2 gives the values that Kafka's own tests publish") {
    const auto hash = [](std::string_view text) { return static_cast<std::int32_t>(murmur2(text)); };
    CHECK(hash("21") == -973932308);
    CHECK(hash("foobar") == -790332482);
    CHECK(hash("a-little-bit-long-string") == -985981536);
    CHECK(hash("a-little-bit-longer-string") == -1486304829);
    CHECK(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
    CHECK(hash("abc") == 479470107);
    CHECK(kafka_partition("21", 1000) == static_cast<std::uint32_t>(-973932308 & 0x7fffffff) % 1000);
    for (std::uint32_t count = 1; count <= 1024; count *= 2)
        CHECK(kafka_partition("foobar", count) < count);
    CHECK(kafka_partition("foobar", 1) == 0);
}

TEST_CASE("numbers in keys are written as ECMAScript writes them") {
    const double max = std::numeric_limits<double>::max();
    const double min = std::numeric_limits<double>::denorm_min();
    const struct {
        double value;
        const char* text;
    } rows[] = {{0, "0"},
                {-0.0, "0"},
                {1, "1"},
                {-1, "-1"},
                {10, "10"},
                {0.5, "0.5"},
                {-0.5, "-0.5"},
                {0.1, "0.1"},
                {0.1 + 0.2, "0.30000000000000004"},
                {123.456, "123.456"},
                {9007199254740992, "9007199254740992"},
                {9007199254740993.0, "9007199254740992"},
                {123456789012345680000.0, "123456789012345680000"},
                {1e20, "100000000000000000000"},
                {999999999999999900000.0, "999999999999999900000"},
                {1e21, "1e+21"},
                {1.5e21, "1.5e+21"},
                {-1.25e22, "-1.25e+22"},
                {1e100, "1e+100"},
                {0.000001, "0.000001"},
                {0.00000123, "0.00000123"},
                {1e-7, "1e-7"},
                {1.5e-7, "1.5e-7"},
                {-1.5e-10, "-1.5e-10"},
                {max, "1.7976931348623157e+308"},
                {min, "5e-324"},
                {4294967296, "4294967296"},
                {1234567.75, "1234567.75"}};
    for (const auto& row : rows) {
        INFO(row.text);
        CHECK(number(row.value) == row.text);
    }
}

TEST_CASE("strategy id takes a whole number in range as the partition, without a key") {
    const struct {
        const char* expression;
        std::uint32_t partition;
    } rows[] = {
        {"0", 0},        {"7", 7}, {"-0", 0}, {"3.0", 3}, {".properties.table", 3}, {".payload.host | explode[0] % 8", 1}, {"7, error(null)", 7},
        {"1.4e1 / 2", 7}};
    for (const auto& row : rows) {
        INFO(row.expression);
        const Routed out = route(Strategy::id, row.expression, 8);
        CHECK(out.dead_letter.empty());
        CHECK(out.text.empty());
        CHECK(out.partition == row.partition);
        CHECK(out.key.empty());
    }
}

TEST_CASE("strategy id: whatever is not one whole number in range is a failure with its reason") {
    const Failure rows[] = {
        {"8", "partition-range", "the partition expression gave the number 8; allowed is an integer from 0 to 7"},
        {"-1", "partition-range", "the partition expression gave the number -1; allowed is an integer from 0 to 7"},
        {"1e30", "partition-range", "the partition expression gave the number 1e+30; allowed is an integer from 0 to 7"},
        {"0.5", "partition-type", "the partition expression gave the number 0.5; strategy id takes an integer from 0 to 7"},
        {"\"0\"", "partition-type", "the partition expression gave the string \"0\"; strategy id takes an integer from 0 to 7"},
        {"true", "partition-type", "the partition expression gave the boolean true; strategy id takes an integer from 0 to 7"},
        {"null", "partition-type", "the partition expression gave null; strategy id takes an integer from 0 to 7"},
        {"[0]", "partition-type", "the partition expression gave the array [0]; strategy id takes an integer from 0 to 7"},
        {"{a: 0}", "partition-type", "the partition expression gave the object {\"a\":0}; strategy id takes an integer from 0 to 7"},
        {"nan", "partition-type", "the partition expression gave a number that is not a number (nan); strategy id takes an integer from 0 to 7"},
        {"infinite", "partition-type", "the partition expression gave an infinite number; strategy id takes an integer from 0 to 7"},
        {"empty", "partition-none", "the partition expression gave no output; exactly one is needed"},
        {"error(null)", "partition-none", "the partition expression gave no output; exactly one is needed"},
        {"0, 1", "partition-many", "the partition expression gave several outputs, 0 and 1 first; exactly one is needed"},
        {"0, 0", "partition-many", "the partition expression gave several outputs, 0 and 0 first; exactly one is needed"},
        {"range(1e9)", "partition-many", "the partition expression gave several outputs, 0 and 1 first; exactly one is needed"},
        {"error(\"no host\")", "jq-error", "the partition expression failed: no host"},
        {"0, error(\"late\")", "jq-error", "the partition expression failed: late"},
        {".payload.host + 1", "jq-error", "the partition expression failed: string (\"a\") and number (1) cannot be added"},
    };
    for (const Failure& f : rows)
        check(f, route(Strategy::id, f.expression, 8));
    check({"1", "partition-range", "the partition expression gave the number 1; allowed is 0, the only partition"}, route(Strategy::id, "1", 1));
}

TEST_CASE("strategy key takes strings, booleans and numbers and hashes their bytes") {
    const std::string longest = "\"" + std::string(128, 'x') + "\"";
    const struct {
        const char* expression;
        std::string key;
    } rows[] = {{".payload.host", "a"},
                {"true", "true"},
                {"false", "false"},
                {"1", "1"},
                {"-0", "0"},
                {"1e21", "1e+21"},
                {".payload.f", "0.5"},
                {".payload.big", "9007199254740992"},
                {"0.1 + 0.2", "0.30000000000000004"},
                {"\"\"", ""},
                {"\"21\"", "21"},
                {".payload.nul", std::string{"a\0b", 3}},
                {"\"\\u00e9\\ud83d\\ude00\"", "\xC3\xA9\xF0\x9F\x98\x80"},
                {longest.c_str(), std::string(128, 'x')},
                {"\"\xC3\xA9\" * 128", [] {
                     std::string out;
                     for (int i = 0; i < 128; ++i)
                         out += "\xC3\xA9";
                     return out;
                 }()}};
    for (const auto& row : rows) {
        INFO(row.expression);
        const Routed out = route(Strategy::key, row.expression, 12);
        CHECK(out.dead_letter.empty());
        CHECK(out.text.empty());
        CHECK(out.key == row.key);
        CHECK(out.partition == kafka_partition(row.key, 12));
    }
}

TEST_CASE("strategy key: whatever is no key is a failure with its reason") {
    const Failure rows[] = {
        {"null", "partition-type", "the partition expression gave null; strategy key takes a string, a boolean or a finite number"},
        {".payload.missing", "partition-type", "the partition expression gave null; strategy key takes a string, a boolean or a finite number"},
        {"[]", "partition-type", "the partition expression gave the array []; strategy key takes a string, a boolean or a finite number"},
        {"{}", "partition-type", "the partition expression gave the object {}; strategy key takes a string, a boolean or a finite number"},
        {"nan", "partition-type",
         "the partition expression gave a number that is not a number (nan); strategy key takes a string, a boolean or a finite number"},
        {"-infinite", "partition-type",
         "the partition expression gave an infinite number; strategy key takes a string, a boolean or a finite number"},
        {"empty", "partition-none", "the partition expression gave no output; exactly one is needed"},
        {"\"a\", \"b\"", "partition-many", "the partition expression gave several outputs, \"a\" and \"b\" first; exactly one is needed"},
        {".payload.host.x", "jq-error", "the partition expression failed: Cannot index string with string \"x\""},
    };
    for (const Failure& f : rows)
        check(f, route(Strategy::key, f.expression, 8));

    const Routed longer = route(Strategy::key, "\"\xC3\xA9\" * 129", 8);
    CHECK(longer.dead_letter == "partition-key-too-long");
    CHECK(longer.text.find("has 129 characters; at most 128 are allowed") != std::string::npos);
    CHECK(longer.text.size() < 200);
    CHECK(longer.key.empty());
}

TEST_CASE("values and errors are shortened in texts") {
    CHECK(route(Strategy::id, "[range(100000)]", 2).text.size() < 250);
    CHECK(route(Strategy::id, "error(\"x\" * 100000)", 2).text.size() < 500);
    CHECK(route(Strategy::id, "\"x\" * 100000, \"y\" * 100000", 2).text.size() < 350);
}

TEST_CASE("a message that is not JSON is a failure, not a guess") {
    const Routed out = route(Strategy::id, "0", 2, "{\"payload\":");
    CHECK(out.dead_letter == "jq-error");
    CHECK(out.text.starts_with("the partition expression failed: the message is not valid JSON: "));
}

TEST_CASE("an expression that does not end is a failure after its second") {
    auto partitioner = Partitioner::create(Strategy::id, "if .stop then 1 else (def f: f; f) end", 2);
    REQUIRE(partitioner);
    Routed out;
    (*partitioner)->route("{}", out);
    CHECK(out.dead_letter == "jq-timeout");
    CHECK(out.text == "the partition expression was halted: it ran longer than 1 s on this message");
    (*partitioner)->route("{\"stop\":true}", out);
    CHECK(out.dead_letter.empty());
    CHECK(out.partition == 1);
}

TEST_CASE("bad expressions are errors when the partitioner is made") {
    const auto text = [](std::string_view expression) {
        auto made = Partitioner::create(Strategy::id, expression, 1);
        REQUIRE_FALSE(made);
        CHECK(made.error().code == Errc::jq);
        return made.error().message;
    };
    CHECK(text(".payload |").starts_with("the jq expression does not compile: syntax error"));
    CHECK(text("now").starts_with("\"now\" is not allowed in a partition expression"));
    CHECK(text("$ENV.HOME").starts_with("\"$ENV\" is not allowed in an expression"));
    auto none = Partitioner::create(Strategy::id, "0", 0);
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Errc::invalid_argument);
}

TEST_CASE("a partitioner says what its expression reads") {
    auto some = Partitioner::create(Strategy::key, ".payload.host", 4);
    REQUIRE(some);
    CHECK_FALSE((*some)->reads().everything);
    CHECK((*some)->reads().payload == std::vector<std::string>{"host"});
    auto all = Partitioner::create(Strategy::key, "tojson", 4);
    REQUIRE(all);
    CHECK((*all)->reads().everything);
}
