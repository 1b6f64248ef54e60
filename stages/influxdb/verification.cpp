#include "verification.hpp"

#include "rows.hpp"

#include <utility>

namespace fluxgate::influxdb {

Verification::Verification(const Settings& settings, stage::Host host)
    : host_(host), reader_(reader_limits(settings)), spool_(settings.spool_bytes) {}

void Verification::begin() {
    reader_.reset();
    spool_.clear();
    failed_ = false;
    spool_error_.reset();
}

void Verification::on_body(std::string_view bytes) {
    if (failed_ || spool_error_) return;
    if (Result<void> kept = spool_.append(bytes, host_.wall_ns()); !kept.ok()) {
        spool_error_ = std::move(kept).error();
        return;
    }
    reader_.feed(bytes);
    for (flux::Event event = reader_.next(); event != flux::Event::need_more; event = reader_.next()) {
        if (event == flux::Event::failed) {
            failed_ = true;
            return;
        }
    }
}

} // namespace fluxgate::influxdb
