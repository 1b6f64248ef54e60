#include "telemetry/log_writer.hpp"

#include "telemetry/text.hpp"

#include "fluxgate/stage.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace fluxgate::telemetry {

namespace {

// JSON string escapes, and C1 control characters too (a terminal may obey U+009B as it does ESC [).
void append_quoted(std::string& out, std::string_view raw) {
    std::string escaped;
    stage::detail::append_json_string(escaped, to_utf8(raw));
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        const auto byte = static_cast<unsigned char>(escaped[i]);
        if (byte == 0x7F) {
            out += "\\u007F";
        } else if (byte == 0xC2 && i + 1 < escaped.size() && static_cast<unsigned char>(escaped[i + 1]) < 0xA0) {
            static constexpr char hex[] = "0123456789ABCDEF";
            const auto low = static_cast<unsigned char>(escaped[++i]);
            out += "\\u00";
            out += hex[low >> 4];
            out += hex[low & 15];
        } else {
            out += escaped[i];
        }
    }
}

bool plain(std::string_view value) noexcept {
    return !value.empty() &&
           std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '=' && c != '\\'; });
}

bool reserved(std::string_view name) noexcept {
    return name == "time" || name == "level" || name == "event" || name == "message";
}

} // namespace

std::string_view level_name(LogLevel level) noexcept {
    switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
    }
    return "error";
}

std::optional<LogLevel> level_of(std::string_view name) noexcept {
    for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error})
        if (name == level_name(level)) return level;
    return std::nullopt;
}

std::optional<LogFormat> format_of(std::string_view name) noexcept {
    if (name == "text") return LogFormat::text;
    if (name == "json") return LogFormat::json;
    return std::nullopt;
}

std::string format_text(const LogEntry& entry) {
    std::string out = rfc3339(entry.wall_ns);
    out += ' ';
    out += level_name(entry.level);
    out += ' ';
    const auto put = [&out](std::string_view value) {
        if (plain(value))
            out += value;
        else
            append_quoted(out, value);
    };
    put(entry.event);
    out += ' ';
    append_quoted(out, entry.message);
    for (std::size_t i = 0; i < entry.field_count; ++i) {
        out += ' ';
        put(entry.fields[i].name);
        out += '=';
        put(entry.fields[i].value);
    }
    return out;
}

std::string format_json(const LogEntry& entry) {
    std::string out = "{\"time\":\"" + rfc3339(entry.wall_ns) + "\",\"level\":\"";
    out += level_name(entry.level);
    out += "\",\"event\":";
    append_quoted(out, entry.event);
    out += ",\"message\":";
    append_quoted(out, entry.message);
    for (std::size_t i = 0; i < entry.field_count; ++i) {
        out += ',';
        const std::string_view name = entry.fields[i].name;
        append_quoted(out, reserved(name) ? "field_" + std::string{name} : std::string{name});
        out += ':';
        append_quoted(out, entry.fields[i].value);
    }
    return out += '}';
}

void LogWriter::operator()(const LogEntry& entry) {
    if (entry.level < least_) return;
    std::string line = format_ == LogFormat::json ? format_json(entry) : format_text(entry);
    line += '\n';
    std::string_view rest = line;
    const std::scoped_lock lock{mutex_};
    while (!rest.empty()) {
        const ssize_t written = ::write(fd_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace fluxgate::telemetry
