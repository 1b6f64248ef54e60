#include "sample_server/engine.hpp"
#include "sample_server/plant.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <random>

using namespace fluxgate::sample;

namespace {

constexpr std::int64_t second = 1'000'000'000;

using Points = std::vector<std::pair<std::int64_t, Value>>;

Points points(const Series& s, Time start, Time stop) {
    Points out;
    for (std::int64_t k = first_sample(s, start); k < first_sample(s, stop); ++k) {
        if (sample_exists(s, k)) out.emplace_back(sample_time(s, k).ns, sample_value(s, k));
    }
    return out;
}

std::string text_of(double v) {
    std::string out;
    append_double(out, v);
    return out;
}

} // namespace

TEST_CASE("any range of any series is the same in one piece as in two") {
    const char* given = std::getenv("FLUXGATE_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        const Series& s = plant()[random() % plant().size()];
        const Time start{static_cast<std::int64_t>(random() % 4'000'000'000u) * second - 2'000'000'000 * second +
                         static_cast<std::int64_t>(random() % 1'000'000'000u)};
        const auto length = static_cast<std::int64_t>(random() % 7'200'000'000'000u) + 2;
        const Time middle{start.ns + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(length))};
        const Time stop{start.ns + length};
        Points halves = points(s, start, middle);
        for (auto& p : points(s, middle, stop)) {
            halves.push_back(p);
        }
        const Points whole = points(s, start, stop);
        REQUIRE(whole == halves);
        for (const auto& [time, value] : whole) {
            REQUIRE(time >= start.ns);
            REQUIRE(time < stop.ns);
        }
    }
}

TEST_CASE("a range is half-open: its start belongs to it, its stop does not") {
    const Series& s = plant().back();
    const Time at = sample_time(s, 12345);
    CHECK(points(s, at, Time{at.ns + 1}).size() == 1);
    CHECK(points(s, Time{at.ns - 1}, at).empty());
}

TEST_CASE("the plant is endless: there are points at both ends of the time that int64 nanoseconds reach") {
    for (const Series& s : plant()) {
        const Time first{std::numeric_limits<std::int64_t>::min()}, last{std::numeric_limits<std::int64_t>::max()};
        CHECK(points(s, first, Time{first.ns + 3600 * second}).size() >= 50);
        CHECK(points(s, Time{last.ns - 3600 * second}, last).size() >= 50);
    }
}

TEST_CASE("known points never change: they are the contract with whoever recorded answers") {
    const auto e = expect(R"(from(bucket: "plant") |> range(start: 2026-01-01T00:00:00Z, stop: 2026-01-01T00:00:10Z)
        |> filter(fn: (r) => r._measurement == "stat" and r.host == "oven 1"))",
                          Time{});
    REQUIRE(e.ok());
    REQUIRE(e->messages.size() == 4);
    const std::string front = R"({"_start":"2026-01-01T00:00:00Z","_stop":"2026-01-01T00:00:10Z","_time":"2026-01-01T00:00:00Z","_value":)";
    const std::string back = R"(,"_measurement":"stat","host":"oven 1","line":"1","site":"north"})";
    CHECK(e->messages[0].payload == front + "176722560,\"_field\":\"cycles\"" + back);
    CHECK(e->messages[1].payload == front + "\"running\",\"_field\":\"note\"" + back);
    CHECK(e->messages[2].payload == front + "true,\"_field\":\"running\"" + back);
    CHECK(e->messages[3].payload == front + "18.817,\"_field\":\"temperature\"" + back);
    CHECK(e->messages[3].table == 3);
    CHECK(e->messages[3].result == "_result");
}

TEST_CASE("values have the type of their series, and every type occurs") {
    bool seen[6] = {};
    for (const Series& s : plant()) {
        const Value v = sample_value(s, 7);
        seen[static_cast<int>(type_of(s.shape))] = true;
        switch (type_of(s.shape)) {
        case Type::boolean: CHECK(std::holds_alternative<bool>(v)); break;
        case Type::integer: CHECK(std::holds_alternative<std::int64_t>(v)); break;
        case Type::unsigned_integer: CHECK(std::holds_alternative<std::uint64_t>(v)); break;
        case Type::floating: CHECK(std::holds_alternative<double>(v)); break;
        case Type::string: CHECK(std::holds_alternative<std::string_view>(v)); break;
        case Type::time: FAIL("no field is a time"); break;
        }
    }
    for (const Type t : {Type::boolean, Type::integer, Type::unsigned_integer, Type::floating, Type::string}) {
        CHECK(seen[static_cast<int>(t)]);
    }
}

TEST_CASE("doubles are written with Go's shortest digits and never an exponent") {
    CHECK(text_of(0.1) == "0.1");
    CHECK(text_of(-0.0) == "-0");
    CHECK(text_of(3) == "3");
    CHECK(text_of(1e21) == "1000000000000000000000");
    CHECK(text_of(1e-7) == "0.0000001");
    CHECK(text_of(123456789.12345679) == "123456789.12345679");
    CHECK(text_of(1.7976931348623157e308) == "17976931348623157" + std::string(292, '0'));
    CHECK(text_of(5e-324) == "0." + std::string(323, '0') + "5");
    CHECK(text_of(std::numeric_limits<double>::infinity()) == "+Inf");
    CHECK(text_of(-std::numeric_limits<double>::infinity()) == "-Inf");
    CHECK(text_of(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_CASE("times are RFC 3339 with 0 to 9 digits from 1677 to 2262, and read back") {
    for (const char* text : {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:00.1Z", "2024-02-29T23:59:59.999999999Z",
                             "1969-12-31T23:59:59.5Z", "1677-09-21T00:12:43.145224192Z", "2262-04-11T23:47:16.854775807Z"}) {
        INFO(text);
        const auto time = parse_time(text);
        REQUIRE(time.has_value());
        CHECK(time_text(*time) == text);
    }
    CHECK(parse_time("2026-01-01")->ns == parse_time("2026-01-01T01:00:00+01:00")->ns);
    for (const char* text : {"", "2026-02-30", "2026-13-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
                             "2300-01-01T00:00:00Z", "2026-01-01T00:00:00Zx", "1600-01-01"}) {
        INFO(text);
        CHECK(!parse_time(text).has_value());
    }
}
