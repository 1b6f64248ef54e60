// The source's check: tries each step between the document and the first row, and says what it found.
#pragma once

#include "fluxgate/stage.hpp"
#include "settings.hpp"

#include <cstdint>

namespace fluxgate::influxdb {

// Two short requests without the token (/ping, and /health if that does not tell the version), then the query twice: without
// rows, and up to its first row. One connection where the server allows it. Blocks until `deadline_ns` (monotonic) at most.
// Errc::cancelled: nobody wanted more lines.
Result<void> run_check(const Settings& settings, stage::Host host, std::int64_t deadline_ns, const stage::LineSink& line);

} // namespace fluxgate::influxdb
