// A source inside the host that feeds given messages into a stage of a pipeline.
#pragma once

#include "config/pipeline_document.hpp"
#include "runtime/instances.hpp"

#include "fluxgate/pipeline.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace fluxgate::runtime {

// The part of a document that begins at `stage`: that stage, what follows it, and an input that feeds it. None when there is
// no such stage.
[[nodiscard]] std::optional<config::PipelineDocument> document_from(const config::PipelineDocument& document, std::string_view stage);

// Makes the pipeline's source in its context.
using SourceMaker = std::function<Result<std::unique_ptr<SourceInstance>>(StageContext&)>;

// Every message is a batch of its own, so that each is settled by itself.
[[nodiscard]] SourceMaker feeding(Feed feed, std::uint32_t partition_count);

} // namespace fluxgate::runtime
