#include "core/path_template.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>

using fluxgate::Errc;
using fluxgate::core::PathTemplate;
using fluxgate::core::PathValues;

namespace {

const PathValues values{"plant", "host-1", 3, 1'767'225'599'999'999'999}; // 2025-12-31T23:59:59.999Z

std::string render(std::string_view text, std::uint64_t number = 0, const PathValues& with = values) {
    const auto compiled = PathTemplate::compile(text);
    return compiled.ok() ? compiled->render(with, number) : "ERROR: " + compiled.error().message;
}

} // namespace

TEST_CASE("path template: every variable is filled, in two or three braces, with or without spaces") {
    CHECK(render("{{pipelineId}}/{{instanceId}}/{{partitionId}}/{{YYYY}}/{{MM}}/{{DD}}/{{HH}}/{{mm}}/{{fileNumber}}", 7) ==
          "plant/host-1/3/2025/12/31/23/59/7");
    CHECK(render("{{ pipelineId }}-{{{instanceId}}}-{{{ fileNumber }}}.json") == "plant-host-1-0.json");
    CHECK(render("fixed.json") == "fixed.json");
}

TEST_CASE("path template: without fileNumber later files get -n before the extension") {
    CHECK(render("a.b/{{pipelineId}}.json", 2) == "a.b/plant-2.json");
    CHECK(render("a.b/{{pipelineId}}", 2) == "a.b/plant-2");
    CHECK(render("a/.hidden", 1) == "a/.hidden-1");
    CHECK(render("a/{{fileNumber}}.json", 2) == "a/2.json");
}

TEST_CASE("path template: values cannot add components or leave the directory") {
    const auto with = [](std::string_view instance) { return PathValues{"..", instance, 0, 0}; };
    CHECK(render("{{pipelineId}}/{{instanceId}}", 0, with("../../etc/passwd")) == "__/.._.._etc_passwd");
    CHECK(render("{{instanceId}}", 0, with("")) == "_");
    CHECK(render(".{{instanceId}}", 0, with(".")) == "._");
    CHECK(render("{{instanceId}}", 0, with(std::string_view{"a\0b\n", 4})) == "a_b_");
}

TEST_CASE("path template: paths that leave rootDirectory are refused") {
    for (const char* text : {"/etc/x", "../x", "a/../x", "a/..", "./x", "a//b", "a/", "", ".", "..", "a/\x01"}) {
        INFO(text);
        const auto compiled = PathTemplate::compile(text);
        REQUIRE_FALSE(compiled.ok());
        CHECK(compiled.error().code == Errc::configuration);
    }
}

TEST_CASE("path template: an unknown variable names the nearest known, and braces must match") {
    CHECK(render("{{pipelineID}}").find("did you mean \"pipelineId\"") != std::string::npos);
    CHECK(render("{{fileNumbr}}").find("did you mean \"fileNumber\"") != std::string::npos);
    CHECK(render("{{zzzzzzzzzz}}").find("\"YYYY\"") != std::string::npos);
    CHECK(render("a{{mm").find("position 1") != std::string::npos);
    CHECK(render("a{{{mm}}").find("position 1") != std::string::npos);
    CHECK(render("a}}b").find("}} without {{") != std::string::npos);
    CHECK(render("{{}}").find("ERROR") == 0);
}

TEST_CASE("path template: the edges of the window, without - and :") {
    PathValues with = values;
    with.window_start = "2026-11-21T10:00:00.5Z";
    with.window_stop = "2026-11-22T00:00:00Z";
    CHECK(render("{{windowStart}}-{{windowStop}}.lp", 0, with) == "20261121T100000.5Z-20261122T000000Z.lp");
    CHECK(render("{{windowStart}}") == "none");
    CHECK(PathTemplate::compile("{{windowStop}}")->names_window());
    CHECK_FALSE(PathTemplate::compile("{{YYYY}}")->names_window());
}
