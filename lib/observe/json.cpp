#include "observe/json.hpp"

#include "fluxgate/stage.hpp"
#include "observe/exposition.hpp"
#include "telemetry/text.hpp"

#include <cmath>

namespace fluxgate::observe {

void JsonWriter::lead(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    if (name.empty()) return;
    stage::detail::append_json_string(out_, name);
    out_ += ':';
}

void JsonWriter::open(std::string_view name, char bracket) {
    lead(name);
    out_ += bracket;
    first_ = true;
}

void JsonWriter::close(char bracket) {
    out_ += bracket;
    first_ = false;
}

void JsonWriter::raw(std::string_view name, std::string_view value) {
    lead(name);
    out_ += value;
}

void JsonWriter::text(std::string_view name, std::string_view value) {
    lead(name);
    stage::detail::append_json_string(out_, telemetry::to_utf8(value));
}

void JsonWriter::number(std::string_view name, double value) {
    raw(name, std::isfinite(value) ? number_text(value) : "null");
}

void JsonWriter::time(std::string_view name, std::int64_t wall_ns) {
    raw(name, wall_ns == 0 ? "null" : '"' + telemetry::rfc3339(wall_ns) + '"');
}

std::string_view level_name(fg_health_level level) noexcept {
    switch (level) {
    case FG_HEALTH_OK: return "ok";
    case FG_HEALTH_RETRYING: return "retrying";
    case FG_HEALTH_NEEDS_ATTENTION: break;
    }
    return "needs attention";
}

} // namespace fluxgate::observe
