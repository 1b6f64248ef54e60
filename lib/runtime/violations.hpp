// A document's violations as an Error, and back.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/stage.hpp"

#include <string>
#include <vector>

namespace fluxgate::runtime {

// The message counts the violations that are errors and says the first; all of them are the details.
Error configuration_error(const std::string& what, const std::vector<stage::Violation>& violations);

} // namespace fluxgate::runtime
