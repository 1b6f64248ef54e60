#include "jq/path.hpp"

#include <algorithm>

namespace fluxgate::jq {

namespace {

bool begins_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool in_name(char c) noexcept {
    return begins_name(c) || (c >= '0' && c <= '9');
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view space = " \t\r\n";
    const std::size_t first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

} // namespace

std::optional<std::vector<std::string>> plain_path(std::string_view expression) {
    std::vector<std::string> path;
    std::string_view rest = trimmed(expression);
    while (!rest.empty()) {
        if (rest.size() < 2 || rest[0] != '.' || !begins_name(rest[1])) return std::nullopt;
        const auto end = static_cast<std::size_t>(std::find_if_not(rest.begin() + 1, rest.end(), in_name) - rest.begin());
        path.emplace_back(rest.substr(1, end - 1));
        rest.remove_prefix(end);
    }
    if (path.empty()) return std::nullopt;
    return path;
}

std::optional<Value> follow(const std::vector<std::string>& path, const Value& input) {
    Value at{input.copy()};
    for (const std::string& name : path) {
        if (at.kind() == JV_KIND_NULL) continue;
        if (at.kind() != JV_KIND_OBJECT) return std::nullopt;
        Value member{jv_object_get(at.release(), jv_string_sized(name.data(), static_cast<int>(name.size())))};
        at = member.valid() ? std::move(member) : Value{jv_null()};
    }
    return at;
}

} // namespace fluxgate::jq
