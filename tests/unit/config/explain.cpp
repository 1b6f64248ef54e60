#include "config/explain.hpp"

#include "fake_catalog.hpp"
#include "support/catch.hpp"

#include <rapidjson/pointer.h>

#include <map>

using namespace fluxgate::config;

namespace {

class DefaultsCatalog : public FakeCatalog {
public:
    std::string schema_of(std::string_view type) const override {
        if (type == "input/fake@v1")
            return R"({"type":"object","properties":{"url":{"type":"string"},"count":{"type":"integer","default":1},
                "code":{"type":"string","x-code":true,"default":"${r}"},
                "retry":{"type":"object","default":{"kind":"a","initial":"1s","max":"60s"},"properties":{"kind":{"enum":["a","b"],"default":"a"},
                    "initial":{"type":"string","default":"1s"},"max":{"type":"string","default":"60s","x-at-least":"/retry/initial"}}},
                "unfit":{"type":"integer","default":0},"odd":{"type":"integer","default":0}}})";
        if (type == "output/fake@v1")
            return R"({"type":"object","properties":{"format":{"type":"object","properties":{"kind":{"type":"string"},
                    "path":{"type":"string","default":".p","x-same-as":"/batch/path"}}},
                "batch":{"type":"object","default":{"time":"60s","path":".p"},"properties":{"time":{"type":"string","default":"60s"},
                    "path":{"type":"string","default":".p","x-same-as":"/format/path"}}}}})";
        return {};
    }
    // A source with "unfit" is wrong, one with "odd" gets a warning: both only come from the defaults.
    std::vector<Violation> validate(std::string_view, std::string_view document) const override {
        std::vector<Violation> out;
        if (document.find("\"unfit\":") != std::string_view::npos) out.push_back({"/unfit", "may not be here", false});
        if (document.find("\"odd\":") != std::string_view::npos) out.push_back({"/odd", "has no effect", true});
        return out;
    }
};

const DefaultsCatalog catalog;

Reading with(std::map<std::string, std::string, std::less<>> variables) {
    Reading out;
    out.comments = true;
    out.variables = [variables = std::move(variables)](std::string_view name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional{found->second};
    };
    return out;
}

JsonText explained(const std::string& document, const Reading& reading) {
    const Explanation made = explain_pipeline(document, catalog, reading);
    for (const Violation& v : made.violations)
        UNSCOPED_INFO(v.pointer << " " << v.message);
    REQUIRE(made.text);
    JsonText json = parse_json(*made.text);
    REQUIRE(json.parsed);
    CHECK(json.violations.empty());
    return json;
}

std::string at(const JsonText& json, const char* pointer) {
    const rapidjson::Value* value = rapidjson::Pointer{pointer}.Get(json.dom);
    return value == nullptr ? "ABSENT" : to_text(*value);
}

std::string pipeline(const std::string& source, const std::string& output = {}) {
    return R"({"input":{"type":"input/fake@v1","next":["out"])" + source + R"(},"stages":{"out":{"type":"output/fake@v1")" + output + "}}}";
}

} // namespace

TEST_CASE("every default is written out, and each says that it is one") {
    const JsonText json = explained(pipeline(""), with({}));
    CHECK(at(json, "/enabled") == "true");
    CHECK(at(json, "/queue") == R"({"maxBytes":"2MiB","totalBytes":"16MiB"})");
    CHECK(at(json, "/input") == R"({"type":"input/fake@v1","next":["out"],"count":1,"code":"${r}","retry":{"kind":"a","initial":"1s","max":"60s"}})");
    CHECK(at(json, "/stages/out") == R"({"type":"output/fake@v1","batch":{"time":"60s","path":".p"}})");
    CHECK(at(json, "/$origins/~1input~1count") == "\"default\"");
    CHECK(at(json, "/$origins/~1input~1retry") == "\"default\"");
    CHECK(at(json, "/$origins/~1input~1retry~1max") == "ABSENT");
    CHECK(at(json, "/$origins/~1queue") == "\"default\"");
    const JsonText some = explained(pipeline(R"(,"retry":{"kind":"b"},"count":7)"), with({}));
    CHECK(at(some, "/input/retry") == R"({"kind":"b","initial":"1s","max":"60s"})");
    CHECK(at(some, "/$origins/~1input~1retry~1max") == "\"default\"");
    CHECK(at(some, "/$origins/~1input~1count") == "ABSENT");
}

TEST_CASE("a default that depends on another field follows it") {
    CHECK(at(explained(pipeline(R"(,"retry":{"initial":"5m"})"), with({})), "/input/retry") == R"({"initial":"5m","kind":"a","max":"5m"})");
    CHECK(at(explained(pipeline(R"(,"retry":{"initial":"5s"})"), with({})), "/input/retry/max") == "\"60s\"");
    CHECK(at(explained(pipeline("", R"(,"format":{"path":".x"})"), with({})), "/stages/out/batch") == R"({"time":"60s","path":".x"})");
    CHECK(at(explained(pipeline("", R"(,"format":{"kind":"k"},"batch":{"path":".y"})"), with({})), "/stages/out/format/path") == "\".y\"");
    const auto queue = [](const std::string& given) {
        return at(explained("{\"queue\":" + given + "," + pipeline("").substr(1), with({})), "/queue");
    };
    CHECK(queue(R"({"maxBytes":"64MiB"})") == R"({"maxBytes":"64MiB","totalBytes":67108864})");
    CHECK(queue(R"({"totalBytes":"1MiB"})") == R"({"totalBytes":"1MiB","maxBytes":1048576})");
    CHECK(queue(R"({"totalBytes":"32MiB"})") == R"({"totalBytes":"32MiB","maxBytes":"2MiB"})");
}

