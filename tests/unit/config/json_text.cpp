#include "config/json_text.hpp"

#include "config/findings.hpp"
#include "config/show.hpp"
#include "support/catch.hpp"

#include <string>

using namespace fluxgate::config;

namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

std::string problem(std::string_view text) {
    const JsonText json = parse_json(text);
    CHECK_FALSE(json.parsed);
    CHECK(json.dom.IsNull());
    REQUIRE(json.violations.size() == 1);
    CHECK(json.violations[0].pointer.empty());
    return json.violations[0].message;
}

} // namespace

TEST_CASE("nesting is bounded at 100, for arrays and objects, however deep the text goes") {
    CHECK(parse_json(nested(100)).parsed);
    CHECK(problem(nested(101)) == "line 1, column 101: more than 100 objects and arrays inside each other");
    CHECK(problem(std::string(1'000'000, '[')).find("more than 100") != std::string::npos);
    std::string objects;
    for (int i = 0; i < 200'000; ++i)
        objects += "{\"a\":";
    CHECK(problem(objects).find("more than 100") != std::string::npos);
}

TEST_CASE("a document beyond 16 MiB is refused by its size, one of exactly 16 MiB is read") {
    std::string text = "\"" + std::string(max_document_bytes - 2, 'a') + "\"";
    CHECK(parse_json(text).parsed);
    text += ' ';
    CHECK(problem(text) == "the document has 16777217 bytes; at most 16777216 are allowed");
}

TEST_CASE("parse errors name line, column and what is wrong") {
    CHECK(problem("{\n  \"a\": tru\n}") == "line 2, column 11: a JSON value is needed here");
    CHECK(problem("{\"a\" 1}") == "line 1, column 6: a colon is needed after the field name");
    CHECK(problem("[1 2]") == "line 1, column 4: a comma or a closing bracket is needed after an element");
    CHECK(problem("[1,]").substr(0, 16) == "line 1, column 4");
    CHECK(problem("\"abc").find("a string has no closing quotation mark") != std::string::npos);
    CHECK(problem("\"\\x\"").find("a string has an escape that JSON does not know") != std::string::npos);
    CHECK(problem("\"\xFF\"").find("not UTF-8") != std::string::npos);
    CHECK(problem("1e999").find("a number is too big for a double") != std::string::npos);
    CHECK(problem("{} // comment").find("text follows the end") != std::string::npos);
    CHECK(problem("NaN").find("a JSON value is needed here") != std::string::npos);
    CHECK(problem(std::string_view{"{}\0{", 4}) == "line 1, column 3: a NUL byte is not allowed in JSON text");
}

TEST_CASE("a character beyond the basic plane is a pair of escapes, and half a pair is refused") {
    const JsonText json = parse_json(R"(["\uD83D\uDE00", "\uD7FF\uE000"])");
    REQUIRE(json.parsed);
    CHECK(json.dom[0] == "\xF0\x9F\x98\x80");
    CHECK(json.dom[1] == "\xED\x9F\xBF\xEE\x80\x80");
    for (const std::string half : {R"("\uDEFA")", R"({"\uDC00": 1})", R"("\uD83D")", R"("\uDE00\uD83D")"})
        CHECK(problem(half).find("surrogate") != std::string::npos);
}

TEST_CASE("every name given twice is reported at its own pointer, in document order") {
    const JsonText json = parse_json(R"({"b":{"x":1,"x":2},"a":[{"y":1,"y":2,"y":3}],"b":3})");
    REQUIRE(json.parsed);
    REQUIRE(json.violations.size() == 3);
    CHECK(json.violations[0].pointer == "/b");
    CHECK(json.violations[0].message == "the field \"b\" is given more than once in this object; keep one");
    CHECK(json.violations[1].pointer == "/b/x");
    CHECK(json.violations[2].pointer == "/a/0/y");
}

TEST_CASE("a byte order mark is skipped and integers of 64 bits and doubles stay exact") {
    const JsonText json = parse_json("\xEF\xBB\xBF[18446744073709551615,-9223372036854775808,0.1]");
    REQUIRE(json.parsed);
    CHECK(to_text(json.dom) == "[18446744073709551615,-9223372036854775808,0.1]");
}

TEST_CASE("numbers are exact, zeros of any length are zero, and what a double cannot hold is refused") {
    const auto read = [](std::string_view text) { return to_text(parse_json(text).dom); };
    // RapidJSON's own exact conversion shifts by a garbage count for zeros beyond 22 places.
    CHECK(read("[0e90,-0e90,0e-90,0." + std::string(400, '0') + "]") == "[0.0,-0.0,0.0,0.0]");
    CHECK(read("[9007199254740993.0,2.2250738585072014e-308,1.7976931348623157e308,5e-324]") ==
          "[9007199254740992.0,2.2250738585072014e-308,1.7976931348623157e308,5e-324]");
    CHECK(read("[1e-999,-1e-999]") == "[0.0,-0.0]");
    CHECK(read("[-0,0,2147483648,-2147483649,4294967296]") == "[0,0,2147483648,-2147483649,4294967296]");
    CHECK(read("[18446744073709551616,-9223372036854775809]") == "[18446744073709553000.0,-9223372036854776000.0]");
    CHECK(parse_json("4294967295").dom.IsUint());
    CHECK(parse_json("-5").dom.IsInt());
    CHECK(parse_json("5").dom.IsUint64());
    for (const char* big : {"1e309", "-9e308", "179769313486231580793e289"})
        CHECK(problem(big).find("a number is too big for a double") != std::string::npos);
}

TEST_CASE("only a whole byte order mark is skipped, and columns count behind it") {
    for (const char* text : {"\xEF{}", "\xBB{}", "\xBF{}", "\xEF\xBB{}", "\xBB\xBF{}"})
        CHECK(problem(text) == "line 1, column 1: a JSON value is needed here");
    CHECK(problem("\xEF\xBB\xBF{]") == "line 1, column 5: a field name in double quotes is needed here (no comma before a closing brace)");
}

TEST_CASE("pointers escape ~ and / as RFC 6901 has it") {
    CHECK(child("", std::string_view{"a/b~c"}) == "/a~1b~0c");
    CHECK(child("/x", std::size_t{7}) == "/x/7");
    CHECK(child("/x", std::string_view{""}) == "/x/");
}

TEST_CASE("findings beyond the bound are not kept, but an error among them is never lost") {
    rapidjson::Document root{rapidjson::kObjectType};
    Findings findings;
    for (std::size_t i = 0; i < max_violations; ++i)
        findings.warning(child("", i), "w");
    CHECK(findings.full());
    findings.error("/e", "e");
    const auto taken = std::move(findings).take(root);
    REQUIRE(taken.size() == max_violations + 1);
    CHECK(has_error(taken));
    CHECK(taken.back().message == "only the first 1000 violations are shown; mend these first");
}

TEST_CASE("findings are ordered by the document, parents first, missing fields last, each once") {
    const JsonText json = parse_json(R"({"b":{"c":1},"a":2})");
    Findings findings;
    findings.error("/missing", "m");
    findings.error("/a", "a");
    findings.error("/b/c", "c");
    findings.error("/b/gone", "g");
    findings.error("/b", "b");
    findings.error("/a", "a");
    std::string order;
    for (const Violation& v : std::move(findings).take(json.dom))
        order += v.message;
    CHECK(order == "bcgam");
}

TEST_CASE("values are shown short, on one line, with their type") {
    const auto shown = [](std::string_view text, bool hidden = false) { return show(parse_json(text).dom, hidden); };
    CHECK(shown("\"a\\n\\\"\"") == "\"a\\n\\\"\" (a string)");
    CHECK(shown("\"" + std::string(100, 'x') + "\"") == "\"" + std::string(60, 'x') + "...\" (a string)");
    std::string umlauts;
    for (int i = 0; i < 61; ++i)
        umlauts += "\xC3\xA4";
    CHECK(shown("\"" + umlauts + "\"") == "\"" + umlauts.substr(0, 120) + "...\" (a string)");
    CHECK(shown("12") == "12 (an integer)");
    CHECK(shown("1.5") == "1.5 (a number)");
    CHECK(shown("true") == "true (a boolean)");
    CHECK(shown("null") == "null");
    CHECK(shown("{\"a\":1}") == "an object with 1 field");
    CHECK(shown("[1,2]") == "an array of 2 elements");
    CHECK(shown("\"hunter2\"", true) == "a string (not shown: it may be a secret)");
    CHECK(shown("7", true) == "an integer (not shown: it may be a secret)");
}

TEST_CASE("fields whose names speak of secrets are known") {
    for (const char* name : {"accessToken", "password", "Client-Secret", "api_key", "authentication", "TOKEN"})
        CHECK(may_hold_secret(name));
    for (const char* name : {"url", "organization", "keyFile", "partitionKey", ""})
        CHECK_FALSE(may_hold_secret(name));
}
