#include "runtime/graph.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace fluxgate::runtime {

namespace {

class Cutter {
public:
    explicit Cutter(const config::PipelineDocument& document) : document_(document) {
        for (std::size_t i = 0; i < document.stages.size(); ++i)
            index_[document.stages[i].id] = i;
        predecessors_.resize(document.stages.size(), 0);
        for (const std::size_t next : successors(document.input))
            ++predecessors_[next];
        for (const config::StageNode& node : document.stages)
            for (const std::size_t next : successors(node))
                ++predecessors_[next];
    }

    Graph cut() {
        for (const std::size_t head : successors(document_.input)) {
            const std::size_t branch = branch_at(head);
            graph_.first.push_back(branch);
        }
        return std::move(graph_);
    }

private:
    // Each successor once, also when a document names it twice.
    [[nodiscard]] std::vector<std::size_t> successors(const config::StageNode& node) const {
        std::vector<std::size_t> out;
        for (const std::string& id : node.next) {
            const auto at = index_.find(id);
            if (at != index_.end() && std::find(out.begin(), out.end(), at->second) == out.end()) out.push_back(at->second);
        }
        return out;
    }

    // The branch whose first stage is `head`, made when it is not there yet.
    std::size_t branch_at(std::size_t head) {
        const auto known = heads_.find(head);
        if (known != heads_.end()) return known->second;
        const std::size_t self = graph_.branches.size();
        heads_[head] = self;
        graph_.branches.emplace_back();
        std::vector<std::size_t> stages{head};
        std::vector<std::size_t> after = successors(document_.stages[head]);
        while (after.size() == 1 && predecessors_[after.front()] == 1) {
            stages.push_back(after.front());
            after = successors(document_.stages[stages.back()]);
        }
        std::vector<std::size_t> next;
        next.reserve(after.size());
        for (const std::size_t stage : after)
            next.push_back(branch_at(stage));
        graph_.branches[self] = {std::move(stages), std::move(next)};
        return self;
    }

    const config::PipelineDocument& document_;
    std::map<std::string, std::size_t> index_;
    std::vector<std::size_t> predecessors_;
    std::map<std::size_t, std::size_t> heads_;
    Graph graph_;
};

} // namespace

Graph cut_into_branches(const config::PipelineDocument& document) {
    return Cutter{document}.cut();
}

} // namespace fluxgate::runtime
