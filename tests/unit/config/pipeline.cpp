#include "fake_catalog.hpp"
#include "support/catch.hpp"

#include <string>

using namespace fluxgate::config;

namespace {

const std::string properties = R"({"displayName":"P","description":"D","unknown":{"x":[1]},
    "input":{"type":"input/fake@v1","displayName":"S","next":["p"],"big":18446744073709551615},
    "stages":{"b":{"type":"output/fake@v1","next":[]},"p":{"type":"processor/fake@v1","next":["b","a"],"viewOptions":{}},"a":{"type":"output/stdout@v1"}}})";

PipelineDocument good(std::string_view text) {
    const ParsedPipeline parsed = parse_pipeline(text, FakeCatalog{});
    for (const Violation& v : parsed.violations)
        UNSCOPED_INFO(v.pointer << " " << v.message);
    REQUIRE(parsed.document);
    return *parsed.document;
}

} // namespace

TEST_CASE("a pipeline's properties are read whole: texts, stages in document order, successors in theirs") {
    const PipelineDocument document = good(properties);
    CHECK(document.display_name == "P");
    CHECK(document.description == "D");
    CHECK_FALSE(document.name);
    CHECK(document.enabled);
    CHECK(document.queue_max_bytes == 2u << 20);
    CHECK(document.queue_total_bytes == 16u << 20);
    CHECK(document.input.id == "input");
    CHECK(document.input.type == "input/fake@v1");
    CHECK(document.input.display_name == "S");
    CHECK(document.input.pointer == "/input");
    CHECK(document.input.document == R"({"type":"input/fake@v1","displayName":"S","next":["p"],"big":18446744073709551615})");
    CHECK(document.input.next == std::vector<std::string>{"p"});
    REQUIRE(document.stages.size() == 3);
    CHECK(document.stages[0].id == "b");
    CHECK(document.stages[1].id == "p");
    CHECK(document.stages[1].pointer == "/stages/p");
    CHECK(document.stages[1].next == std::vector<std::string>{"b", "a"});
    CHECK(document.stages[2].type == "output/stdout@v1");
}

TEST_CASE("the same properties load from a resource with properties and from a Kubernetes resource") {
    const PipelineDocument wrapped = good(R"({"type":"Some/resource","name":"r","properties":)" + properties + R"(,"systemData":{}})");
    CHECK(wrapped.display_name == "P");
    CHECK(wrapped.stages.size() == 3);
    CHECK(wrapped.stages[0].pointer == "/properties/stages/b");
    CHECK_FALSE(wrapped.name);
    const PipelineDocument resource =
        good(R"({"apiVersion":"x/v1","kind":"Pipeline","metadata":{"name":"plant-4"},"spec":)" + properties + R"(,"status":{"input":1}})");
    CHECK(resource.name.value() == "plant-4");
    CHECK(resource.input.pointer == "/spec/input");
}

TEST_CASE("a bare source document is a pipeline to standard output") {
    const PipelineDocument document = good(R"({"type":"input/fake@v1","displayName":"S","description":"D","next":[]})");
    CHECK(document.display_name == "S");
    CHECK(document.input.pointer.empty());
    CHECK(document.input.next == std::vector<std::string>{"stdout"});
    REQUIRE(document.stages.size() == 1);
    CHECK(document.stages[0].id == "stdout");
    CHECK(document.stages[0].type == "output/stdout@v1");
    CHECK(document.stages[0].document == R"({"type":"output/stdout@v1"})");
    CHECK(document.stages[0].next.empty());

    const ParsedPipeline with_next = parse_pipeline(R"({"type":"input/fake@v1","next":["x"]})", FakeCatalog{});
    CHECK(with_next.document);
    REQUIRE(with_next.violations.size() == 1);
    CHECK(with_next.violations[0].warning);
    CHECK(with_next.violations[0].pointer == "/next");
}

TEST_CASE("a successor may stand alone as a string, and a pipeline may be switched off") {
    const PipelineDocument document =
        good(R"({"enabled":false,"input":{"type":"input/fake@v1","next":"a"},"stages":{"a":{"type":"output/fake@v1"}}})");
    CHECK_FALSE(document.enabled);
    CHECK(document.input.next == std::vector<std::string>{"a"});
}

TEST_CASE("queue bounds are sizes or numbers, and the bound that is given moves the default of the other") {
    const auto bounds = [](const std::string& queue) {
        const PipelineDocument document =
            good(R"({"input":{"type":"input/fake@v1","next":"a"},"stages":{"a":{"type":"output/fake@v1"}},"queue":)" + queue + "}");
        return std::to_string(document.queue_max_bytes) + "/" + std::to_string(document.queue_total_bytes);
    };
    CHECK(bounds("{}") == "2097152/16777216");
    CHECK(bounds(R"({"maxBytes":"256KiB","totalBytes":1048576})") == "262144/1048576");
    CHECK(bounds(R"({"maxBytes":"32MiB"})") == "33554432/33554432");
    CHECK(bounds(R"({"totalBytes":"1MiB"})") == "1048576/1048576");
    CHECK(bounds(R"({"maxBytes":"1MiB","totalBytes":"1MiB"})") == "1048576/1048576");
}

TEST_CASE("warnings do not keep a pipeline from loading") {
    const ParsedPipeline parsed = parse_pipeline(
        R"({"enabeld":false,"input":{"type":"input/fake@v1","next":"a","odd":1},"stages":{"a":{"type":"output/fake@v1"}}})", FakeCatalog{});
    CHECK(parsed.document);
    REQUIRE(parsed.violations.size() == 2);
    CHECK(parsed.violations[0].pointer == "/enabeld");
    CHECK(parsed.violations[1].pointer == "/input/odd");
}

TEST_CASE("a diamond is no cycle") {
    good(R"({"input":{"type":"input/fake@v1","next":["a","b"]},"stages":{"a":{"type":"processor/fake@v1","next":"o"},
            "b":{"type":"processor/fake@v1","next":"o"},"o":{"type":"output/fake@v1"}}})");
}

TEST_CASE("a chain of many stages is read without recursion, and a long cycle is shown shortened") {
    std::string stages;
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i)
        stages += "\"s" + std::to_string(i) + R"(":{"type":"processor/fake@v1","next":"s)" + std::to_string(i + 1) + "\"},";
    const std::string head = R"({"input":{"type":"input/fake@v1","next":"s0"},"stages":{)" + stages + "\"s" + std::to_string(count) + "\":";
    CHECK(good(head + R"({"type":"output/fake@v1"}}})").stages.size() == count + 1);
    const ParsedPipeline cyclic = parse_pipeline(head + R"({"type":"processor/fake@v1","next":"s0"}}})", FakeCatalog{});
    REQUIRE(cyclic.violations.size() == 1);
    CHECK(cyclic.violations[0].message.find("s19 -> ... -> s0") != std::string::npos);
    CHECK(cyclic.violations[0].message.size() < 300);
}
