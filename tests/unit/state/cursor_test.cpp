#include "state/cursor.hpp"
#include "support/catch.hpp"
#include "window/cursor.hpp"

using namespace fluxgate;
using namespace fluxgate::state;
using window::Edges;
using window::parse_cursor;

namespace {

const std::string whole = R"({"version":1,"position":"2026-11-21T10:00:00Z","planned":[["2026-11-21T10:00:00Z","2026-11-21T10:10:00Z"]],)"
                          R"("passed":[["2026-11-21T10:10:00Z","2026-11-21T10:20:00Z"]],"identity":"0123456789abcdef0123456789abcdef",)"
                          R"("updated":"2026-11-21T10:00:05.123Z","later":[1.50]})";
constexpr std::int64_t ten = 1795255200'000'000'000, minute = 60'000'000'000;

} // namespace

TEST_CASE("a cursor is read with all that it says") {
    const auto cursor = parse_cursor(whole);
    REQUIRE(cursor.ok());
    CHECK(cursor->position == ten);
    CHECK(cursor->planned == std::vector<Edges>{{ten, ten + 10 * minute}});
    CHECK(cursor->passed == std::vector<Edges>{{ten + 10 * minute, ten + 20 * minute}});
    CHECK(cursor->identity == "0123456789abcdef0123456789abcdef");
    CHECK(cursor->updated == "2026-11-21T10:00:05.123Z");
}

TEST_CASE("a cursor that was set has a place and no identity, so that the next run takes its query as it is") {
    const std::string json = cursor_at(ten, ten + 5);
    CHECK(json == R"({"version":1,"position":"2026-11-21T10:00:00Z","planned":[],"passed":[],"updated":"2026-11-21T10:00:00.000Z"})");
    const auto cursor = parse_cursor(json);
    REQUIRE(cursor.ok());
    CHECK(cursor->identity.empty());
}

TEST_CASE("rewinding moves the place, forgets windows, and keeps the identity and what is not known here") {
    const auto json = rewound(whole, std::chrono::hours{2}, ten);
    REQUIRE(json.ok());
    const auto cursor = parse_cursor(*json);
    REQUIRE(cursor.ok());
    CHECK(cursor->position == ten - 120 * minute);
    CHECK(cursor->planned.empty());
    CHECK(cursor->passed.empty());
    CHECK(cursor->identity == "0123456789abcdef0123456789abcdef");
    CHECK(json->find(R"("later":[1.5])") != std::string::npos);
    CHECK(json->find('\n') == std::string::npos);
    CHECK(rewound(whole, std::chrono::nanoseconds::max(), ten).ok()); // 292 years
    const std::string early = cursor_at(-ten, ten);
    for (const std::chrono::nanoseconds by : {std::chrono::nanoseconds{0}, std::chrono::nanoseconds{-5}, std::chrono::nanoseconds::max()}) {
        const auto bad = rewound(early, by, ten);
        REQUIRE_FALSE(bad.ok());
        CHECK(bad.error().code == Errc::configuration);
    }
}

TEST_CASE("what was exported can be imported into the same pipeline only, unless its name is taken out") {
    const auto text = exported(whole, "plant");
    REQUIRE(text.ok());
    CHECK(text->rfind(R"({"pipeline":"plant","version":1,)", 0) == 0);
    const auto back = imported(*text, "plant");
    REQUIRE(back.ok());
    CHECK(*back == *imported(whole, "plant"));
    CHECK(back->find("pipeline") == std::string::npos);
    const auto wrong = imported(*text, "other");
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().message.find(R"(/pipeline is "plant" (a string), but this is the pipeline "other")") != std::string::npos);
}

TEST_CASE("what is no cursor is refused by the member that is wrong") {
    const std::vector<std::pair<std::string, std::string>> bad{
        {"", "not valid"},
        {"[]", "an object"},
        {R"({"position":"2026-11-21T10:00:00Z"})", "/version is missing"},
        {R"({"version":2,"position":"2026-11-21T10:00:00Z"})", "/version is 2"},
        {R"({"version":1})", "/position is missing"},
        {R"({"version":1,"position":5})", "/position must be an RFC 3339 time"},
        {R"({"version":1,"position":"yesterday"})", "/position is \"yesterday\""},
        {R"({"version":1,"position":"2026-11-21T10:00:00Z","planned":{}})", "/planned must be a list"},
        {R"({"version":1,"position":"2026-11-21T10:00:00Z","planned":[["2026-11-21T10:00:00Z"]]})", "/planned/0"},
        {R"({"version":1,"position":"2026-11-21T10:00:00Z","passed":[["2026-11-21T10:00:00Z","x"]]})", "/passed/0/1"},
        {R"({"version":1,"position":"2026-11-21T10:00:00Z","passed":[["2026-11-21T10:00:00Z","2026-11-21T10:00:00Z"]]})",
         "does not stop after its start"},
        {R"({"version":1,"position":"2026-11-21T10:00:00Z","identity":"ABC"})", "/identity"},
        {R"({"version":1,"position":"2026-11-21T10:00:00Z","updated":7})", "/updated"},
        {R"({"version":1,"version":1,"position":"2026-11-21T10:00:00Z"})", "version"},
        {whole + "x", "not valid"}};
    for (const auto& [json, part] : bad) {
        INFO(json);
        const auto cursor = parse_cursor(json);
        REQUIRE_FALSE(cursor.ok());
        CHECK(cursor.error().code == Errc::configuration);
        INFO(cursor.error().message);
        CHECK(cursor.error().message.find(part) != std::string::npos);
    }
}
