// A log writer that says the same thing only so often.
#pragma once

#include "telemetry/log_writer.hpp"
#include "telemetry/repeat_limit.hpp"

#include <functional>
#include <mutex>

namespace fluxgate::telemetry {

// Thread-safe. What was held back is told as one line "log.repeated", with the fields `of` (the event), `stage` and `count`.
class LimitedLog {
public:
    // `monotonic_ns` none: the system's steady clock.
    LimitedLog(int fd, LogFormat format, LogLevel least, RepeatLimit::Policy policy = {}, Clock monotonic_ns = {});
    void operator()(const LogEntry& entry);
    // Now and then, so that it is told although no other line comes; `all`: at the end.
    void tell_repeated(bool all);

private:
    void tell(const std::vector<RepeatLimit::Held>& held);

    LogWriter writer_;
    const LogLevel least_;
    const Clock clock_;
    std::mutex mutex_; // of the limit
    RepeatLimit limit_;
};

} // namespace fluxgate::telemetry
