#include "config/byte_size.hpp"
#include "config/duration.hpp"
#include "config/flux_escape.hpp"
#include "config/formats.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>

using namespace fluxgate::config;

namespace {

constexpr std::int64_t refused = -1;

std::int64_t nanoseconds(std::string_view text) {
    const auto parsed = parse_duration(text);
    if (!parsed) CHECK_FALSE(parsed.error().message.empty());
    return parsed ? parsed->count() : refused;
}

} // namespace

TEST_CASE("durations are read as Go writes them") {
    const struct {
        const char* text;
        std::int64_t expected;
    } table[] = {
        {"5s", 5'000'000'000},
        {"1h10m30s", 4'230'000'000'000},
        {"3m9ms400ns", 180'009'000'400},
        {"1.5h", 5'400'000'000'000},
        {".5s", 500'000'000},
        {"1.s", 1'000'000'000},
        {"0s", 0},
        {"0.1ns", 0},
        {"1.9999999999s", 1'999'999'999},
        {"0.100000000000000000000h", 360'000'000'000},
        {"7us", 7'000},
        {"7\xC2\xB5s", 7'000},
        {"7\xCE\xBCs", 7'000},
        {"10ms10ms", 20'000'000},
        {"1s1h", 3'601'000'000'000},
        {"9223372036854775807ns", std::numeric_limits<std::int64_t>::max()},
        {"2562047h47m16.854775807s", std::numeric_limits<std::int64_t>::max()},
        {"00000000000000000000000005s", 5'000'000'000},
        {"9223372036854775808ns", refused},
        {"2562047h47m16.854775808s", refused},
        {"99999999999999999999999999999h", refused},
        {"18446744073709551617ns", refused},
        {"", refused},
        {"5", refused},
        {"0", refused},
        {"s", refused},
        {".s", refused},
        {"5 s", refused},
        {" 5s", refused},
        {"5s ", refused},
        {"-5s", refused},
        {"+5s", refused},
        {"5d", refused},
        {"5S", refused},
        {"1e3s", refused},
        {"1h-5m", refused},
        {"1..5s", refused},
        {"5\xC2", refused},
    };
    for (const auto& row : table) {
        INFO(row.text);
        CHECK(nanoseconds(row.text) == row.expected);
    }
}

TEST_CASE("a formatted duration is short and parses back to the same value") {
    using std::chrono::nanoseconds;
    CHECK(format_duration(nanoseconds{0}) == "0s");
    CHECK(format_duration(nanoseconds{4'230'000'000'000}) == "1h10m30s");
    CHECK(format_duration(nanoseconds{180'009'000'400}) == "3m9ms400ns");
    CHECK(format_duration(nanoseconds{-1'500'000}) == "-1ms500us");
    CHECK(format_duration(nanoseconds::min()) == "-2562047h47m16s854ms775us808ns");
    for (std::int64_t value = 1; value > 0 && value < std::numeric_limits<std::int64_t>::max() / 7; value = value * 7 + 3)
        CHECK(::nanoseconds(format_duration(nanoseconds{value})) == value);
}

TEST_CASE("byte sizes are whole numbers with a binary unit, or JSON integers") {
    const auto size = [](std::string_view text) {
        const auto parsed = parse_byte_size(text);
        return parsed ? static_cast<std::int64_t>(*parsed) : refused;
    };
    CHECK(size("2MiB") == 2 << 20);
    CHECK(size("256KiB") == 256 << 10);
    CHECK(size("100B") == 100);
    CHECK(size("1GiB") == 1 << 30);
    CHECK(size("8388607TiB") == 8388607ll << 40);
    for (const char* bad : {"", "5", "MiB", "1.5MiB", "-1B", "+1B", "2MB", "2mib", "2 MiB", "8388608TiB", "99999999999999999999B"}) {
        INFO(bad);
        CHECK(size(bad) == refused);
    }
    CHECK(*byte_size_of(rapidjson::Value{7}) == 7);
    CHECK_FALSE(byte_size_of(rapidjson::Value{-7}).ok());
    CHECK_FALSE(byte_size_of(rapidjson::Value{7.0}).ok());
    CHECK_FALSE(byte_size_of(rapidjson::Value{std::uint64_t{1} << 63}).ok());
}

TEST_CASE("a Flux expression is un-escaped once when every quotation mark is escaped, else left alone") {
    const struct {
        const char *text, *expected;
        bool changed;
    } table[] = {
        {R"(from(bucket:\"b\"))", R"(from(bucket:"b"))", true},
        {R"(from(bucket:"b"))", R"(from(bucket:"b"))", false},
        {R"(a\"b"c)", R"(a\"b"c)", false},       // one mark is not escaped
        {R"(x == 1)", R"(x == 1)", false},       // no mark at all
        {R"(a\\b)", R"(a\\b)", false},           // backslashes without a mark
        {R"(\"a\\b\")", R"("a\b")", true},       // two backslashes become one
        {R"(\"a\\\"b\")", R"("a\"b")", true},    // three backslashes: an escaped mark inside a string
        {R"(\\"a)", R"(\\"a)", false},           // an even number
        {R"(\\\\"a)", R"(\\\\"a)", false},       //
        {R"(\"a\\\\\"b\")", R"("a\\"b")", true}, // five: one pass from the left
        {R"(\"a\nb\")", R"("a\nb")", true},      // other escapes stay
        {R"(/\d+\"/)", R"(/\d+"/)", true},       //
        {R"(\"a\)", R"("a\)", true},             // a lone backslash at the end stays
        {"", "", false},
        {R"(\")", R"(")", true},
    };
    for (const auto& row : table) {
        INFO(row.text);
        const FluxText got = unescape_flux(row.text);
        CHECK(got.text == row.expected);
        CHECK(got.changed == row.changed);
    }
}

TEST_CASE("RFC 3339 times are recognised, days that do not exist are not") {
    for (const char* good : {"2026-01-01T00:00:00Z", "2024-02-29T23:59:59.123456789Z", "2000-02-29T00:00:00Z", "2026-01-01T00:00:00+01:30"})
        CHECK(is_rfc3339(good));
    for (const char* bad :
         {"", "2026-01-01", "2026-01-01T00:00:00", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
          "2026-01-01T00:60:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.5", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00z",
          "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Zx", "2026-01-0aT00:00:00Z", "2026-04-31T00:00:00Z"}) {
        INFO(bad);
        CHECK_FALSE(is_rfc3339(bad));
    }
}
