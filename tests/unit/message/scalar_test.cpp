#include "message/scalar.hpp"
#include "support/catch.hpp"

#include <array>
#include <string>

using namespace fluxgate::message;

TEST_CASE("integers are exact to the last digit of their 64 bits and have no leading zeros or plus") {
    for (const char* good : {"0", "-0", "7", "-1", "9223372036854775807", "-9223372036854775808"})
        CHECK(is_long(good));
    for (const char* bad : {"", "-", "+1", "01", "9223372036854775808", "-9223372036854775809", "1.0", "1e3", " 1", "99999999999999999999", "0x1"})
        CHECK_FALSE(is_long(bad));
    for (const char* good : {"0", "18446744073709551615"})
        CHECK(is_unsigned_long(good));
    for (const char* bad : {"-1", "18446744073709551616", "007", ""})
        CHECK_FALSE(is_unsigned_long(bad));
}

TEST_CASE("decimal text of a double passes as it is where JSON allows it, and is mended where JSON writes it differently") {
    for (const char* good : {"0", "-0", "1.5", "-21.25", "1e21", "1.5E-7", "179769313486231570000000000000", "0.0000001"}) {
        INFO(good);
        CHECK(classify_double(good) == DoubleText::json);
    }
    const auto mended = [](const char* in) {
        CHECK(classify_double(in) == DoubleText::mendable);
        return mended_double(in);
    };
    CHECK(mended("+1.5") == "1.5");
    CHECK(mended(".5") == "0.5");
    CHECK(mended("-.5") == "-0.5");
    CHECK(mended("5.") == "5");
    CHECK(mended("007.5") == "7.5");
    CHECK(mended("-00") == "-0");
    CHECK(mended("+5.e3") == "5e3");
    for (const char* odd : {"NaN", "nan", "+Inf", "-Inf", "Inf", "Infinity"})
        CHECK(classify_double(odd) == DoubleText::non_finite);
    for (const char* bad : {"", "-", ".", "1e", "1e+", "1.2.3", "abc", "1 ", "--1", "0x1p3", "1_000"}) {
        INFO(bad);
        CHECK(classify_double(bad) == DoubleText::invalid);
    }
}

TEST_CASE("times are RFC 3339 with up to nine fraction digits and real dates") {
    for (const char* good : {"2026-01-01T00:00:00Z", "1677-09-21T00:12:43.145224194Z", "2262-04-11T23:47:16.854775806Z",
                             "2024-02-29T12:00:00.5+05:30", "2016-12-31T23:59:60Z"}) {
        INFO(good);
        CHECK(is_rfc3339(good));
    }
    for (const char* bad : {"2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
                            "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00+0530", "", "now"}) {
        INFO(bad);
        CHECK_FALSE(is_rfc3339(bad));
    }
    // Zeros are what stands for no minute yet; they are none themselves.
    CHECK_FALSE(is_rfc3339(std::string(16, '\0') + ":00Z"));
    {
        std::array<char, 16> minute{};
        CHECK_FALSE(is_rfc3339(std::string(16, '\0') + ":00Z", minute));
        CHECK(is_rfc3339("2026-11-21T10:02:07Z", minute));
        CHECK_FALSE(is_rfc3339(std::string(16, '\0') + ":00Z", minute));
    }
}

TEST_CASE("durations and base64 are checked by their grammar") {
    for (const char* good : {"1h30m", "-5s", "1mo", "3ms", "10us", "10\xC2\xB5s", "0", "1.5h"})
        CHECK(is_duration(good));
    for (const char* bad : {"", "5", "h", "1 h", "1x", "-"})
        CHECK_FALSE(is_duration(bad));
    for (const char* good : {"", "AAAA", "AA==", "AAA=", "+/9z"})
        CHECK(is_base64(good));
    for (const char* bad : {"A", "AA=A", "A===", "AA-_", "AAA\n"})
        CHECK_FALSE(is_base64(bad));
}
