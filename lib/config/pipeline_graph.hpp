// Who feeds whom: every fault of a pipeline's graph at once.
#pragma once

#include "config/findings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxgate::config {

struct GraphEdge {
    std::string target;  // an id, as written
    std::string pointer; // where it is written
};

struct GraphVertex {
    std::string id, pointer;
    std::optional<std::int32_t> kind; // fg_stage_kind; none when the type is unknown
    bool next_known = true;           // false: its `next` is malformed and was reported
    std::vector<GraphEdge> next;
};

// vertices[0] is the source, ids are unique. Reports unknown and repeated ids, edges to the source, cycles (each once, as
// a -> b -> a), paths that do not end in an output, outputs with successors, and stages that the source does not reach.
void check_graph(const std::vector<GraphVertex>& vertices, Findings& findings);

} // namespace fluxgate::config
