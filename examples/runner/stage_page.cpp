#include "stage_page.hpp"

#include "config/json_text.hpp"

#include <rapidjson/document.h>

#include <string>

namespace fluxgate::runner {

namespace {

using rapidjson::Value;

const Value* member(const Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string text_of(const Value* value) {
    return value != nullptr && value->IsString() ? std::string{value->GetString(), value->GetStringLength()} : std::string{};
}

// A cell of a table; a bar would end it.
std::string cell(std::string text) {
    for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2))
        text.insert(at, "\\");
    for (char& c : text)
        if (c == '\n') c = ' ';
    return text;
}

std::string code(const Value& value) {
    const std::string json = config::to_text(value);
    const bool plain = value.IsString() && json.find('\\') == std::string::npos;
    return "`" + (plain ? json.substr(1, json.size() - 2) : json) + "`";
}

std::string list_of(const Value& array) {
    std::string out;
    for (const Value& one : array.GetArray())
        out += (out.empty() ? "" : ", ") + code(one);
    return out;
}

bool contains(const Value* array, const std::string& name) {
    if (array == nullptr || !array->IsArray()) return false;
    for (const Value& one : array->GetArray())
        if (one.IsString() && name == one.GetString()) return true;
    return false;
}

void add(std::string& out, const std::string& more) {
    if (!more.empty()) out += (out.empty() ? "" : ", ") + more;
}

// What a value may be: its type, bounds and form.
std::string values_of(const Value& schema) {
    if (const Value* fixed = member(schema, "const")) return code(*fixed);
    if (const Value* words = member(schema, "enum"); words != nullptr && words->IsArray()) return list_of(*words);
    if (member(schema, "not") != nullptr) return "not allowed";
    std::string out;
    if (const std::string format = text_of(member(schema, "format")); format == "go-duration")
        add(out, "duration");
    else if (format == "byte-size")
        add(out, "size");
    else if (!format.empty())
        add(out, format);
    else if (const Value* type = member(schema, "type"); type != nullptr && type->IsArray())
        for (const Value& one : type->GetArray())
            add(out, text_of(&one));
    else
        add(out, text_of(type));
    for (const auto& [name, before] :
         {std::pair{"minimum", "from "}, std::pair{"formatMinimum", "from "}, std::pair{"exclusiveMinimum", "more than "},
          std::pair{"formatExclusiveMinimum", "more than "}, std::pair{"maximum", "to "}, std::pair{"formatMaximum", "to "},
          std::pair{"minItems", "items from "}, std::pair{"maxItems", "items to "}, std::pair{"pattern", "matching "}})
        if (const Value* bound = member(schema, name)) add(out, before + code(*bound));
    return out;
}

void rows(std::string& out, const Value& schema, const std::string& prefix) {
    const Value* properties = member(schema, "properties");
    if (properties == nullptr || !properties->IsObject()) return;
    for (const auto& entry : properties->GetObject()) {
        const std::string name{entry.name.GetString(), entry.name.GetStringLength()};
        const Value* fallback = member(entry.value, "default");
        const std::string otherwise = contains(member(schema, "required"), name) ? "required" : fallback != nullptr ? code(*fallback) : "";
        std::string meaning = text_of(member(entry.value, "description"));
        if (const Value* examples = member(entry.value, "examples");
            examples != nullptr && examples->IsArray() && !examples->Empty() && member(entry.value, "properties") == nullptr &&
            member(entry.value, "const") == nullptr && member(entry.value, "enum") == nullptr)
            meaning += " E.g. " + list_of(*examples) + ".";
        out.append("| `").append(prefix).append(name).append("` | ").append(cell(values_of(entry.value))).append(" | ").append(cell(otherwise));
        out.append(" | ").append(cell(meaning)).append(" |\n");
        rows(out, entry.value, prefix + name + ".");
        if (const Value* items = member(entry.value, "items")) rows(out, *items, prefix + name + "[].");
    }
}

} // namespace

Result<std::string> stage_page(const StageTypeInfo& type) {
    const config::JsonText schema = config::parse_json(type.schema);
    if (!schema.parsed) return Error{Errc::corrupt, "the schema of " + type.name + " is no JSON, so there is no page of it"};
    std::string out = "<!-- Made by `fluxgate docs stage " + type.name + "` from the type's schema; change that. -->\n# " + type.name + "\n\n" +
                      text_of(member(schema.dom, "description")) + "\n\n| setting | values | default | meaning |\n|---|---|---|---|\n";
    rows(out, schema.dom, "");
    return out;
}

} // namespace fluxgate::runner
