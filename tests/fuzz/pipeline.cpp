// The pipeline document: any bytes are read, or refused with violations; the graph of what is read is sound.
// Input: mode, bytes. By mode they are the whole document, or the stages of one.
#include "config/json_text.hpp"
#include "config/pipeline_document.hpp"
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

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint8_t mode = input.byte();
    std::string document{input.rest()};
    if ((mode & 1) != 0) document = R"({"input":{"type":"input/fake@v1","next":["a"]},"stages":{)" + document + "}}";
    const config::FakeCatalog catalog;
    const config::ParsedPipeline parsed = config::parse_pipeline(document, catalog);
    judge_violations(parsed.violations);
    demand_equal(parsed.document.has_value(), !config::has_error(parsed.violations), "a document is there when there is no error");
    if (parsed.document) is_sound(*parsed.document, catalog);
    return 0;
}

} // namespace fluxgate::fuzz::pipeline
