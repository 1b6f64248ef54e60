#include "state/time_text.hpp"
#include "support/catch.hpp"

using namespace fluxgate;
using state::format_time;
using state::parse_time;
using state::parse_time_or_past;

TEST_CASE("times are read to the nanosecond and written back as short as they can be") {
    // seconds from `date -u -d ... +%s`
    const std::vector<std::pair<std::string, std::int64_t>> known{{"1970-01-01T00:00:00Z", 0},
                                                                  {"2026-11-21T10:00:00Z", 1795255200'000'000'000},
                                                                  {"2026-11-21T10:00:00.5Z", 1795255200'500'000'000},
                                                                  {"2026-11-21T10:00:00.000000001Z", 1795255200'000'000'001},
                                                                  {"1969-12-31T23:59:59.999999999Z", -1},
                                                                  {"2000-02-29T00:00:00Z", 951782400'000'000'000},
                                                                  {"1678-01-01T00:00:00Z", -9214560000'000'000'000},
                                                                  {"2261-12-31T23:59:59Z", 9214646399'000'000'000}};
    CHECK(format_time(INT64_MIN) == "1677-09-21T00:12:43.145224192Z");
    for (const auto& [text, ns] : known) {
        INFO(text);
        REQUIRE(parse_time(text).ok());
        CHECK(*parse_time(text) == ns);
        CHECK(format_time(ns) == text);
    }
    CHECK(*parse_time("2026-11-21T11:30:00+01:30") == 1795255200'000'000'000);
    CHECK(*parse_time("2026-11-20T23:00:00-11:00") == 1795255200'000'000'000);
}

TEST_CASE("what is no time is refused with the reason") {
    for (const std::string text : {"", "soon", "2026-11-21", "2026-11-21T10:00:00", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
                                   "2026-11-21 10:00:00Z", "1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "2026-11-21T10:00:00.0000000001Z"}) {
        INFO(text);
        const auto bad = parse_time(text);
        REQUIRE_FALSE(bad.ok());
        CHECK_FALSE(bad.error().message.empty());
    }
}

TEST_CASE("people may also say now, and how long before now") {
    const std::int64_t now = 1795255200'000'000'000;
    CHECK(*parse_time_or_past("now", now) == now);
    CHECK(*parse_time_or_past("-2h", now) == now - 7200'000'000'000);
    CHECK(*parse_time_or_past("now-1m30s", now) == now - 90'000'000'000);
    CHECK(*parse_time_or_past("2000-02-29T00:00:00Z", now) == 951782400'000'000'000);
    for (const std::string text : {"", "-", "now-", "now+1h", "2h", "-2", "--2h", "-5000000h", "-999999999h"}) {
        INFO(text);
        CHECK_FALSE(parse_time_or_past(text, now).ok());
    }
}
