// What `/metrics` answers.
#pragma once

#include "observe/report.hpp"

#include <string>

namespace fluxgate::observe {

[[nodiscard]] std::string metrics_page(const Report& report);

} // namespace fluxgate::observe
