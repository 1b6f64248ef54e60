// Bad pipeline documents, each with every violation: pointer, message, order.
#include "fake_catalog.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate::config;

namespace {

struct Bad {
    const char* name;
    const char* document;
    std::vector<Violation> expected;
};

// clang-format off
const std::vector<Bad> bad_documents{
    {"no JSON",
     R"({"input": })",
     {{"", "line 1, column 11: a JSON value is needed here"}}},
    {"a text that ends early",
     R"({"input":
  {"type": "input/fake@v1")",
     {{"", "line 2, column 27: a comma or a closing brace is needed after a field"}}},
    {"two documents",
     R"({} {})",
     {{"", "line 1, column 4: text follows the end of the document; remove it"}}},
    {"an empty text",
     R"()",
     {{"", "line 1, column 1: the document is empty; a JSON object is needed"}}},
    {"a single quoted name",
     R"({'input': 1})",
     {{"", "line 1, column 2: a field name in double quotes is needed here (no comma before a closing brace)"}}},
    {"a trailing comma",
     R"({"a": 1,
 "b": 2,
})",
     {{"", "line 3, column 1: a field name in double quotes is needed here (no comma before a closing brace); comments, and a comma "
          "behind the last member, are not taken here"}}},
    {"an array",
     R"([])",
     {{"", "a pipeline document must be an object; found an array of 0 elements"}}},
    {"an empty object",
     R"({})",
     {{"/input", "the required field \"input\" is missing; it must be an object"},
      {"/stages", "the required field \"stages\" is missing; it must be an object"}}},
    {"misspelt input and stages",
     R"({"inptu":{"type":"input/fake@v1","next":["out"]},"stage":{}})",
     {{"/input", "the required field \"input\" is missing; it must be an object; is \"inptu\" meant to be it?"},
      {"/stages", "the required field \"stages\" is missing; it must be an object; is \"stage\" meant to be it?"}}},
    {"a source document of an unknown type",
     R"({"type":"input/fke@v1"})",
     {{"/type", "there is no stage type \"input/fke@v1\"; did you mean \"input/fake@v1\"?; known types: \"input/fake@v1\", \"output/fake@v1\", \"output/stdout@v1\", \"processor/fake@v1\""}}},
    {"an output as a source document",
     R"({"type":"output/fake@v1"})",
     {{"/type", "\"output/fake@v1\" is an output, but \"input\" must be a source; sources: \"input/fake@v1\""}}},
    {"a field given twice",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"}},"enabled":true,"enabled":false})",
     {{"/enabled", "the field \"enabled\" is given more than once in this object; keep one"}}},
    {"a stage id given twice",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"},"out":{"type":"output/fake@v1"}}})",
     {{"/stages/out", "the field \"out\" is given more than once in this object; keep one"}}},
    {"wrong types around stages",
     R"({"displayName":1,"description":[],"enabled":"yes","input":[],"stages":{"a":"b"}})",
     {{"/displayName", "must be a string; found 1 (an integer)"},
      {"/description", "must be a string; found an array of 0 elements"},
      {"/enabled", "must be true or false; found \"yes\" (a string)"},
      {"/input", "must be an object; found an array of 0 elements"},
      {"/stages/a", "must be an object; found \"b\" (a string)"}}},
    {"a stage without a type",
     R"({"input":{"next":["out"]},"stages":{"out":{"typ":"output/fake@v1"}}})",
     {{"/input/type", "the required field \"type\" is missing; it must be a string that is not empty"},
      {"/stages/out/type", "the required field \"type\" is missing; it must be a string that is not empty; is \"typ\" meant to be it?"}}},
    {"an unknown stage type",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/flie@v1"}}})",
     {{"/stages/out/type", "there is no stage type \"output/flie@v1\"; did you mean \"output/fake@v1\"?; known types: \"input/fake@v1\", \"output/fake@v1\", \"output/stdout@v1\", \"processor/fake@v1\""}}},
    {"a stage type that is like none",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"kafka"}}})",
     {{"/stages/out/type", "there is no stage type \"kafka\"; known types: \"input/fake@v1\", \"output/fake@v1\", \"output/stdout@v1\", \"processor/fake@v1\""}}},
    {"a source as a stage",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"input/fake@v1"}}})",
     {{"/stages/out/type", "\"input/fake@v1\" is a source; a source can only be \"input\""}}},
    {"an output as input",
     R"({"input":{"type":"output/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"}}})",
     {{"/input/type", "\"output/fake@v1\" is an output, but \"input\" must be a source; sources: \"input/fake@v1\""}}},
    {"an unknown id with a near one",
     R"({"input":{"type":"input/fake@v1","next":["outt"]},"stages":{"out":{"type":"output/fake@v1"}}})",
     {{"/input/next/0", "there is no stage \"outt\"; did you mean \"out\"?"}}},
    {"an unknown id that is like none",
     R"({"input":{"type":"input/fake@v1","next":["out","elsewhere"]},"stages":{"out":{"type":"output/fake@v1"}}})",
     {{"/input/next/1", "there is no stage \"elsewhere\"; known stages: \"out\""}}},
    {"an id named twice",
     R"({"input":{"type":"input/fake@v1","next":["out","out"]},"stages":{"out":{"type":"output/fake@v1"}}})",
     {{"/input/next/1", "the stage \"out\" is named twice; it would receive every message twice"}}},
    {"a next that is a number",
     R"({"input":{"type":"input/fake@v1","next":3},"stages":{"out":{"type":"output/fake@v1"}}})",
     {{"/input/next", "must be an array or a string; found 3 (an integer)"}}},
    {"a next of objects",
     R"({"input":{"type":"input/fake@v1","next":[{"id":"out"}]},"stages":{"out":{"type":"output/fake@v1"}}})",
     {{"/input/next/0", "must be a string; found an object with 1 field"}}},
    {"a path that ends at the source",
     R"({"input":{"type":"input/fake@v1"},"stages":{}})",
     {{"/input/next", "the path ends here, but every path must end in an output; name the stages that follow"}}},
    {"a path that ends in a processor",
     R"({"input":{"type":"input/fake@v1","next":["p"]},"stages":{"p":{"type":"processor/fake@v1","next":[]}}})",
     {{"/stages/p/next", "the path ends here, but every path must end in an output; name the stages that follow"}}},
    {"an output with next",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1","next":["b"]},"b":{"type":"output/fake@v1"}}})",
     {{"/stages/out/next", "an output ends a path; remove its \"next\""}}},
    {"a cycle of one",
     R"({"input":{"type":"input/fake@v1","next":["p"]},"stages":{"p":{"type":"processor/fake@v1","next":["p"]}}})",
     {{"/stages/p/next/0", "the stages form a cycle: p -> p"}}},
    {"a cycle of two",
     R"({"input":{"type":"input/fake@v1","next":"a"},"stages":{"a":{"type":"processor/fake@v1","next":["b"]},"b":{"type":"processor/fake@v1","next":["out","a"]},"out":{"type":"output/fake@v1"}}})",
     {{"/stages/b/next/1", "the stages form a cycle: a -> b -> a"}}},
    {"an unreachable cycle",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"},"a":{"type":"processor/fake@v1","next":["b"]},"b":{"type":"processor/fake@v1","next":"a"}}})",
     {{"/stages/a", "the stage \"a\" is unreachable: no path leads to it from the source"},
      {"/stages/b", "the stage \"b\" is unreachable: no path leads to it from the source"},
      {"/stages/b/next", "the stages form a cycle: a -> b -> a"}}},
    {"an unreachable stage",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"},"b/c~d":{"type":"output/fake@v1"}}})",
     {{"/stages/b~1c~0d", "the stage \"b/c~d\" is unreachable: no path leads to it from the source"}}},
    {"a stage that leads to the source",
     R"({"input":{"type":"input/fake@v1","next":["p"]},"stages":{"p":{"type":"processor/fake@v1","next":["out","input"]},"out":{"type":"output/fake@v1"}}})",
     {{"/stages/p/next/1", "the source \"input\" cannot follow a stage"}}},
    {"a stage with the id of the source",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"},"input":{"type":"output/fake@v1"}}})",
     {{"/stages/input", "the id \"input\" is the source's; give the stage another one"}}},
    {"stages' own violations, with the pointers of the whole document",
     R"({"properties":{"input":{"type":"input/fake@v1","next":["out"],"bad":1},"stages":{"out":{"type":"output/fake@v1","bad":1,"odd":2}}}})",
     {{"/properties/input/bad", "is bad"},
      {"/properties/stages/out/bad", "is bad"},
      {"/properties/stages/out/odd", "is odd", true}}},
    {"bad queue bounds",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"}},"queue":{"maxBytes":"2MB","totalBytes":0,"max":1}})",
     {{"/queue/maxBytes", "must be a size in bytes, an integer or a string such as \"256KiB\", at least 1B, at most 64GiB; found \"2MB\" (a string): the unit is not B, KiB, MiB, GiB or TiB: \"MB\""},
      {"/queue/totalBytes", "must be a size in bytes, an integer or a string such as \"64MiB\", at least 1B, at most 64GiB; found 0 (an integer): it is too small"},
      {"/queue/max", "unknown field \"max\"; known fields: \"maxBytes\", \"totalBytes\""}}},
    {"a queue larger than all queues",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{"out":{"type":"output/fake@v1"}},"queue":{"maxBytes":"2MiB","totalBytes":"1MiB"}})",
     {{"/queue/maxBytes", "must be at most \"totalBytes\", 1048576 bytes; found 2097152"}}},
    {"a misspelt optional field beside an error",
     R"({"input":{"type":"input/fake@v1","next":["out"]},"stages":{},"enabeld":false})",
     {{"/input/next/0", "there is no stage \"out\"; \"stages\" is empty"},
      {"/enabeld", "this field is ignored; did you mean \"enabled\"?", true}}},
    {"faults inside a Kubernetes resource",
     R"({"apiVersion":"v1","kind":"Pipeline","metadata":{"name":"n"},"spec":{"input":{"type":"input/fake@v1","next":["x"]},"stages":{}}})",
     {{"/spec/input/next/0", "there is no stage \"x\"; \"stages\" is empty"}}},
    {"everything at once, in document order",
     R"({"stages":{"b":{"type":"nope"},"a":{"type":"processor/fake@v1","next":["b","zz"],"bad":0}},"input":{"type":"input/fake@v1","next":["a"],"bad":0},"enabled":1})",
     {{"/stages/b/type", "there is no stage type \"nope\"; known types: \"input/fake@v1\", \"output/fake@v1\", \"output/stdout@v1\", \"processor/fake@v1\""},
      {"/stages/a/next/1", "there is no stage \"zz\"; known stages: \"b\", \"a\""},
      {"/stages/a/bad", "is bad"},
      {"/input/bad", "is bad"},
      {"/enabled", "must be true or false; found 1 (an integer)"}}},
};
// clang-format on

std::string listing(const std::vector<Violation>& violations) {
    std::string out;
    for (const Violation& v : violations)
        out += (v.warning ? "warning " : "error ") + v.pointer + " | " + v.message + "\n";
    return out;
}

} // namespace

TEST_CASE("every bad pipeline document is answered with all its violations, in document order, and with no pipeline") {
    const FakeCatalog catalog;
    for (const Bad& bad : bad_documents) {
        INFO(bad.name);
        const ParsedPipeline parsed = parse_pipeline(bad.document, catalog);
        CHECK(listing(parsed.violations) == listing(bad.expected));
        CHECK_FALSE(parsed.document.has_value());
    }
}
