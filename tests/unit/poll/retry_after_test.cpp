#include "poll/machine.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate::poll;

TEST_CASE("Retry-After: seconds, the three forms of an HTTP date, and what is none of them") {
    // 784111777 is Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110, 5.6.7.
    constexpr std::int64_t now = 784111777;
    struct Row {
        std::string value;
        std::int64_t seconds; // -1: not understood
    };
    const std::vector<Row> rows{
        {"0", 0},
        {"120", 120},
        {"  7\t", 7},
        {"99999999999999999999999999", 366LL * 24 * 3600},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:50:07 GMT", 30},
        {"Mon, 07 Nov 1994 08:49:37 GMT", 86400},
        {"Sat, 05 Nov 1994 08:49:37 GMT", 0},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60},
        {"Sunday, 06-Nov-70 08:50:37 GMT", 0},
        {"Sun Nov  6 08:50:37 1994", 60},
        {"Wed Nov 16 08:49:37 1994", 864000},
        {"Thu, 29 Feb 1996 00:00:00 GMT", 366LL * 24 * 3600},
        {"", -1},
        {" ", -1},
        {"-1", -1},
        {"1.5", -1},
        {"12s", -1},
        {"soon", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sun, 06 Nov 1994 08:49:37 CET", -1},
        {"Sun, 31 Feb 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT;", -1},
    };
    for (const Row& row : rows) {
        INFO("value '" << row.value << "'");
        const auto parsed = parse_retry_after(row.value, now);
        REQUIRE(parsed.has_value() == (row.seconds >= 0));
        if (parsed) CHECK(*parsed == std::chrono::seconds{row.seconds});
    }
}

TEST_CASE("Retry-After: a two-digit year is the nearest one that is not more than fifty years ahead") {
    constexpr std::int64_t now = 1795260000; // in November 2026
    CHECK(parse_retry_after("Saturday, 21-Nov-26 11:20:01 GMT", now) == std::chrono::seconds{1});
    CHECK(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now) == std::chrono::seconds{0});
}

TEST_CASE("an HTTP date in each of its three forms is one instant; what is none is none") {
    constexpr std::int64_t now = 784111777;
    for (const char* text :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", " Sun, 06 Nov 1994 08:49:37 GMT\t"}) {
        INFO(text);
        CHECK(parse_http_date(text, now) == now);
    }
    CHECK(!parse_http_date("120", now).has_value());
    CHECK(!parse_http_date("", now).has_value());
    CHECK(!parse_http_date("Sun, 06 Nov 1994 08:49:61 GMT", now).has_value());
}
