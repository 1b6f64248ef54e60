// Documents beyond strict JSON: comments, references to the environment, settings of the source from elsewhere.
#include "config/reading.hpp"

#include "fake_catalog.hpp"
#include "support/catch.hpp"

#include <map>

using namespace fluxgate::config;

namespace {

// Fields of every kind: numbers, booleans, sizes, code, the name of a secret, lists.
class TypedCatalog : public FakeCatalog {
public:
    std::string schema_of(std::string_view type) const override {
        if (type != "input/fake@v1") return {};
        return R"({"type":"object","properties":{
            "url":{"type":"string"},"port":{"type":"integer","minimum":1,"maximum":65535},"ratio":{"type":"number"},"on":{"type":"boolean"},
            "size":{"type":["integer","string"],"format":"byte-size"},"word":{"enum":["a","b"]},
            "query":{"type":"object","properties":{"expression":{"type":"string","x-code":true}}},
            "authentication":{"type":"object","writeOnly":true,"properties":{"accessToken":{"type":"string","writeOnly":true}}},
            "names":{"type":"array","items":{"type":"string"}},"bad":{"type":"string"},"free":{"type":"object"}}})";
    }
    // Says what it finds at /bad in the words of a plugin.
    std::vector<Violation> validate(std::string_view, std::string_view document) const override {
        const JsonText json = parse_json(document);
        if (!json.dom.IsObject() || !json.dom.HasMember("bad")) return {}; // not an object: longer than a document may be
        const std::string value = json.dom["bad"].GetString();
        return {{"/bad", "must be good; found \"" + value + "\" (a string)", false},
                {"/port", "differs from the port of " + value, false},
                {"/bad", "nothing listens at \"" + value.substr(value.size() / 2) + "\"", true}};
    }
};

const TypedCatalog catalog;

Reading with(std::map<std::string, std::string, std::less<>> variables) {
    Reading out;
    out.comments = true;
    out.variables = [variables = std::move(variables)](std::string_view name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional{found->second};
    };
    return out;
}

std::string pipeline(const std::string& source) {
    return R"({"input":{"type":"input/fake@v1","next":["out"],)" + source + R"(},"stages":{"out":{"type":"output/fake@v1"}}})";
}

std::string source_of(const ParsedPipeline& parsed) {
    REQUIRE(parsed.document);
    return parsed.document->input.document;
}

std::string said(const ParsedPipeline& parsed) {
    std::string out;
    for (const Violation& v : parsed.violations)
        out += (v.warning ? "warning " : "") + v.pointer + " " + v.message + "\n";
    return out;
}

} // namespace

TEST_CASE("a string takes its variables' values, and a whole reference becomes the type that its field has") {
    const auto parsed = parse_pipeline(
        pipeline(R"("url":"http://${HOST}:8086","port":"${PORT}","ratio":"${RATIO}","on":"${ON:-true}","size":"${SIZE}","names":["a","${NAME}"])"),
        catalog, with({{"HOST", "h"}, {"PORT", "8086"}, {"RATIO", "0.5"}, {"SIZE", "65536"}, {"NAME", "8086"}}));
    CHECK(said(parsed).empty());
    CHECK(source_of(parsed) ==
          R"({"type":"input/fake@v1","next":["out"],"url":"http://h:8086","port":8086,"ratio":0.5,"on":true,"size":65536,"names":["a","8086"]})");
    CHECK(source_of(parse_pipeline(pipeline(R"("size":"${SIZE}")"), catalog, with({{"SIZE", "2MiB"}}))).find(R"("size":"2MiB")") !=
          std::string::npos);
}

TEST_CASE("expressions, keys, and fields that no schema names stay as they are") {
    const std::string source =
        R"("query":{"expression":"\"${r.host}\" $${x} ${NOT_SET}"},"unknown":"${NOT_SET}","free":{"a":"${NOT_SET}"},"viewOptions":"${NOT_SET}")";
    const auto parsed = parse_pipeline(pipeline(source), catalog, with({}));
    CHECK(said(parsed).empty());
    CHECK(source_of(parsed).find(source) != std::string::npos);
    const auto around = parse_pipeline(R"({"metadata":{"name":"${X}"},"x":"${Y}","spec":)" + pipeline(R"("url":"u")") + "}", catalog, with({}));
    CHECK(said(around).empty());
    CHECK(around.document->name == "${X}");
}

