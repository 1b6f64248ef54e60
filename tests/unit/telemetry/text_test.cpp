#include "telemetry/text.hpp"

#include "support/catch.hpp"

using namespace fluxgate::telemetry;

TEST_CASE("times are RFC 3339 UTC with milliseconds, also before 1970") {
    CHECK(rfc3339(0) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339(1'795'255'327'123'999'999) == "2026-11-21T10:02:07.123Z");
    CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("well-formed UTF-8 is told from ill-formed, and the latter is replaced") {
    CHECK(is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const char* bad : {"\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"})
        CHECK_FALSE(is_utf8(bad));
    CHECK(to_utf8("a\xff"
                  "b\xe2\x82") == "a\xEF\xBF\xBD"
                                  "b\xEF\xBF\xBD");
}

TEST_CASE("base64 of every length of the last group") {
    CHECK(base64("").empty());
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("\xff\xfe") == "//4=");
}
