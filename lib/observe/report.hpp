// Everything that is shown, taken at one moment. Plain values: whoever renders them asks nobody.
#pragma once

#include "fluxgate/host.hpp"
#include "fluxgate/pipeline.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fluxgate::observe {

struct ProcessNumbers {
    double resident_bytes = 0, virtual_bytes = 0;
    double cpu_seconds = 0;
    double open_fds = 0, max_fds = 0;
};

struct Report {
    std::string version;
    std::int64_t wall_ns = 0;       // now, since 1970 UTC
    std::int64_t began_wall_ns = 0; // when the program began
    ProcessNumbers process;
    std::vector<PipelineStatus> pipelines;
    std::vector<MetricSample> metrics; // the host's
};

} // namespace fluxgate::observe
