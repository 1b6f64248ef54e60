#include "config/findings.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace fluxgate::config {

namespace {

std::string unescaped(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        const bool escape = token[i] == '~' && i + 1 < token.size();
        out += !escape ? token[i] : token[++i] == '1' ? '/' : '~';
    }
    return out;
}

// The child that a token names and its position among its siblings; what is not there stands behind them.
std::pair<const rapidjson::Value*, std::size_t> step(const rapidjson::Value& value, std::string_view token) {
    if (value.IsArray()) {
        rapidjson::SizeType index = 0;
        const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), index);
        if (fault != std::errc{} || end != token.data() + token.size() || index >= value.Size()) return {nullptr, value.Size()};
        return {&value[index], index};
    }
    if (!value.IsObject()) return {nullptr, 0};
    const std::string name = unescaped(token);
    const auto found = value.FindMember(rapidjson::Value{rapidjson::StringRef(name.data(), name.size())});
    if (found == value.MemberEnd()) return {nullptr, value.MemberCount()};
    return {&found->value, static_cast<std::size_t>(found - value.MemberBegin())};
}

std::vector<std::size_t> position(const rapidjson::Value& document, std::string_view pointer) {
    std::vector<std::size_t> out;
    const rapidjson::Value* at = &document;
    while (at != nullptr && !pointer.empty()) {
        pointer.remove_prefix(1);
        const std::string_view token = pointer.substr(0, pointer.find('/'));
        pointer.remove_prefix(token.size());
        const auto [next, index] = step(*at, token);
        out.push_back(index);
        at = next;
    }
    return out;
}

bool below(std::string_view pointer, std::string_view ancestor) {
    return pointer.size() > ancestor.size() && pointer.substr(0, ancestor.size()) == ancestor && pointer[ancestor.size()] == '/';
}

} // namespace

std::string child(std::string_view pointer, std::string_view name) {
    std::string out{pointer};
    out += '/';
    for (const char c : name) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

std::string child(std::string_view pointer, std::size_t index) {
    return std::string{pointer} + "/" + std::to_string(index);
}

void Findings::add(Violation violation) {
    if (!full()) {
        kept_.push_back(std::move(violation));
        return;
    }
    (violation.warning ? lost_warning_ : lost_error_) = true;
}

void Findings::add(const std::vector<Violation>& violations, std::string_view pointer_prefix) {
    for (const Violation& v : violations)
        add({std::string{pointer_prefix} + v.pointer, v.message, v.warning});
}

bool Findings::error_within(std::string_view pointer) const {
    return std::any_of(kept_.begin(), kept_.end(),
                       [&](const Violation& v) { return !v.warning && (v.pointer == pointer || below(v.pointer, pointer)); });
}

void Findings::forget_below(std::string_view pointer) {
    kept_.erase(std::remove_if(kept_.begin(), kept_.end(), [&](const Violation& v) { return below(v.pointer, pointer); }), kept_.end());
}

std::vector<Violation> Findings::take(const rapidjson::Value& document) && {
    struct Placed {
        std::vector<std::size_t> position;
        Violation violation;
    };
    std::vector<Placed> placed;
    placed.reserve(kept_.size());
    for (Violation& v : kept_) {
        const bool known = std::any_of(placed.begin(), placed.end(),
                                       [&](const Placed& p) { return p.violation.pointer == v.pointer && p.violation.message == v.message; });
        if (known) continue;
        std::vector<std::size_t> at = position(document, v.pointer);
        placed.push_back({std::move(at), std::move(v)});
    }
    std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) { return a.position < b.position; });
    std::vector<Violation> out;
    out.reserve(placed.size() + 1);
    for (Placed& p : placed)
        out.push_back(std::move(p.violation));
    if (lost_error_ || lost_warning_)
        out.push_back({"", "only the first " + std::to_string(max_violations) + " violations are shown; mend these first", !lost_error_});
    return out;
}

bool has_error(const std::vector<Violation>& violations) {
    return std::any_of(violations.begin(), violations.end(), [](const Violation& v) { return !v.warning; });
}

} // namespace fluxgate::config
