#include "state/time_text.hpp"
#include "support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using state::parse_time_or_past;

TEST_CASE("what is no time is refused with the reason") {
    const std::vector<std::pair<std::string, std::string>> bad{{"", "no RFC 3339 time"},
                                                               {"soon", "no RFC 3339 time"},
                                                               {"2026-11-21", "no RFC 3339 time"},
                                                               {"2026-11-21T10:00:00", "no RFC 3339 time"},
                                                               {"2026-02-29T00:00:00Z", "no RFC 3339 time"},
                                                               {"2026-11-21T24:00:00Z", "no RFC 3339 time"},
                                                               {"2026-11-21 10:00:00Z", "no RFC 3339 time"},
                                                               {"1677-12-31T23:59:59Z", "year"},
                                                               {"1600-01-01T00:00:00Z", "year"},
                                                               {"2262-01-01T00:00:00Z", "year"},
                                                               {"2026-11-21T10:00:00.0000000001Z", "nine digits"},
                                                               {"2026-11-21T10:00:00.0000000001+01:00", "nine digits"}};
    for (const auto& [text, reason] : bad) {
        INFO(text);
        const auto time = parse_time_or_past(text, 0);
        REQUIRE_FALSE(time.ok());
        CHECK(time.error().message.find(reason) != std::string::npos);
        CHECK(time.error().message.find("nor `now`") != std::string::npos);
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
