// The page of a stage type, made from the schema that documents are checked against.
#pragma once

#include "fluxgate/host.hpp"

#include <string>

namespace fluxgate::runner {

// Markdown: every setting of the type with its values, default and meaning. Errc::corrupt when the schema is no JSON.
Result<std::string> stage_page(const StageTypeInfo& type);

} // namespace fluxgate::runner
