#include "meter.hpp"

namespace fluxgate::influxdb {

void Meter::begin() noexcept {
    told_.rows = told_.suppressed = 0;
    told_.body_bytes = told_.wire_bytes = 0;
}

void Meter::add(const char* name, std::uint64_t now, std::uint64_t& told) const {
    if (now <= told) return;
    host_.count(name, static_cast<double>(now - told));
    told = now;
}

void Meter::tell(const Progress& progress) {
    add("rows_read", progress.rows, told_.rows);
    add("rows_suppressed", progress.suppressed, told_.suppressed);
    add("body_bytes", progress.body_bytes, told_.body_bytes);
    add("wire_bytes", progress.wire_bytes, told_.wire_bytes);
    add("jq_evaluations", progress.evaluations, told_.evaluations);
    add("jq_memo_hits", progress.hits, told_.hits);
}

bool Meter::due(std::int64_t now_ns) noexcept {
    if (now_ns < due_ns_) return false;
    due_ns_ = now_ns + every_ns;
    return true;
}

} // namespace fluxgate::influxdb
