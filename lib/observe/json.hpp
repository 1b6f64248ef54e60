// JSON that grows from front to back.
#pragma once

#include "fluxgate/stage.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace fluxgate::observe {

// Commas and escapes; that every begin has its end is the caller's. Text is made valid UTF-8. An empty name: a member of an array.
class JsonWriter {
public:
    void begin_object(std::string_view name = {}) { open(name, '{'); }
    void end_object() { close('}'); }
    void begin_array(std::string_view name = {}) { open(name, '['); }
    void end_array() { close(']'); }
    void text(std::string_view name, std::string_view value);
    template <class Integer, std::enable_if_t<std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>, int> = 0>
    void number(std::string_view name, Integer value) {
        raw(name, std::to_string(value));
    }
    void number(std::string_view name, double value); // null when it is none
    void flag(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
    void time(std::string_view name, std::int64_t wall_ns); // RFC 3339, or null for 0
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    void open(std::string_view name, char bracket);
    void close(char bracket);
    void raw(std::string_view name, std::string_view value);
    void lead(std::string_view name);

    std::string out_;
    bool first_ = true; // of its object or array
};

// "ok", "retrying", "needs attention".
[[nodiscard]] std::string_view level_name(fg_health_level level) noexcept;

} // namespace fluxgate::observe