TEST_CASE("the type of a stage, its successors and the pipeline's own fields take references too") {
    const auto parsed = parse_pipeline(R"({"displayName":"${NAME}","enabled":"${ON}","queue":{"maxBytes":"${BYTES}"},
        "input":{"type":"${TYPE:-input/fake@v1}","port":"${PORT}","next":["${OUT}"]},"stages":{"out":{"type":"output/fake@v1"}}})",
                                       catalog, with({{"NAME", "Plant"}, {"ON", "false"}, {"BYTES", "4096"}, {"OUT", "out"}, {"PORT", "1"}}));
    CHECK(said(parsed).empty());
    REQUIRE(parsed.document);
    CHECK(parsed.document->display_name == "Plant");
    CHECK_FALSE(parsed.document->enabled);
    CHECK(parsed.document->queue_max_bytes == 4096);
    CHECK(parsed.document->input.document.find("\"port\":1") != std::string::npos);
}

TEST_CASE("every reference without a value is one error at its place, and what follows from it is not said again") {
    const auto parsed = parse_pipeline(pipeline(R"("url":"${A}","port":"${B}","bad":"${C}","names":["x","${D E}"])"), catalog, with({}));
    CHECK_FALSE(parsed.document);
    std::string pointers;
    for (const Violation& v : parsed.violations)
        pointers += v.pointer + " ";
    CHECK(pointers == "/input/url /input/port /input/bad /input/names/1 ");
    CHECK(parsed.violations[0].message.find("the environment variable A is not set") == 0);
}

TEST_CASE("a value that does not fit its field is named by its variable, not shown") {
    const auto parsed = parse_pipeline(pipeline(R"("port":"${PORT}","on":"${ON:-maybe}","ratio":"x${PORT}")"), catalog, with({{"PORT", "hunter2"}}));
    CHECK(said(parsed) == "/input/port must be an integer from 1 to 65535; the environment variable PORT gives something else (7 bytes, not shown)\n"
                          "/input/on must be true or false; the default of ${ON} gives something else (5 bytes, not shown)\n"
                          "/input/ratio must be a number; a reference becomes one only when it is all of the string\n");
    for (const char* value : {"1e3", " 1", "1 ", "0x10", "", "1.5", "99999999999999999999", "[1]", "\"1\""}) {
        INFO(value);
        CHECK_FALSE(parse_pipeline(pipeline(R"("port":"${PORT}")"), catalog, with({{"PORT", value}})).document);
    }
}

