#include "jsonpath/json_path.hpp"
#include "jsonpath/json_scan.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <utility>

using fluxgate::Errc;
using fluxgate::jsonpath::JsonPath;

namespace {

std::string find(std::string_view path, std::string_view json) {
    const auto compiled = JsonPath::compile(path);
    if (!compiled.ok()) return "COMPILE: " + compiled.error().message;
    const auto found = compiled->find(json);
    if (!found.ok()) return "ERROR: " + found.error().message;
    return std::string{*found};
}

std::string compile_error(std::string_view path) {
    const auto compiled = JsonPath::compile(path);
    if (compiled.ok()) return "";
    CHECK(compiled.error().code == Errc::configuration);
    return compiled.error().message;
}

constexpr std::string_view message =
    R"({"systemProperties":{"partitionId":3},"userProperties":[],"payload":{"a":1.50,"a-b":"x","list":[10,[20,{"k":"}]"}],null],"q\"\\":true}})";

} // namespace

TEST_CASE("the identity path is the whole text, unchanged") {
    CHECK(find(".", message) == message);
    CHECK(JsonPath::compile(".")->is_identity());
    CHECK_FALSE(JsonPath::compile(".payload")->is_identity());
}

TEST_CASE("each form of step finds the raw text of a value") {
    CHECK(find(".payload.a", message) == "1.50");
    CHECK(find(".payload.\"a-b\"", message) == "\"x\"");
    CHECK(find(".payload[\"a-b\"]", message) == "\"x\"");
    CHECK(find(".[\"payload\"].a", message) == "1.50");
    CHECK(find("[\"payload\"][\"a\"]", message) == "1.50");
    CHECK(find(".payload.list[0]", message) == "10");
    CHECK(find(".payload.list.[1][1].k", message) == "\"}]\"");
    CHECK(find(".payload.list[-3]", message) == "10");
    CHECK(find("[1]", "[1, [2] ,3]") == "[2]");
    CHECK(find(".a", "{ \"b\" : 1 , \"a\" : { \"c\" : [ ] } }") == "{ \"c\" : [ ] }");
}

TEST_CASE("exactly .payload in any spelling is known as the payload") {
    CHECK(JsonPath::compile(".payload")->is_payload());
    CHECK(JsonPath::compile("[\"payload\"]")->is_payload());
    CHECK(JsonPath::compile(".\"pay\\u006coad\"")->is_payload());
    CHECK_FALSE(JsonPath::compile(".payload.a")->is_payload());
    CHECK_FALSE(JsonPath::compile(".payloads")->is_payload());
}

TEST_CASE("names are compared after their escapes are decoded") {
    CHECK(find(".payload.\"q\\\"\\\\\"", message) == "true");
    CHECK(find(".ab", R"({"\u0061b":1})") == "1");
    CHECK(find(".\"\xc3\xa9\"", R"({"\u00e9":2})") == "2");
    CHECK(find(".\"\xf0\x9f\x98\x80\"", R"({"\ud83d\ude00":3})") == "3");
    CHECK(find(".\"\xef\xbf\xbd\"", R"({"\ud83d":4})") == "4");
    CHECK(find(".\"\\t\"", "{\"\\u0009\":5}") == "5");
}

TEST_CASE("what is missing is null, as in jq") {
    CHECK(find(".nothing", message) == "null");
    CHECK(find(".nothing.deeper[3]", message) == "null");
    CHECK(find(".payload.list[3]", message) == "null");
    CHECK(find(".payload.list[-4]", message) == "null");
    CHECK(find(".payload.list[2].x", message) == "null");
    CHECK(find(".a", "{}") == "null");
    CHECK(find("[0]", "[]") == "null");
}

TEST_CASE("of a repeated name the last counts, as in jq") {
    CHECK(find(".a", R"({"a":1,"b":2,"a":3})") == "3");
}

TEST_CASE("a step into the wrong type is an error that names both") {
    CHECK(find(".payload.a.b", message) == "ERROR: cannot index a JSON number with \"b\"");
    CHECK(find(".payload[0]", message) == "ERROR: cannot index a JSON object with 0");
    CHECK(find(".payload.list.x", message) == "ERROR: cannot index a JSON array with \"x\"");
    CHECK(find(".a", "\"s\"") == "ERROR: cannot index a JSON string with \"a\"");
    CHECK(find(".a", "true") == "ERROR: cannot index a JSON boolean with \"a\"");
    CHECK(JsonPath::compile(".a")->find("1").error().code == Errc::jq);
}

TEST_CASE("a bad path is refused with the position of the trouble") {
    const std::pair<const char*, const char*> cases[] = {
        {"", "empty at position 0"},
        {"payload", "position 0"},
        {"..", "position 1"},
        {".a.", "missing at position 3"},
        {".a-b", "position 2"},
        {".1", "position 1"},
        {".\"a", "does not end"},
        {".\"a\\x\"", "position 3"},
        {".\"a\\(1)\"", "position 3"},
        {"[", "index or a quoted name"},
        {"[a]", "position 1"},
        {"[1", "expected ] at position 2"},
        {"[\"a\"", "expected ]"},
        {"[1.5]", "expected ] at position 2"},
        {"[99999999999999999999]", "too large"},
        {".a?", "position 2"},
        {".a | .b", "position 2"},
        {".[]", "position 2"},
    };
    for (const auto& one : cases) {
        INFO(one.first);
        CHECK(compile_error(one.first).find(one.second) != std::string::npos);
    }
}

TEST_CASE("text that is not JSON is an error with an offset, never a read beyond its end") {
    for (const char* text : {"", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a", "{\"a\\", "{a:1}", "{\"b\":[1}", "{\"a\":}"}) {
        INFO(text);
        const auto found = JsonPath::compile(".a")->find(text);
        REQUIRE_FALSE(found.ok());
        CHECK(found.error().code == Errc::invalid_argument);
        CHECK(found.error().message.find("byte ") != std::string::npos);
    }
    CHECK_FALSE(JsonPath::compile("[0]")->find("[").ok());
    CHECK_FALSE(JsonPath::compile("[1]")->find("[1").ok());
    CHECK_FALSE(JsonPath::compile("[-1]")->find("[1").ok());
}

TEST_CASE("every prefix of a message is either refused or answered, without reading beyond it") {
    const auto path = JsonPath::compile(".payload.list[1][1].k");
    for (std::size_t size = 0; size < message.size(); ++size) {
        const std::string cut{message.substr(0, size)}; // its own allocation, so that a sanitizer sees its end
        CHECK_FALSE(path->find(cut).ok());
    }
}

TEST_CASE("nesting is bounded") {
    using fluxgate::jsonpath::max_nesting;
    const auto nested = [](std::size_t depth) { return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
    CHECK(find(".a", nested(max_nesting)) == std::string(max_nesting, '[') + std::string(max_nesting, ']'));
    CHECK_FALSE(JsonPath::compile(".a")->find(nested(max_nesting + 1)).ok());
}
