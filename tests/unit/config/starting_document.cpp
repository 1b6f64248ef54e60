#include "config/starting_document.hpp"

#include "config/json_text.hpp"
#include "config/schema_check.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

using namespace fluxgate::config;

namespace {

std::string schema_text(const std::string& name) {
    std::ifstream file{FLUXGATE_SOURCE_DIR "/schemas/" + name + ".json", std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::string schema_of(std::string_view type) {
    if (type == "input/influxdbv2@v1") return schema_text("input.influxdbv2.v1");
    if (type == "output/file@v1") return schema_text("output.file.v1");
    if (type == "output/stdout@v1") return schema_text("output.stdout.v1");
    return {};
}

StartOptions options(bool incremental, bool files) {
    return {incremental, files, "plant", "from(bucket: \"plant\") |> range(start: -1m)", "file:///x/fluxgate.schema.json"};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines)
        out += line + "\n";
    return out;
}

// Every property's name at any depth, but what people do not set.
void collect(const rapidjson::Value& schema, std::vector<std::string>& names) {
    if (!schema.HasMember("properties")) return;
    for (const auto& property : schema["properties"].GetObject()) {
        const std::string name = property.name.GetString();
        if (name == "viewOptions" || property.value.HasMember("not")) continue;
        names.push_back(name);
        collect(property.value, names);
    }
}

} // namespace

TEST_CASE("a starting document is JSON with comments, names every setting there is, and sets what is needed") {
    for (const bool incremental : {false, true}) {
        for (const bool files : {false, true}) {
            const std::string text = starting_document(options(incremental, files), schema_of);
            const JsonText json = parse_jsonc(text);
            INFO(text);
            REQUIRE(json.parsed);
            CHECK(json.violations.empty());
            CHECK_FALSE(parse_json(text).parsed);
            CHECK(json.dom["$schema"] == "file:///x/fluxgate.schema.json");
            CHECK(json.dom["input"].HasMember("incremental") == incremental);
            CHECK(json.dom["input"].HasMember("query") != incremental);
            CHECK(json.dom["stages"]["out"]["type"] == (files ? "output/file@v1" : "output/stdout@v1"));
            std::vector<std::string> names;
            collect(parse_json(schema_text("pipeline")).dom, names);
            collect(parse_json(schema_of("input/influxdbv2@v1")).dom, names);
            collect(parse_json(schema_of(files ? "output/file@v1" : "output/stdout@v1")).dom, names);
            CHECK(names.size() > 60);
            for (const std::string& name : names) {
                INFO(name);
                CHECK(text.find("\"" + name + "\": ") != std::string::npos);
            }
            for (const std::string& line : lines_of(text))
                if (line.find("\": ") == std::string::npos) CHECK(line.size() <= 112);
        }
    }
}

TEST_CASE("every setting that is commented out can be taken in as it stands, alone or all together") {
    const std::vector<std::string> lines = lines_of(starting_document(options(true, true), schema_of));
    std::size_t taken = 0;
    std::vector<std::string> all = lines;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::size_t slashes = lines[i].find("// \"");
        if (slashes == std::string::npos || lines[i].find_first_not_of(' ') != slashes) continue;
        std::size_t last = i;
        if (lines[i].back() == '{')
            while (lines[last] != lines[i].substr(0, slashes) + "// },")
                ++last;
        std::vector<std::string> one = lines;
        for (std::size_t k = i; k <= last; ++k)
            all[k] = one[k] = lines[k].substr(0, slashes) + lines[k].substr(slashes + 3);
        const JsonText json = parse_jsonc(joined(one));
        INFO(lines[i]);
        CHECK(json.parsed);
        CHECK(json.violations.empty());
        ++taken;
        i = last;
    }
    CHECK(taken > 15);
    const JsonText json = parse_jsonc(joined(all));
    REQUIRE(json.parsed);
    CHECK(json.dom["input"]["limits"]["maxColumns"].GetInt() == 4096);
    CHECK(json.dom["stages"]["out"]["batch"]["time"] == "60s");
}

TEST_CASE("a bucket may have any name, and without a schema there is no document") {
    StartOptions odd = options(true, false);
    odd.bucket = "a}\"${B}";
    CHECK(parse_jsonc(starting_document(odd, schema_of)).dom["input"]["read"]["bucket"] == "a}\"$${B}");
    odd.schema_location.clear();
    CHECK(starting_document(odd, schema_of).find("\n  \"$schema\"") == std::string::npos);
    CHECK(starting_document(odd, [](std::string_view) { return std::string{}; }).empty());
}
