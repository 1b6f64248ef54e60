#include "runtime/document_diff.hpp"

#include "config/json_text.hpp"

#include <map>

namespace fluxgate::runtime {

namespace {

// A stage's object without what its instance does not look at.
rapidjson::Document settings_of(const config::StageNode& node) {
    config::JsonText read = config::parse_json(node.document);
    if (read.parsed && read.dom.IsObject())
        for (const char* name : {"next", "displayName", "description"})
            while (read.dom.RemoveMember(name)) {
            }
    return std::move(read.dom);
}

class Matcher {
public:
    Matcher(const config::PipelineDocument& old_document, const Graph& old_graph, const config::PipelineDocument& document, const Graph& graph,
            const std::set<std::string, std::less<>>& same)
        : old_document_(old_document), old_graph_(old_graph), document_(document), graph_(graph), same_(same), known_(graph.branches.size()) {
        for (std::size_t i = 0; i < old_graph.branches.size(); ++i)
            heads_[old_document.stages[old_graph.branches[i].stages.front()].id] = i;
    }

    std::optional<std::size_t> kept(std::size_t branch) {
        if (!known_[branch]) known_[branch] = find(branch); // the graph has no cycle
        return *known_[branch];
    }

private:
    std::optional<std::size_t> find(std::size_t branch) {
        const BranchPlan& now = graph_.branches[branch];
        const auto at = heads_.find(document_.stages[now.stages.front()].id);
        if (at == heads_.end()) return std::nullopt;
        const BranchPlan& before = old_graph_.branches[at->second];
        if (now.stages.size() != before.stages.size() || now.next.size() != before.next.size()) return std::nullopt;
        for (std::size_t i = 0; i < now.stages.size(); ++i) {
            const std::string& id = document_.stages[now.stages[i]].id;
            if (id != old_document_.stages[before.stages[i]].id || same_.count(id) == 0) return std::nullopt;
        }
        for (std::size_t i = 0; i < now.next.size(); ++i)
            if (kept(now.next[i]) != before.next[i]) return std::nullopt;
        return at->second;
    }

    const config::PipelineDocument& old_document_;
    const Graph& old_graph_;
    const config::PipelineDocument& document_;
    const Graph& graph_;
    const std::set<std::string, std::less<>>& same_;
    std::map<std::string, std::size_t> heads_; // of the old branches
    std::vector<std::optional<std::optional<std::size_t>>> known_;
};

} // namespace

bool same_stage(const config::StageNode& a, const config::StageNode& b) {
    return a.id == b.id && a.type == b.type && (a.document == b.document || settings_of(a) == settings_of(b));
}

DocumentDiff diff(const config::PipelineDocument& old_document, const Graph& old_graph, const config::PipelineDocument& document,
                  const Graph& graph) {
    DocumentDiff out;
    out.same_source = same_stage(old_document.input, document.input);
    std::map<std::string_view, const config::StageNode*> before;
    for (const config::StageNode& node : old_document.stages)
        before[node.id] = &node;
    for (const config::StageNode& node : document.stages)
        if (const auto at = before.find(node.id); at != before.end() && same_stage(*at->second, node)) out.same.insert(node.id);
    Matcher matcher{old_document, old_graph, document, graph, out.same};
    for (std::size_t i = 0; i < graph.branches.size(); ++i)
        out.kept.push_back(matcher.kept(i));
    return out;
}

DocumentDiff nothing_stays(const DocumentDiff& of) {
    DocumentDiff out;
    out.same_source = of.same_source;
    out.kept.resize(of.kept.size());
    return out;
}

} // namespace fluxgate::runtime
