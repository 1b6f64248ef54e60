#include "jq/value.hpp"

#include <climits>

namespace fluxgate::jq {

std::string_view Value::string() const noexcept {
    return {jv_string_value(value_), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(value_)))};
}

std::string Value::dump() const {
    if (!valid()) return "(no value)";
    const Value text{jv_dump_string(copy(), 0)};
    return std::string{text.string()};
}

Value parse(std::string_view json, std::string& error) {
    error.clear();
    if (json.size() > static_cast<std::size_t>(INT_MAX)) {
        error = "the JSON text is larger than 2 GiB";
        return Value{};
    }
    Value value{jv_parse_sized(json.data(), static_cast<int>(json.size()))};
    if (value.valid()) return value;
    error = message_text(jv_invalid_get_msg(value.release()));
    // libjq appends the whole text, which may be megabytes.
    if (const auto at = error.find(" (while parsing '"); at != std::string::npos) error.resize(at);
    if (error.empty() || error == "null") error = "there is no JSON value";
    return Value{};
}

std::string shortened(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return std::string{text};
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return std::string{text.substr(0, end)} + "...";
}

std::string message_text(jv message) {
    const Value value{message};
    return value.kind() == JV_KIND_STRING ? std::string{value.string()} : value.dump();
}

} // namespace fluxgate::jq
