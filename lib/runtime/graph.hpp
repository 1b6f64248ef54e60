// A document's stages, cut into branches.
//
// A branch begins at every successor of the source, at every successor of a stage with several successors, and at every
// stage with several predecessors. Inside a branch one stage follows the other without a queue between them.
#pragma once

#include "config/pipeline_document.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fluxgate::runtime {

struct BranchPlan {
    std::vector<std::size_t> stages; // indices into PipelineDocument::stages, in order of flow; not empty
    std::vector<std::size_t> next;   // indices of branches; empty when the last stage is an output
};

struct Graph {
    std::vector<BranchPlan> branches;
    std::vector<std::size_t> first; // the branches that the source feeds
};

// Precondition: the document was validated (known ids, no cycle, every stage reachable).
Graph cut_into_branches(const config::PipelineDocument& document);

} // namespace fluxgate::runtime
