#include "support/catch.hpp"
#include "window/instant.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace fluxgate::window;

TEST_CASE("instants read every form of RFC 3339 that InfluxDB's range of times holds, and nothing else") {
    const std::vector<std::pair<std::string, Instant>> good{
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-01T01:00:30.5Z", 1'767'229'230'500'000'000},
        {"2026-01-01T02:00:30.500000000+01:00", 1'767'229'230'500'000'000},
        {"2025-12-31T20:30:30.5-04:30", 1'767'229'230'500'000'000},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"2024-02-29T00:00:00Z", 1'709'164'800'000'000'000},
        {"2026-01-01T00:00:00.1234567899Z", 1'767'225'600'123'456'789},
        {"2000-02-29T00:00:00Z", 951'782'400'000'000'000}, // as `date -u -d ... +%s` has it, like those that follow
        {"2026-11-21T10:00:00Z", 1'795'255'200'000'000'000},
        {"2026-11-21T11:30:00+01:30", 1'795'255'200'000'000'000},
        {"2026-11-20T23:00:00-11:00", 1'795'255'200'000'000'000},
        {"1678-01-01T00:00:00Z", -9'214'560'000'000'000'000},
        {"2261-12-31T23:59:59Z", 9'214'646'399'000'000'000},
        {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    };
    for (const auto& [text, value] : good) {
        INFO(text);
        REQUIRE(parse_instant(text));
        CHECK(*parse_instant(text) == value);
    }
    for (const char* bad : {"", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "1677-09-21T00:12:43.145224191Z",
                            "2262-04-11T23:47:16.854775808Z", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00z"}) {
        INFO(bad);
        CHECK_FALSE(parse_instant(bad));
    }
}

TEST_CASE("a time that a person wrote is taken as it is or refused with the reason, never cut off") {
    CHECK(*read_instant("2026-11-21T10:00:00.123456789Z") == *parse_instant("2026-11-21T10:00:00.123456789Z"));
    for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string>>{{"soon", "it is no RFC 3339 time"},
                                                                                       {"2026-11-21T10:00:00.1234567890Z", "nine digits"},
                                                                                       {"2026-11-21T10:00:00.1234567890-01:00", "nine digits"},
                                                                                       {"2262-04-11T23:47:16.854775808Z", "year"}}) {
        INFO(text);
        const auto bad = read_instant(text);
        REQUIRE_FALSE(bad.ok());
        CHECK(bad.error().message.find(reason) != std::string::npos);
    }
}

TEST_CASE("an instant's text is the shortest that reads back to it") {
    CHECK(format_instant(1'767'229'230'500'000'000) == "2026-01-01T01:00:30.5Z");
    CHECK(format_instant(0) == "1970-01-01T00:00:00Z");
    CHECK(format_instant(-1) == "1969-12-31T23:59:59.999999999Z");
    for (const Instant at : {INT64_MIN, INT64_MAX, Instant{1}, Instant{-86'400'000'000'001}})
        CHECK(parse_instant(format_instant(at)) == at);
}

TEST_CASE("multiples are found on both sides of 1970") {
    CHECK(floor_to(17, 5) == 15);
    CHECK(floor_to(-17, 5) == -20);
    CHECK(floor_to(-15, 5) == -15);
    CHECK(ceil_to(17, 5) == 20);
    CHECK(ceil_to(-17, 5) == -15);
    CHECK(plus(INT64_MAX - 1, 5) == INT64_MAX);
    CHECK(plus(INT64_MIN + 1, -5) == INT64_MIN);
}
