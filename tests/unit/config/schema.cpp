#include "config/schema_check.hpp"

#include "support/catch.hpp"

#include <string>

using namespace fluxgate::config;

namespace {

std::string said(std::string_view document, std::string_view schema) {
    std::string out;
    for (const Violation& v : check_text(document, schema).violations)
        out += v.pointer + " " + v.message + "|";
    return out;
}

} // namespace

TEST_CASE("keywords that our walk does not know are enforced by valijson, at the right pointer") {
    const char* schema = R"({"properties":{"a":{"items":{"multipleOf":2}},"b":{"anyOf":[{"type":"string"},{"type":"null"}]}}})";
    CHECK(said(R"({"a":[2,4],"b":null})", schema).empty());
    CHECK(said(R"({"a":[2,3]})", schema).substr(0, 5) == "/a/1 ");
    CHECK(said(R"({"b":7})", schema).substr(0, 3) == "/b ");
}

TEST_CASE("a schema that cannot be used is a violation, not the end of the process") {
    CHECK(said("{}", "[]") == " the schema is not a JSON object; this is a defect of the stage's plugin|");
    CHECK(said("{}", "{").find("the schema is not a JSON object") != std::string::npos);
    CHECK(said("{}", R"({"required":7})").find("the schema cannot be used to check this document: ") != std::string::npos);
    CHECK(said(R"({"a":"b"})", R"({"properties":{"a":{"pattern":"("}}})").find("the schema has a pattern that is no regular expression") !=
          std::string::npos);
}

TEST_CASE("additional fields may have a schema of their own") {
    const char* schema = R"({"properties":{"n":{"type":"integer"}},"additionalProperties":{"type":"object","required":["t"]}})";
    CHECK(said(R"({"n":1,"x":{"t":0}})", schema).empty());
    CHECK(said(R"({"x":{},"y":5})", schema) == "/x/t the required field \"t\" is missing|/y must be an object; found 5 (an integer)|");
}

TEST_CASE("sizes, ranges and patterns are told as what is allowed") {
    CHECK(said("[1,2,3]", R"({"type":"array","maxItems":2})") == " must be an array of at most 2 elements; found an array of 3 elements|");
    CHECK(said("0", R"({"type":"number","exclusiveMinimum":0})") == " must be a number greater than 0; found 0 (an integer)|");
    CHECK(said("0", R"({"type":"integer","minimum":1})") == " must be an integer of at least 1; found 0 (an integer)|");
    CHECK(said("9", R"({"type":"integer","maximum":8})") == " must be an integer of at most 8; found 9 (an integer)|");
    CHECK(said("\"b\"", R"({"type":"string","pattern":"^a$"})") == " must be a string matching \"^a$\"; found \"b\" (a string)|");
    CHECK(said("\"\xC3\xA4\xC3\xA4\"", R"({"type":"string","maxLength":2})").empty()); // characters, not bytes
    CHECK(said("\"abc\"", R"({"type":["string","null"],"maxLength":2})") ==
          " must be a string of at most 2 characters or null; found \"abc\" (a string)|");
}

TEST_CASE("a pattern never meets a text that could exhaust the stack") {
    const std::string text = "\"" + std::string(1'000'000, 'a') + "\"";
    CHECK(said(text, R"({"type":"string","pattern":"^(a|b)*$"})").find("must be a string matching") != std::string::npos);
}

TEST_CASE("what the schema calls writeOnly is not shown, nor what lies below it") {
    CHECK(said(R"({"a":{"b":"hunter2"}})", R"({"properties":{"a":{"writeOnly":true,"properties":{"b":{"type":"integer"}}}}})") ==
          "/a/b must be an integer; found a string (not shown: it may be a secret)|");
}

TEST_CASE("a document with very many unknown fields is answered with a bounded list") {
    std::string document = "{";
    for (int i = 0; i < 20'000; ++i)
        document += "\"x" + std::to_string(i) + "\":0,";
    document += "\"y\":0}";
    const auto violations = check_text(document, R"({"properties":{"a":{}},"additionalProperties":false})").violations;
    CHECK(violations.size() == max_violations);
    CHECK(has_error(violations));
}

TEST_CASE("a field given twice is reported beside what the schema says, and the first one is judged") {
    CHECK(said(R"({"a":"x","a":1})", R"({"properties":{"a":{"type":"integer"}}})") ==
          "/a the field \"a\" is given more than once in this object; keep one|/a must be an integer; found \"x\" (a string)|");
}
