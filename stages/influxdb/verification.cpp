#include "verification.hpp"

#include "rows.hpp"

#include <utility>

namespace fluxgate::influxdb {

namespace {

constexpr std::size_t spool_memory = 16u << 20;

} // namespace

Verification::Verification(const Settings& settings, stage::Host host, std::uint32_t share)
    : host_(host), reader_(reader_limits(settings)), spool_(settings.spool_bytes, spool_memory / share) {}

void Verification::begin() {
    reader_.reset();
    spool_.clear();
    failed_ = false;
    spool_error_.reset();
}

void Verification::on_body(std::string_view bytes) {
    if (failed_ || spool_error_) return;
    Result<void> kept = spool_.received(bytes.size(), host_.wall_ns());
    reader_.feed(bytes);
    while (kept.ok()) {
        const flux::Event event = reader_.next();
        if (event == flux::Event::need_more) return;
        failed_ = event == flux::Event::failed;
        if (failed_) return;
        kept = keep(event);
    }
    spool_error_ = std::move(kept).error();
}

Result<void> Verification::keep(flux::Event event) {
    if (event == flux::Event::table) return spool_.table(reader_.table());
    if (event == flux::Event::long_row) return spool_.long_row(reader_.row(), reader_.long_row_bytes());
    return spool_.row(reader_.row());
}

} // namespace fluxgate::influxdb
