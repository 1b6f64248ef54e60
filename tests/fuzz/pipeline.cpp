// The pipeline document: any bytes are read, or refused with violations; the graph of what is read is sound.
// Input: mode, bytes. By mode they are the whole document, or the stages of one; read strictly, or with comments and references to
// environment variables.
#include "config/json_text.hpp"
#include "config/pipeline_document.hpp"
#include "config/reading.hpp"
#include "findings.hpp"
#include "input.hpp"
#include "targets.hpp"
#include "unit/config/fake_catalog.hpp"

#include <map>
#include <set>

namespace fluxgate::fuzz::pipeline {

namespace {

void is_sound(const config::PipelineDocument& document, const config::StageCatalog& catalog) {
    demand(document.queue_max_bytes >= 1 && document.queue_max_bytes <= document.queue_total_bytes, "queues are bounded");
    std::map<std::string, const config::StageNode*> nodes{{document.input.id, &document.input}};
    for (const config::StageNode& stage : document.stages)
        demand(nodes.emplace(stage.id, &stage).second, "ids are unique");
    std::set<std::string> reached;
    std::vector<std::string> open{document.input.id};
    while (!open.empty()) {
        const std::string id = open.back();
        open.pop_back();
        if (!reached.insert(id).second) continue;
        demand(nodes.count(id) == 1, "a successor is a stage");
        const config::StageNode& node = *nodes[id];
        demand(config::parse_json(node.document).parsed, "a stage's object is JSON");
        const auto kind = catalog.kind_of(node.type);
        demand(kind.has_value(), "a stage's type is known");
        demand_equal(*kind == FG_KIND_SOURCE, id == document.input.id, "the source is the input alone");
        demand_equal(*kind == FG_KIND_OUTPUT, node.next.empty(), "a path ends in an output");
        open.insert(open.end(), node.next.begin(), node.next.end());
    }
    demand_equal(reached.size(), nodes.size(), "every stage is reached");
}

constexpr std::string_view value = "h1dden/value"; // no message may show it, unless the document does

// A source with a field of every kind.
class Typed : public config::FakeCatalog {
public:
    std::string schema_of(std::string_view type) const override {
        if (type != "input/fake@v1") return {};
        return R"({"type":"object","properties":{"u":{"type":"string"},"p":{"type":"integer"},"o":{"type":"boolean"},"d":{"type":"number"},
            "s":{"type":["integer","string"]},"c":{"type":"string","x-code":true},"w":{"type":"object","writeOnly":true,"properties":
            {"n":{"type":"string"}}},"l":{"type":"array","items":{"type":"string"}}}})";
    }
};

// A, A1, ... are set, B is empty, N is a number, and others are not there.
std::optional<std::string> variable(std::string_view name) {
    if (name.front() == 'A') return std::string{value};
    if (name.front() == 'B') return std::string{};
    if (name.front() == 'N') return "8086";
    return std::nullopt;
}

void expands(std::string_view text) {
    const config::Expansion made = config::expand_references(text, variable, 1u << 16);
    demand(made.problem.empty() || made.text.empty(), "a text with a problem has no expansion");
    demand(text.find(value) != std::string_view::npos || made.problem.find(value) == std::string::npos, "a problem does not show a value");
    if (!config::has_reference(text)) demand_equal(std::string_view{made.text}, text, "a text without references");
    const config::Expansion escaped = config::expand_references(config::escape_references(text), variable, 1u << 22);
    demand(escaped.problem.empty() && escaped.references.empty(), "an escaped text has no references");
    demand_equal(std::string_view{escaped.text}, text, "an escaped text expands to itself");
}

void read_freely(const std::string& document) {
    const Typed catalog;
    config::Reading reading;
    reading.comments = true;
    reading.variables = variable;
    const config::ParsedPipeline parsed = config::parse_pipeline(document, catalog, reading);
    judge_violations(parsed.violations);
    demand_equal(parsed.document.has_value(), !config::has_error(parsed.violations), "a document is there when there is no error");
    if (parsed.document) is_sound(*parsed.document, catalog);
    if (document.find(value) == std::string::npos)
        for (const config::Violation& v : parsed.violations)
            if (v.message.find(value) != std::string::npos) broken("a message does not show a variable's value", v.pointer + " " + v.message);
    // Strict JSON is read as it is when nothing in it refers to anything.
    if (config::has_reference(document) || !config::parse_json(document).parsed) return;
    const config::ParsedPipeline strict = config::parse_pipeline(document, catalog);
    demand_equal(parsed.document.has_value(), strict.document.has_value(), "a document without references");
    if (strict.document)
        demand_equal(parsed.document->input.document, strict.document->input.document, "the source of a document without references");
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint8_t mode = input.byte();
    const std::string_view rest = input.rest();
    std::string document{rest};
    if ((mode & 1) != 0) document = R"({"input":{"type":"input/fake@v1","next":["a"]},"stages":{)" + document + "}}";
    if ((mode & 4) != 0) expands(rest);
    if ((mode & 2) != 0) {
        read_freely(document);
        return 0;
    }
    const config::FakeCatalog catalog;
    const config::ParsedPipeline parsed = config::parse_pipeline(document, catalog);
    judge_violations(parsed.violations);
    demand_equal(parsed.document.has_value(), !config::has_error(parsed.violations), "a document is there when there is no error");
    if (parsed.document) is_sound(*parsed.document, catalog);
    return 0;
}

} // namespace fluxgate::fuzz::pipeline
