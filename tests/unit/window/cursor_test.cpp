#include "support/catch.hpp"
#include "window/cursor.hpp"

#include <string>

using namespace fluxgate;
using namespace fluxgate::window;

namespace {

constexpr std::int64_t minute = 60'000'000'000;
const Instant ten = *parse_instant("2026-11-21T10:00:00Z");

} // namespace

TEST_CASE("a cursor's text is the documented one line") {
    Cursor cursor;
    cursor.position = ten;
    cursor.planned = {{ten, ten + 10 * minute}, {ten + 20 * minute, ten + 25 * minute}};
    cursor.passed = {{ten + 10 * minute, ten + 20 * minute}};
    cursor.identity = std::string(32, 'a');
    const std::string text = cursor_text(cursor, ten + 5'123'456'789);
    CHECK(text == R"({"version":1,"position":"2026-11-21T10:00:00Z",)"
                  R"("planned":[["2026-11-21T10:00:00Z","2026-11-21T10:10:00Z"],["2026-11-21T10:20:00Z","2026-11-21T10:25:00Z"]],)"
                  R"("passed":[["2026-11-21T10:10:00Z","2026-11-21T10:20:00Z"]],"identity":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
                  R"("updated":"2026-11-21T10:00:05.123Z"})");
    const auto back = parse_cursor(text);
    REQUIRE(back.ok());
    CHECK(back->position == cursor.position);
    CHECK(back->planned == cursor.planned);
    CHECK(back->passed == cursor.passed);
    CHECK(back->identity == cursor.identity);
}

TEST_CASE("what a person sets needs no identity, and unknown members are skipped") {
    const auto set = parse_cursor(R"({"version":1,"pipeline":"p","position":"2026-11-21T12:00:00+02:00","planned":[],"passed":[]})");
    REQUIRE(set.ok());
    CHECK(set->position == ten);
    CHECK(set->identity.empty());
    const auto least = parse_cursor(R"({"version":1,"position":"2026-11-21T10:00:00Z"})");
    REQUIRE(least.ok());
    CHECK(least->planned.empty());
    CHECK(least->passed.empty());
}

TEST_CASE("every instant that a cursor can stand at is read back") {
    for (const Instant at : {INT64_MIN, Instant{-1}, Instant{0}, INT64_MAX}) {
        Cursor cursor;
        cursor.position = at;
        const auto back = parse_cursor(cursor_text(cursor, ten));
        REQUIRE(back.ok());
        CHECK(back->position == at);
    }
}

TEST_CASE("a cursor that no program of this version wrote is refused with the reason") {
    const std::string time = R"("position":"2026-11-21T10:00:00Z")";
    const auto window = [](const char* a, const char* b) { return std::string{"[[\""} + a + "\",\"" + b + "\"]]"; };
    struct Case {
        std::string text, reason;
    };
    const std::string begin = "{\"version\":1," + time + ",";
    const std::vector<Case> cases{
        {"", "not valid"},
        {"[]", "must be an object"},
        {"{\"version\":1,", "not valid"},
        {begin + "\"position\":\"2026-11-21T11:00:00Z\"}", "position"}, // twice
        {"{" + time + "}", "/version is missing"},
        {"{\"version\":2," + time + "}", "/version is 2 (an integer); this program knows version 1"},
        {"{\"version\":1}", "/position is missing"},
        {"{\"version\":1,\"position\":5}", "/position must be an RFC 3339 time"},
        {"{\"version\":1,\"position\":\"yesterday\"}", "/position is \"yesterday\""},
        {begin + "\"planned\":7}", "/planned must be a list"},
        {begin + "\"planned\":[[]]}", "/planned/0 must be [start, stop]"},
        {begin + "\"planned\":" + window("2026-11-21T11:00:00Z", "2026-11-21T10:30:00Z") + "}", "/planned/0 does not stop after its start"},
        {begin + "\"planned\":" + window("2026-11-21T09:00:00Z", "2026-11-21T10:30:00Z") + "}", "overlaps"},
        {begin + "\"planned\":" + window("2026-11-21T10:00:00Z", "2026-11-21T10:30:00Z") +
             ",\"passed\":" + window("2026-11-21T10:20:00Z", "2026-11-21T10:40:00Z") + "}",
         "overlaps"},
        {begin + "\"identity\":\"XYZ\"}", "/identity must be 32 digits"},
        {std::string(5u << 20, ' '), "more than"},
    };
    for (const Case& c : cases) {
        INFO(c.text.substr(0, 200));
        const auto parsed = parse_cursor(c.text);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.error().code == Errc::configuration);
        INFO(parsed.error().message);
        CHECK(parsed.error().message.find(c.reason) != std::string::npos);
    }
}

TEST_CASE("an identity tells apart url, organization and query, also where their texts run into each other") {
    const std::string one = identity_of("http://a", "b", "c");
    CHECK(one.size() == 32);
    CHECK(one == identity_of("http://a", "b", "c"));
    CHECK(one != identity_of("http://ab", "", "c"));
    CHECK(one != identity_of("http://a", "bc", ""));
}
