// The pipeline document: a source, stages, and who feeds whom. Read whole, every violation at once.
#pragma once

#include "fluxgate/stage.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

using stage::Violation;

struct StageNode {
    std::string id;                // the stage's key; "input" for the source
    std::string type;              // "output/file@v1"
    std::string display_name;      // or empty
    std::string pointer;           // JSON pointer of the stage's object in the document, e.g. "/properties/stages/a"
    std::string document;          // the stage's own object as JSON text
    std::vector<std::string> next; // ids of successors, in document order
};

struct PipelineDocument {
    std::string display_name, description;
    std::optional<std::string> name; // metadata.name of a Kubernetes resource
    bool enabled = true;
    std::uint64_t queue_max_bytes = 2u << 20;    // of one partition's queue
    std::uint64_t queue_total_bytes = 16u << 20; // of all partition queues of one branch
    StageNode input;
    std::vector<StageNode> stages; // in document order; every one reachable from input
};

// The stage types there are. Implemented by the runtime's registry and by tests.
class StageCatalog {
public:
    virtual ~StageCatalog() = default;
    // fg_stage_kind, or none for an unknown type.
    [[nodiscard]] virtual std::optional<std::int32_t> kind_of(std::string_view type) const = 0;
    // Every violation and warning of a stage's object; pointers are relative to it.
    [[nodiscard]] virtual std::vector<Violation> validate(std::string_view type, std::string_view document) const = 0;
    // The JSON Schema of a type's object; "" when there is none.
    [[nodiscard]] virtual std::string schema_of(std::string_view /*type*/) const { return {}; }
    // All type names, sorted.
    [[nodiscard]] virtual std::vector<std::string> types() const = 0;
};

struct ParsedPipeline {
    std::optional<PipelineDocument> document; // present when no violation is an error
    std::vector<Violation> violations;        // pointers into the whole document
};

struct Reading;

// Accepts the three forms: a pipeline's properties, the same inside {"properties": ...} or a Kubernetes resource's "spec",
// and a bare source document (whose output is then output/stdout@v1 under the id "stdout").
ParsedPipeline parse_pipeline(std::string_view text, const StageCatalog& catalog);
// The same with what `reading` permits and brings in (reading.hpp). No message has a value that came from the environment.
ParsedPipeline parse_pipeline(std::string_view text, const StageCatalog& catalog, const Reading& reading);

} // namespace fluxgate::config
