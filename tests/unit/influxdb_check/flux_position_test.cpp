#include "flux_position.hpp"
#include "support/catch.hpp"

#include <string>

using namespace fluxgate::influxdb;

namespace {

std::string repeated(const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i)
        out += text;
    return out;
}

std::string found(std::string_view text) {
    const auto p = find_flux_position(text);
    if (!p) return "none";
    return std::to_string(p->line) + ":" + std::to_string(p->column) + "-" + std::to_string(p->end_line) + ":" + std::to_string(p->end_column);
}

} // namespace

TEST_CASE("a position is found in every form in which servers write it") {
    struct Case {
        const char *text, *position;
    };
    for (const Case& c : {
             Case{"error @1:38-1:39: undefined identifier v", "1:38-1:39"},
             Case{"error @1:9-1:12: expected int but found string", "1:9-1:12"},
             Case{"runtime error @2:141-2:187: map: failed to evaluate map function", "2:141-2:187"},
             Case{"loc 1:1-1:6: expected RPAREN, got EOF", "1:1-1:6"},
             Case{"compilation failed: error @1:1-1:30: expected RPAREN, got EOF\n\nerror @1:24-1:30: expected RPAREN, got EOF", "1:24-1:30"},
             Case{"compilation failed: error @1:1-1:50: expected RPAREN, got EOF error @1:14-1:50: got unexpected token in string expression "
                  "@1:50-1:50: EOF",
                  "1:14-1:50"},
             Case{"error @1:5-3:2: a", "1:5-3:2"},
             Case{"error @1:5-3:2: a error @2:1-2:90: b", "2:1-2:90"},
             Case{"error @4:4-4:4: EOF", "4:4-4:4"},
         }) {
        INFO(c.text);
        CHECK(found(c.text) == c.position);
    }
}

TEST_CASE("text without a proper position has none") {
    for (const char* text : {"", "@", "could not find bucket \"nope\"", "a@b.example", "error @1:2: x", "error @0:1-1:2", "error @1:0-1:2",
                             "error @1:9-1:2", "error @2:1-1:9", "error @1:1-", "error @9999999999:1-9999999999:2", "loc a:b-c:d", "@1:1-1:"}) {
        INFO(text);
        CHECK(found(text) == "none");
    }
}

TEST_CASE("the place is shown as the line of the query with carets below it") {
    const std::string query = "from(bucket:\"plant\" |> range(";
    CHECK(show_flux_position(query, {1, 24, 1, 30}) == "line 1: " + query + "\n" + std::string(8 + 23, ' ') + "^^^^^^");
    CHECK(show_flux_position("x = 1 + \"a\"", {1, 9, 1, 12}) == "line 1: x = 1 + \"a\"\n                ^^^");
    CHECK(show_flux_position("a\nbc\ndef", {2, 2, 2, 3}) == "line 2: bc\n         ^");
    CHECK(show_flux_position("a\r\nbc\r\n", {2, 1, 2, 3}) == "line 2: bc\n        ^^");
}

TEST_CASE("a position over several lines is shown to the end of its first one") {
    CHECK(show_flux_position("abc\ndef", {1, 2, 2, 3}) == "line 1: abc\n         ^^");
}

TEST_CASE("the end of a line can be pointed at, and what lies beyond the query cannot") {
    CHECK(show_flux_position("abc", {1, 4, 1, 4}) == "line 1: abc\n           ^");
    CHECK(show_flux_position("", {1, 1, 1, 1}) == "line 1: \n        ^");
    CHECK(show_flux_position("abc", {1, 5, 1, 6}).empty());
    CHECK(show_flux_position("abc", {2, 1, 2, 2}).empty());
    CHECK(show_flux_position("abc", {1, 2, 1, 999}) == "line 1: abc\n         ^^");
}

TEST_CASE("characters beyond ASCII take one place each, control characters a space, bad bytes a question mark") {
    // "\u00e4" is two bytes, so the column of b is 4
    CHECK(show_flux_position("a\xC3\xA4"
                             "b",
                             {1, 4, 1, 5}) == "line 1: a\xC3\xA4"
                                              "b\n          ^");
    CHECK(show_flux_position("\tx\x1B[2J", {1, 2, 1, 3}) == "line 1:  x [2J\n         ^");
    CHECK(show_flux_position("\xFFx", {1, 2, 1, 3}) == "line 1: ?x\n         ^");
    CHECK(show_flux_position("\xC2\x9Bx", {1, 3, 1, 4}) == "line 1:  x\n         ^");
}

TEST_CASE("a long line is cut around the position, and the carets stay below it") {
    const std::string query = repeated("a", 300) + "XYZ" + repeated("b", 300);
    const std::string shown = show_flux_position(query, {1, 301, 1, 304});
    const std::size_t end = shown.find('\n');
    const std::string line = shown.substr(0, end), carets = shown.substr(end + 1);
    CHECK(line.size() < 120);
    CHECK(line.substr(carets.find('^'), 3) == "XYZ");
    CHECK(carets.substr(carets.find('^')) == "^^^");
    CHECK(line.find("...") != std::string::npos);
    const std::string at_end = show_flux_position(query, {1, 604, 1, 604});
    CHECK(at_end.substr(at_end.find('\n') + 1).size() == at_end.find('\n') + 1);
    const std::string whole = show_flux_position(query, {1, 1, 1, 604});
    CHECK(whole.size() < 300);
}

TEST_CASE("a server's words become the line of the query in one step, or nothing") {
    CHECK(query_line("x = v", "error @1:5-1:6: undefined identifier v") == "line 1: x = v\n            ^");
    CHECK(query_line("x = v", "unauthorized access").empty());
    CHECK(query_line("x = v", "error @7:5-7:6: undefined identifier v").empty());
}
