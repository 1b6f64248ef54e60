// Paths into JSON text: any path and any text are read or refused; in text that is JSON a path finds what a DOM finds there.
// Input: mode, then a path up to a line feed and a text; by mode the path is made here of the bytes before the line feed.
#include "input.hpp"
#include "jsonpath/json_path.hpp"
#include "targets.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <optional>
#include <vector>

namespace fluxgate::fuzz::jsonpath {

namespace {

using fluxgate::jsonpath::JsonPath;
using rapidjson::Value;

struct Step {
    bool by_name = true;
    std::string name;
    std::int64_t index = 0;
};

std::vector<Step> steps_chosen_by(std::string_view bytes) {
    static constexpr const char* names[] = {"a", "b", "payload", "", "a b", "\"", "\xC3\xA9", "_x1"};
    std::vector<Step> steps;
    for (const char c : bytes.substr(0, 6)) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte % 3 == 0)
            steps.push_back({false, {}, byte / 3 % 9 - 4});
        else
            steps.push_back({true, names[byte / 3 % std::size(names)], 0});
    }
    return steps;
}

std::string path_of(const std::vector<Step>& steps) {
    if (steps.empty()) return ".";
    std::string out;
    for (const Step& step : steps) {
        if (!step.by_name) {
            out += (out.empty() ? ".[" : "[") + std::to_string(step.index) + "]";
            continue;
        }
        rapidjson::StringBuffer buffer;
        rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
        writer.String(step.name.data(), static_cast<rapidjson::SizeType>(step.name.size()));
        const std::string name{buffer.GetString(), buffer.GetSize()};
        out += step.name.size() % 2 != 0 ? "." + name : "[" + name + "]";
    }
    return out;
}

// jq's meaning of a path, on a DOM; nothing where it is an error.
std::optional<const Value*> by_dom(const Value& document, const std::vector<Step>& steps) {
    static const Value null;
    const Value* at = &document;
    for (const Step& step : steps) {
        if (at->IsNull()) {
            at = &null;
        } else if (step.by_name) {
            if (!at->IsObject()) return std::nullopt;
            const Value* found = &null;
            for (const auto& member : at->GetObject()) {
                if (std::string_view{member.name.GetString(), member.name.GetStringLength()} == step.name) found = &member.value;
            }
            at = found;
        } else {
            if (!at->IsArray()) return std::nullopt;
            const std::int64_t size = at->Size(), index = step.index < 0 ? step.index + size : step.index;
            at = index < 0 || index >= size ? &null : &(*at)[static_cast<rapidjson::SizeType>(index)];
        }
    }
    return at;
}

std::string canonical(const Value& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
    value.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

constexpr unsigned strict = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;

void same_as_dom(const std::vector<Step>& steps, std::string_view json) {
    const Result<JsonPath> path = JsonPath::compile(path_of(steps));
    if (!path.ok()) broken("a path of proper steps compiles", path_of(steps) + ": " + path.error().message);
    rapidjson::Document document;
    document.Parse<strict>(json.data(), json.size());
    const Result<std::string_view> found = path->find(json);
    if (document.HasParseError()) return;
    // RapidJSON skips any part of a byte order mark.
    if (!json.empty() && (json[0] == '\xEF' || json[0] == '\xBB' || json[0] == '\xBF')) return;
    const std::optional<const Value*> wanted = by_dom(document, steps);
    if (!found.ok()) {
        if (found.error().code == Errc::invalid_argument && json.size() > 1024) return; // nested deeper than is allowed
        if (wanted) broken("a path finds what is there", path_of(steps) + ": " + found.error().message);
        return;
    }
    demand(wanted.has_value(), "a path into a value of a wrong type is an error");
    rapidjson::Document value;
    value.Parse<strict>(found->data(), found->size());
    demand(!value.HasParseError(), "what a path finds is JSON");
    demand_equal(canonical(value), canonical(**wanted), "a path finds what a DOM finds");
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint8_t mode = input.byte();
    const std::string_view path = input.rest().substr(0, input.rest().find('\n'));
    const std::string_view json = input.rest().substr(std::min(path.size() + 1, input.rest().size()));
    if ((mode & 1) != 0) {
        same_as_dom(steps_chosen_by(path), json);
        return 0;
    }
    const Result<JsonPath> compiled = JsonPath::compile(path);
    if (!compiled.ok()) {
        demand(!compiled.error().message.empty(), "a path that is refused has a reason");
        return 0;
    }
    demand_equal(compiled->text(), path, "a path keeps its text");
    const Result<std::string_view> found = compiled->find(json);
    if (found.ok() && *found != "null")
        demand(found->data() >= json.data() && found->data() + found->size() <= json.data() + json.size(), "what a path finds lies in the text");
    return 0;
}

} // namespace fluxgate::fuzz::jsonpath