TEST_CASE("no message has a value that came from the environment, also when a stage's plugin wrote it there") {
    const std::string document = pipeline(R"("bad":"http://${HOST}/x","port":5)");
    const auto parsed = parse_pipeline(document, catalog, with({{"HOST", "hidden.example.com"}}));
    CHECK(said(parsed).find("example") == std::string::npos);
    CHECK(said(parsed) == "/input/bad must be good; what ${HOST} gives is something else (27 bytes, not shown)\n"
                          "warning /input/bad nothing listens at ${HOST}\n"
                          "/input/port differs from the port of ${HOST}\n");
    // What the document itself says may be repeated.
    const auto known = parse_pipeline(document, catalog, with({{"HOST", "input"}}));
    CHECK(said(known).find("differs from the port of ${HOST}") != std::string::npos);
}

TEST_CASE("the name of a secret takes no reference, and a credential gets in nowhere") {
    const auto parsed = parse_pipeline(pipeline(R"("authentication":{"accessToken":"${NAME}"},"url":"http://${INFLUX_TOKEN}@h")"), catalog,
                                       with({{"NAME", "x"}, {"INFLUX_TOKEN", "Q9-token"}}));
    CHECK_FALSE(parsed.document);
    CHECK(said(parsed).find("/input/authentication/accessToken a reference to the environment is not expanded here") == 0);
    CHECK(said(parsed).find("/input/url the environment variable INFLUX_TOKEN looks like a credential") != std::string::npos);
    CHECK(said(parsed).find("Q9") == std::string::npos);
}

TEST_CASE("nothing is expanded, and no comment taken, unless it is asked for") {
    const auto plain = parse_pipeline(pipeline(R"("url":"${NOT_SET} $${x}")"), catalog);
    CHECK(source_of(plain).find(R"("url":"${NOT_SET} $${x}")") != std::string::npos);
    CHECK(said(parse_pipeline("{} // c", catalog)) ==
          " line 1, column 4: text follows the end of the document; remove it; comments, and a comma behind the last member, are not taken here\n");
    Reading only_comments;
    only_comments.comments = true;
    CHECK(source_of(parse_pipeline(pipeline(R"("url":"${NOT_SET}" /* c */)"), catalog, only_comments)).find("${NOT_SET}") != std::string::npos);
}

TEST_CASE("the values of all references together are bounded as a document is") {
    std::string list = "\"${BIG}\"";
    for (int i = 0; i < 40; ++i)
        list += ",\"${BIG}\"";
    const auto parsed = parse_pipeline(pipeline("\"names\":[" + list + "]"), catalog, with({{"BIG", std::string(1u << 20, 'x')}}));
    CHECK_FALSE(parsed.document);
    CHECK(said(parsed).find("longer than 16 MiB") != std::string::npos);
    CHECK(said(parsed).size() < 10000);
}

TEST_CASE("a hand-written document may have comments and trailing commas, one inside a resource may not") {
    const std::string comments = "// first\n" + pipeline("\"url\":\"http://a//b/*c*/\", /* two\n lines */ \"port\":1,") + "\n// end";
    const auto parsed = parse_pipeline(comments, catalog, with({}));
    CHECK(said(parsed).empty());
    CHECK(source_of(parsed).find(R"("url":"http://a//b/*c*/","port":1})") != std::string::npos);
    for (const std::string& wrapped :
         std::vector<std::string>{"{\"properties\":\n" + comments + "\n}", "{\"apiVersion\":\"v1\",\"kind\":\"X\",\"spec\":\n" + comments + "\n}",
                                  "{\"apiVersion\":\"v1\",\"kind\":\"X\"," + comments.substr(comments.find('{') + 1)}) {
        INFO(wrapped);
        const auto refused = parse_pipeline(wrapped, catalog, with({}));
        CHECK_FALSE(refused.document);
        CHECK(said(refused).find(" line ") == 0);
        CHECK(said(refused).find("a document that a tool exported is strict JSON") != std::string::npos);
    }
}

TEST_CASE("errors keep their line, column and pointer in a document with comments") {
    const auto cut = parse_pipeline("// one\n{ /* two\nthree */ \"input\": tru }", catalog, with({}));
    CHECK(said(cut) == " line 3, column 22: a JSON value is needed here\n");
    const auto open = parse_pipeline("{} /* never", catalog, with({}));
    CHECK(said(open).find("this is no comment, or one without an end") != std::string::npos);
    const auto twice = parse_pipeline("{\"input\":{}, // one\n \"input\":{},}", catalog, with({}));
    CHECK(said(twice).find("/input the field \"input\" is given more than once") != std::string::npos);
    for (const char* text : {"{,}", "[,]", "{\"a\":1,,}", "{\"a\":,}", "/", "/*", "//", "/* */", "{} /", "{} x", "{\"a\" /* c */}", "{'a':1}"}) {
        INFO(text);
        const JsonText json = parse_jsonc(text);
        CHECK_FALSE(json.parsed);
        CHECK(json.violations.size() == 1);
    }
}

TEST_CASE("settings from elsewhere replace the source's, with one warning, and are not searched for references") {
    Reading reading = with({});
    reading.source = SourcePatch{"the relationship \"db\"", "input/fake@v1", R"({"url":"${literal}","port":null,"names":["n"]})"};
    const auto parsed = parse_pipeline(pipeline(R"("url":"${NOT_SET}","port":"${NOT_SET}","on":true)"), catalog, reading);
    CHECK(said(parsed) == "warning /input the relationship \"db\" replaces what the document says in \"url\", \"port\"\n");
    CHECK(source_of(parsed) == R"({"type":"input/fake@v1","next":["out"],"on":true,"url":"${literal}","names":["n"]})");

    const auto bare = parse_pipeline(R"({"type":"input/fake@v1"})", catalog, reading);
    CHECK(said(bare).empty());
    CHECK(source_of(bare) == R"({"type":"input/fake@v1","url":"${literal}","names":["n"]})");

    reading.source->type = "input/other@v1";
    CHECK(said(parse_pipeline(R"({"type":"input/fake@v1"})", catalog, reading)) ==
          "/type the relationship \"db\" fits a source of the type \"input/other@v1\" only; found \"input/fake@v1\"\n");
}
