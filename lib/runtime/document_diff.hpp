// What a new document changes of a running one. No I/O.
#pragma once

#include "config/pipeline_document.hpp"
#include "runtime/graph.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fluxgate::runtime {

// Whether an instance that was made from one serves the other: the same id, type and settings. What is only for people
// (displayName, description), the order of members, and who comes behind (`next`) do not matter to an instance.
[[nodiscard]] bool same_stage(const config::StageNode& a, const config::StageNode& b);

struct DocumentDiff {
    bool same_source = false;
    std::set<std::string, std::less<>> same; // ids of processors and outputs that are in both and the same
    // By branch of the new graph: the branch of the old one with the same stages and, all the way down, the same branches behind it.
    std::vector<std::optional<std::size_t>> kept;
};

// Preconditions: both documents were validated, and each graph was cut from its document.
[[nodiscard]] DocumentDiff diff(const config::PipelineDocument& old_document, const Graph& old_graph, const config::PipelineDocument& document,
                                const Graph& graph);

// The same when no instance can stay: the number of partitions, which every instance was told, is another one.
[[nodiscard]] DocumentDiff nothing_stays(const DocumentDiff& of);

} // namespace fluxgate::runtime
