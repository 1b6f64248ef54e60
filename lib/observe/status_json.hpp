// What `/status.json` answers: the report as the status page wants it.
#pragma once

#include "observe/report.hpp"

#include <string>

namespace fluxgate::observe {

// One object: version, nowMs, uptimeSeconds, process, pipelines. Counters are totals; who asks twice reckons the rates. Texts of a
// server stand in members of their own, `serverSaid`. Without `data` the examples of dead letters have no `raw`: that is what the
// rows say, and belongs to who may read them.
[[nodiscard]] std::string status_json(const Report& report, bool data);

} // namespace fluxgate::observe
