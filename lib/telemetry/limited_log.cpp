#include "telemetry/limited_log.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace fluxgate::telemetry {

namespace {

std::int64_t steady_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::int64_t wall_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string_view stage_of(const LogEntry& entry) {
    for (std::size_t i = 0; i < entry.field_count; ++i)
        if (entry.fields[i].name == "stage") return entry.fields[i].value;
    return {};
}

} // namespace

LimitedLog::LimitedLog(int fd, LogFormat format, LogLevel least, RepeatLimit::Policy policy, Clock monotonic_ns)
    : writer_(fd, format, least), least_(least), clock_(monotonic_ns ? std::move(monotonic_ns) : Clock{steady_now}), limit_(policy) {}

void LimitedLog::operator()(const LogEntry& entry) {
    if (entry.level < least_) return;
    bool written = false;
    std::vector<RepeatLimit::Held> held;
    {
        const std::scoped_lock lock{mutex_};
        const std::int64_t now = clock_();
        held = limit_.due(now);
        written = limit_.admit(entry.level, entry.event, stage_of(entry), now);
    }
    tell(held);
    if (written) writer_(entry);
}

void LimitedLog::tell_repeated(bool all) {
    std::vector<RepeatLimit::Held> held;
    {
        const std::scoped_lock lock{mutex_};
        held = all ? limit_.rest() : limit_.due(clock_());
    }
    tell(held);
}

void LimitedLog::tell(const std::vector<RepeatLimit::Held>& held) {
    for (const RepeatLimit::Held& one : held) {
        const std::string count = std::to_string(one.count), of = one.event.empty() ? "several" : one.event;
        const std::string message =
            (one.event.empty() ? std::string{"several events"} : one.event) + " repeated " + count + " times; the lines were left out";
        const LogField fields[] = {{"of", of}, {"stage", one.stage}, {"count", count}};
        writer_({one.level, wall_now(), "log.repeated", message, fields, 3});
    }
}

} // namespace fluxgate::telemetry