TEST_CASE("a default that would make the document wrong or warned about is left out") {
    const JsonText json = explained(pipeline(""), with({}));
    CHECK(at(json, "/input/unfit") == "ABSENT");
    CHECK(at(json, "/input/odd") == "ABSENT");
    CHECK(at(json, "/$origins/~1input~1unfit") == "ABSENT");
    const Explanation warned = explain_pipeline(pipeline(R"(,"odd":1)"), catalog, with({}));
    REQUIRE(warned.text);
    REQUIRE(warned.violations.size() == 1);
    CHECK(warned.violations[0].pointer == "/input/odd");
}

TEST_CASE("resolved references say where they come from, and what looks like one stays what it is") {
    const Reading reading = with({{"HOST", "h"}, {"N", "5"}, {"LOOKS", "a${B}$${C}"}});
    const JsonText json = explained(pipeline(R"(,"url":"http://${HOST}:${P:-1}$${x}${LOOKS}","count":"${N}")"), reading);
    CHECK(at(json, "/input/count") == "5");
    CHECK(at(json, "/$origins/~1input~1count") == "\"the environment variable N\"");
    CHECK(at(json, "/$origins/~1input~1url") == "\"the environment variable HOST, the default of ${P:-1}, the environment variable LOOKS\"");
    // Read again, with nothing in the environment.
    const auto again = parse_pipeline(to_text(json.dom), catalog, with({}));
    REQUIRE(again.document);
    CHECK(again.document->input.document.find(R"("url":"http://h:1${x}a${B}$${C}")") != std::string::npos);
    CHECK(again.document->input.document.find(R"("code":"${r}")") != std::string::npos);
    // Without references being asked for, nothing is escaped.
    CHECK(at(explained(pipeline(R"(,"url":"${A}$${B}")"), Reading{}), "/input/url") == "\"${A}$${B}\"");
}

TEST_CASE("every form explains itself as a pipeline that means the same, and explaining that changes nothing more") {
    const Reading reading = with({{"N", "5"}});
    const std::string bare = R"({"$schema":"s","type":"input/fake@v1","displayName":"D","description":"X","count":"${N}","next":[]} // bare)";
    const JsonText json = explained(bare, reading);
    CHECK(at(json, "/$schema") == "\"s\"");
    CHECK(at(json, "/input/$schema") == "ABSENT");
    CHECK(at(json, "/input/next") == R"(["stdout"])");
    CHECK(at(json, "/stages/stdout/type") == "\"output/stdout@v1\"");
    CHECK(at(json, "/$origins/~1input~1count") == "\"the environment variable N\"");
    const std::string wrapped = R"({"apiVersion":"a/v1","kind":"Pipeline","metadata":{"name":"n-1"},"spec":)" + pipeline(R"(,"count":"${N}")") + "}";
    const JsonText spec = explained(wrapped, reading);
    CHECK(at(spec, "/metadata/name") == "\"n-1\"");
    CHECK(at(spec, "/spec/$origins/~1spec~1input~1count") == "\"the environment variable N\"");
    for (const std::string& document : {bare, wrapped, pipeline(R"(,"retry":{"initial":"5m"})", R"(,"format":{"path":".x"})")}) {
        const Explanation once = explain_pipeline(document, catalog, reading);
        REQUIRE(once.text);
        const auto original = parse_pipeline(document, catalog, reading), again = parse_pipeline(*once.text, catalog, reading);
        REQUIRE(original.document);
        REQUIRE(again.document);
        CHECK(again.document->name == original.document->name);
        CHECK(again.document->display_name == original.document->display_name);
        CHECK(again.document->description == original.document->description);
        CHECK(again.document->enabled == original.document->enabled);
        CHECK(again.document->queue_max_bytes == original.document->queue_max_bytes);
        CHECK(again.document->queue_total_bytes == original.document->queue_total_bytes);
        CHECK(again.document->input.next == original.document->input.next);
        CHECK(again.document->stages.size() == original.document->stages.size());
        // Of what it says itself nothing is a default any more, so only "$origins" differs.
        JsonText first = parse_json(*once.text), second = explained(*once.text, reading);
        for (JsonText* text : {&first, &second}) {
            rapidjson::Value& root = text->dom;
            (root.HasMember("spec") ? root["spec"] : root).RemoveMember("$origins");
        }
        CHECK(to_text(second.dom) == to_text(first.dom));
    }
}

TEST_CASE("a document with an error has no explanation, only its violations") {
    const Explanation made = explain_pipeline(pipeline(R"(,"url":"${NOT_SET}")"), catalog, with({}));
    CHECK_FALSE(made.text);
    REQUIRE(made.violations.size() == 1);
    CHECK(made.violations[0].pointer == "/input/url");
    CHECK_FALSE(explain_pipeline("[]", catalog, with({})).text);
    CHECK_FALSE(explain_pipeline("", catalog, with({})).text);
}
