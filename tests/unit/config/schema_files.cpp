// The schemas themselves: complete for the people who read them, and true to their own examples.
#include "config/schema_check.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <fstream>
#include <iterator>
#include <string>

using namespace fluxgate::config;

namespace {

constexpr const char* names[] = {"pipeline", "input.influxdbv2.v1", "output.stdout.v1", "output.file.v1"};

std::string file_text(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::string schema_text(const char* name) {
    return file_text(std::string{FLUXGATE_SOURCE_DIR "/schemas/"} + name + ".json");
}

bool has_text(const rapidjson::Value& schema, const char* name) {
    return schema.HasMember(name) && schema[name].IsString() && schema[name].GetStringLength() > 0;
}

// Visits a schema and every schema in it.
template <class Visit>
std::size_t for_each_schema(const rapidjson::Value& schema, const std::string& pointer, const Visit& visit) {
    std::size_t count = 1;
    visit(schema, pointer);
    if (schema.HasMember("properties"))
        for (const auto& property : schema["properties"].GetObject())
            count += for_each_schema(property.value, child(pointer, std::string_view{property.name.GetString()}), visit);
    for (const char* inside : {"items", "additionalProperties"})
        if (schema.HasMember(inside) && schema[inside].IsObject()) count += for_each_schema(schema[inside], pointer + "/*", visit);
    return count;
}

} // namespace

TEST_CASE("every property of every schema has a title and a description, and all but refused ones have examples") {
    for (const char* name : names) {
        INFO(name);
        const JsonText schema = parse_json(schema_text(name));
        REQUIRE(schema.parsed);
        CHECK(schema.violations.empty());
        CHECK(std::string_view{schema.dom["$schema"].GetString()} == "http://json-schema.org/draft-07/schema#");
        const std::size_t count = for_each_schema(schema.dom, "", [](const rapidjson::Value& at, const std::string& pointer) {
            INFO(pointer);
            CHECK(has_text(at, "title"));
            CHECK(has_text(at, "description"));
            const bool one_of_many = pointer.empty() || pointer.find('*') != std::string::npos;
            CHECK((one_of_many || at.HasMember("not") || (at.HasMember("examples") && at["examples"].IsArray() && !at["examples"].Empty())));
        });
        CHECK(count > 8);
    }
}

TEST_CASE("every default and every example is valid under the schema it stands in") {
    for (const char* name : names) {
        INFO(name);
        const JsonText schema = parse_json(schema_text(name));
        REQUIRE(schema.parsed);
        for_each_schema(schema.dom, "", [](const rapidjson::Value& at, const std::string& pointer) {
            INFO(pointer);
            const std::string text = to_text(at);
            if (at.HasMember("default")) CHECK(check_schema(at["default"], text).empty());
            if (!at.HasMember("examples")) return;
            for (const auto& example : at["examples"].GetArray()) {
                INFO(to_text(example));
                CHECK(check_schema(example, text).empty());
            }
        });
    }
}

TEST_CASE("every field that holds code says so, and no other: references to the environment are not looked for in it") {
    std::string code;
    for (const char* name : names) {
        const JsonText schema = parse_json(schema_text(name));
        REQUIRE(schema.parsed);
        for_each_schema(schema.dom, "", [&](const rapidjson::Value& at, const std::string& pointer) {
            const bool is_text = at.HasMember("type") && at["type"].IsString() && std::string_view{at["type"].GetString()} == "string";
            const std::string last = pointer.substr(pointer.rfind('/') + 1);
            const bool by_name = is_text && (last == "expression" || last == "query" || last == "path");
            INFO(name << pointer);
            CHECK(by_name == (at.HasMember("x-code") && at["x-code"].IsTrue()));
            if (by_name) code += std::string{name} + pointer + " ";
        });
    }
    CHECK(code == "input.influxdbv2.v1/query/expression input.influxdbv2.v1/partitionStrategy/expression output.stdout.v1/format/path "
                  "output.file.v1/format/path output.file.v1/batch/path ");
}

TEST_CASE("the outputs' schemas accept what the documentation shows and refuse the rest") {
    const auto said = [](std::string_view document, const char* name) {
        std::string out;
        for (const Violation& v : check_text(document, schema_text(name)).violations)
            out += v.pointer + "|";
        return out;
    };
    CHECK(said(R"({"type":"output/stdout@v1"})", "output.stdout.v1").empty());
    CHECK(said(R"({"type":"output/stdout@v1","format":{"type":"json","path":".payload"}})", "output.stdout.v1").empty());
    CHECK(said(R"({"type":"output/stdout@v1","format":{"type":"jsonStream"},"x":1})", "output.stdout.v1") == "/format/type|/x|");
    CHECK(said(R"({"type":"output/file@v1","rootDirectory":"/d","filePath":"a","format":{"type":"jsonStream"},"batch":{"time":"5s","path":"."}})",
               "output.file.v1")
              .empty());
    CHECK(said(R"({"type":"output/file@v1","filePath":"","format":{"type":"xml"},"batch":{"time":"0s"}})", "output.file.v1") ==
          "/filePath|/format/type|/batch/time|/rootDirectory|");
}
