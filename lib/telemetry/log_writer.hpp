// Structured log lines as text or JSON lines on a file descriptor.
#pragma once

#include "fluxgate/host.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::telemetry {

enum class LogFormat { text, json };

// One line without line feed. Both forms name, in this order: time (RFC 3339, milliseconds), level, event, message, then the
// fields. Control characters are escaped and ill-formed UTF-8 replaced, so a line is one line and cannot steer a terminal.
//   text: 2026-11-21T10:02:07.123Z info plugin.loaded "loaded it" path=/usr/lib/x.so
//   json: {"time":"...","level":"info","event":"plugin.loaded","message":"loaded it","path":"/usr/lib/x.so"}
// In JSON a field that is called like one of the first four gets the prefix "field_".
std::string format_text(const LogEntry& entry);
std::string format_json(const LogEntry& entry);

std::string_view level_name(LogLevel level) noexcept;               // "debug", "info", "warning", "error"
std::optional<LogLevel> level_of(std::string_view name) noexcept;   //
std::optional<LogFormat> format_of(std::string_view name) noexcept; // "text", "json"

// Writes entries of `least` or above to `fd`, which stays the caller's; a line is one write. Thread-safe. A descriptor that
// cannot be written to loses lines: there is nowhere left to say so.
class LogWriter {
public:
    LogWriter(int fd, LogFormat format, LogLevel least) noexcept : fd_(fd), format_(format), least_(least) {}
    void operator()(const LogEntry& entry);

private:
    std::mutex mutex_;
    int fd_;
    LogFormat format_;
    LogLevel least_;
};

} // namespace fluxgate::telemetry
