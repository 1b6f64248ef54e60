#include "core/path_template.hpp"

#include "config/names.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace fluxgate::core {
namespace {

Error bad(const std::string& what) {
    return {Errc::configuration, what};
}

bool is_name_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

std::string as_name(std::string_view value) {
    std::string out{value};
    if (out.find_first_not_of('.') == std::string::npos) out.assign(std::max<std::size_t>(out.size(), 1), '_');
    for (char& c : out) {
        if (!is_name_char(c)) c = '_';
    }
    return out;
}

std::string compact_time(std::string_view rfc3339) {
    std::string out{rfc3339.empty() ? "none" : rfc3339};
    std::erase_if(out, [](char c) { return c == '-' || c == ':'; });
    return as_name(out);
}

std::string padded(int value, int width) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%0*d", width, value);
    return text.data();
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

// `shape` is the template with 'x' for each variable: its components are those of what it renders to.
Result<void> check_shape(std::string_view shape) {
    if (shape.empty()) return bad("the template is empty; give at least a file name");
    if (shape.front() == '/') return bad("an absolute path was found; the path is taken below rootDirectory, so remove the leading /");
    for (std::size_t begin = 0; begin <= shape.size();) {
        const std::size_t end = std::min(shape.find('/', begin), shape.size());
        const std::string_view component = shape.substr(begin, end - begin);
        if (component.empty()) return bad("an empty name was found (// or a / at the end); each component needs a name");
        if (component == "." || component == "..")
            return bad("the component \"" + std::string{component} + "\" was found; the path must stay below rootDirectory");
        begin = end + 1;
    }
    const bool control = std::any_of(shape.begin(), shape.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (control) return bad("a control character was found; names of files are printable text");
    return {};
}

} // namespace

const std::vector<PathTemplate::Name>& PathTemplate::names() {
    static const std::vector<Name> all{{"pipelineId", Variable::pipeline_id},
                                       {"instanceId", Variable::instance_id},
                                       {"partitionId", Variable::partition_id},
                                       {"YYYY", Variable::year},
                                       {"MM", Variable::month},
                                       {"DD", Variable::day},
                                       {"HH", Variable::hour},
                                       {"mm", Variable::minute},
                                       {"fileNumber", Variable::file_number},
                                       {"windowStart", Variable::window_start},
                                       {"windowStop", Variable::window_stop}};
    return all;
}

Result<PathTemplate::Variable> PathTemplate::variable_of(std::string_view name) {
    std::vector<std::string_view> known;
    for (const Name& one : names()) {
        if (one.text == name) return one.variable;
        known.push_back(one.text);
    }
    return bad("unknown variable {{" + std::string{name} + "}}" + config::name_hint(name, known, "known are"));
}

Result<PathTemplate> PathTemplate::compile(std::string_view text) {
    PathTemplate made;
    std::string shape;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = std::min(text.find("{{", at), text.size());
        if (open > at) {
            const std::string_view literal = text.substr(at, open - at);
            if (literal.find("}}") != std::string_view::npos) return bad("}} without {{ before it, after position " + std::to_string(at));
            made.parts_.push_back({Variable::literal, std::string{literal}});
            shape += literal;
        }
        if (open == text.size()) break;
        const bool triple = text.substr(open, 3) == "{{{";
        const std::string_view closing = triple ? "}}}" : "}}";
        const std::size_t close = text.find(closing, open);
        if (close == std::string_view::npos) return bad("{{ at position " + std::to_string(open) + " has no " + std::string{closing});
        const std::size_t begin = open + closing.size();
        const Result<Variable> variable = variable_of(trimmed(text.substr(begin, close - begin)));
        if (!variable.ok()) return variable.error();
        made.parts_.push_back({*variable, {}});
        made.windowed_ = made.windowed_ || *variable == Variable::window_start || *variable == Variable::window_stop;
        made.numbered_ = made.numbered_ || *variable == Variable::file_number;
        shape += 'x';
        at = close + closing.size();
    }
    if (Result<void> proper = check_shape(shape); !proper.ok()) return proper.error();
    return made;
}

std::string PathTemplate::render(const PathValues& values, std::uint64_t file_number) const {
    constexpr std::int64_t second = 1'000'000'000;
    const std::time_t seconds = static_cast<std::time_t>(values.wall_ns / second);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::string out;
    for (const Part& part : parts_) {
        switch (part.variable) {
        case Variable::literal: out += part.literal; break;
        case Variable::pipeline_id: out += as_name(values.pipeline_id); break;
        case Variable::instance_id: out += as_name(values.instance_id); break;
        case Variable::partition_id: out += std::to_string(values.partition_id); break;
        case Variable::year: out += padded(utc.tm_year + 1900, 4); break;
        case Variable::month: out += padded(utc.tm_mon + 1, 2); break;
        case Variable::day: out += padded(utc.tm_mday, 2); break;
        case Variable::hour: out += padded(utc.tm_hour, 2); break;
        case Variable::minute: out += padded(utc.tm_min, 2); break;
        case Variable::window_start: out += compact_time(values.window_start); break;
        case Variable::window_stop: out += compact_time(values.window_stop); break;
        case Variable::file_number: out += std::to_string(file_number); break;
        }
    }
    if (!numbered_ && file_number > 0) {
        const std::size_t slash = out.rfind('/');
        const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
        const std::size_t dot = out.rfind('.');
        std::string suffix{"-"};
        suffix += std::to_string(file_number);
        out.insert(dot != std::string::npos && dot > name ? dot : out.size(), suffix);
    }
    return out;
}

} // namespace fluxgate::core
