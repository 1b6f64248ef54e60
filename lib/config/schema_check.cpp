#include "config/schema_check.hpp"

#include "config/formats.hpp"
#include "config/names.hpp"
#include "config/show.hpp"

#include <algorithm>
#include <optional>
#include <regex>
#include <string>
#include <unordered_set>

namespace fluxgate::config {

namespace {

using rapidjson::Value;

// std::regex recurses a character at a time: longer texts could exhaust the stack.
constexpr std::size_t longest_matched = 4096;

std::string_view view(const Value& text) {
    return {text.GetString(), text.GetStringLength()};
}

const Value* keyword(const Value& schema, const char* name) {
    const auto found = schema.FindMember(name);
    return found == schema.MemberEnd() ? nullptr : &found->value;
}

std::optional<double> bound(const Value& schema, const char* name) {
    const Value* value = keyword(schema, name);
    if (value == nullptr || !value->IsNumber()) return std::nullopt;
    return value->GetDouble();
}

bool is_integer(const Value& value) {
    return value.IsInt64() || value.IsUint64();
}

bool has_type(const Value& value, std::string_view type) {
    if (type == "object") return value.IsObject();
    if (type == "array") return value.IsArray();
    if (type == "string") return value.IsString();
    if (type == "boolean") return value.IsBool();
    if (type == "null") return value.IsNull();
    if (type == "integer") return is_integer(value);
    return type == "number" && value.IsNumber();
}

std::vector<std::string_view> types_of(const Value& schema) {
    std::vector<std::string_view> out;
    const Value* type = keyword(schema, "type");
    if (type != nullptr && type->IsString()) out.push_back(view(*type));
    if (type != nullptr && type->IsArray())
        for (const Value& one : type->GetArray())
            if (one.IsString()) out.push_back(view(one));
    return out;
}

std::string plain(const Value& value) {
    return value.IsString() ? quoted(view(value)) : to_text(value);
}

std::string number_text(const Value& schema, const char* name) {
    const Value* value = keyword(schema, name);
    return value == nullptr ? std::string{} : to_text(*value);
}

// " from 1 to 1024", " of at least 1", ...
std::string range_text(const Value& schema) {
    const std::string low = number_text(schema, "minimum"), high = number_text(schema, "maximum"), above = number_text(schema, "exclusiveMinimum");
    if (!low.empty() && !high.empty()) return " from " + low + " to " + high;
    std::string out;
    if (!low.empty()) out += " of at least " + low;
    if (!above.empty()) out += " greater than " + above;
    if (!high.empty()) out += (out.empty() ? " of at most " : " and at most ") + high;
    return out;
}

std::string length_text(const Value& schema, const char* least, const char* most, std::string_view unit) {
    const std::string low = number_text(schema, least), high = number_text(schema, most);
    std::string out;
    if (low == "1")
        out += " that is not empty";
    else if (!low.empty())
        out += " of at least " + low + " " + std::string{unit};
    if (!high.empty()) out += (out.empty() ? " of at most " : " and has at most ") + high + " " + std::string{unit};
    return out;
}

std::string allowed_type(std::string_view type, const Value& schema) {
    if (type == "integer") return "an integer" + range_text(schema);
    if (type == "number") return "a number" + range_text(schema);
    if (type == "array") return "an array" + length_text(schema, "minItems", "maxItems", "elements");
    if (type == "object") return "an object";
    if (type == "boolean") return "true or false";
    if (type == "null") return "null";
    std::string out = "a string" + length_text(schema, "minLength", "maxLength", "characters");
    if (const Value* pattern = keyword(schema, "pattern"); pattern != nullptr && pattern->IsString()) out += " matching " + quoted(view(*pattern));
    return out;
}

// What a schema permits, as it follows "must be".
std::string allowed(const Value& schema) {
    if (!schema.IsObject()) return "any value";
    if (const Value* constant = keyword(schema, "const")) return plain(*constant);
    if (const Value* values = keyword(schema, "enum"); values != nullptr && values->IsArray()) {
        std::string out = values->Size() > 1 ? "one of " : "";
        for (rapidjson::SizeType i = 0; i < values->Size(); ++i)
            out += (i == 0 ? "" : ", ") + plain((*values)[i]);
        return out;
    }
    // What the format permits does not depend on the value; the text is borrowed from a judgement of "".
    if (const auto format = judge_format(Value{""}, schema)) return format->allowed;
    std::string out;
    for (const std::string_view type : types_of(schema))
        out += (out.empty() ? "" : " or ") + allowed_type(type, schema);
    return out.empty() ? "any value" : out;
}

bool equals_one_of(const Value& value, const Value& values) {
    return std::any_of(values.Begin(), values.End(), [&](const Value& one) { return one == value; });
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

bool within(double count, const Value& schema, const char* least, const char* most) {
    const auto low = bound(schema, least), high = bound(schema, most);
    return (!low || count >= *low) && (!high || count <= *high);
}

bool matches(std::string_view text, const Value& schema) {
    const Value* pattern = keyword(schema, "pattern");
    if (pattern == nullptr || !pattern->IsString()) return true;
    if (text.size() > longest_matched) return false;
    return std::regex_search(text.begin(), text.end(), std::regex{pattern->GetString(), pattern->GetStringLength()});
}

// Whether a value of a permitted type has a permitted size and shape; what lies inside it is judged apart.
bool permitted(const Value& value, const Value& schema) {
    if (value.IsNumber()) {
        const auto above = bound(schema, "exclusiveMinimum");
        return within(value.GetDouble(), schema, "minimum", "maximum") && (!above || value.GetDouble() > *above);
    }
    if (value.IsString()) {
        const std::string_view text = view(value);
        return within(static_cast<double>(characters(text)), schema, "minLength", "maxLength") && matches(text, schema);
    }
    return !value.IsArray() || within(value.Size(), schema, "minItems", "maxItems");
}

class Walk {
public:
    explicit Walk(Findings& findings) : findings_{findings} {}

    void value(const Value& value, const Value& schema, const std::string& pointer, bool hidden) {
        if (!schema.IsObject() || findings_.full()) return;
        const Value* secret = keyword(schema, "writeOnly");
        hidden = hidden || (secret != nullptr && secret->IsTrue());
        if (const Value* refused = keyword(schema, "not"); refused != nullptr && refused->IsObject() && refused->ObjectEmpty()) {
            findings_.error(pointer, "this field is not supported by this stage; remove it (found " + show(value, hidden) + ")");
            return;
        }
        if (!own_value(value, schema, pointer, hidden)) return;
        if (value.IsObject()) object(value, schema, pointer, hidden);
        if (value.IsArray()) array(value, schema, pointer, hidden);
    }

private:
    void mismatch(const Value& value, const Value& schema, const std::string& pointer, bool hidden, const std::string& reason = {}) {
        findings_.error(pointer, "must be " + allowed(schema) + "; found " + show(value, hidden) + (reason.empty() ? "" : ": " + reason));
    }

    // The value without what lies inside it: at most one violation.
    bool own_value(const Value& value, const Value& schema, const std::string& pointer, bool hidden) {
        const auto types = types_of(schema);
        const Value* constant = keyword(schema, "const");
        const Value* values = keyword(schema, "enum");
        bool good = types.empty() || std::any_of(types.begin(), types.end(), [&](std::string_view type) { return has_type(value, type); });
        good = good && (constant == nullptr || *constant == value);
        good = good && (values == nullptr || !values->IsArray() || equals_one_of(value, *values));
        if (good) {
            if (const auto format = judge_format(value, schema)) {
                if (!format->reason.empty()) mismatch(value, schema, pointer, hidden, format->reason);
                return format->reason.empty();
            }
            good = permitted(value, schema);
        }
        if (!good) mismatch(value, schema, pointer, hidden);
        return good;
    }

    void array(const Value& value, const Value& schema, const std::string& pointer, bool hidden) {
        const Value* items = keyword(schema, "items");
        if (items == nullptr) return;
        for (rapidjson::SizeType i = 0; i < value.Size(); ++i)
            this->value(value[i], *items, child(pointer, i), hidden);
    }

    void object(const Value& value, const Value& schema, const std::string& pointer, bool hidden) {
        static const Value none{rapidjson::kObjectType};
        const Value* given = keyword(schema, "properties");
        const Value& properties = given != nullptr && given->IsObject() ? *given : none;
        const Value* additional = keyword(schema, "additionalProperties");
        std::unordered_set<std::string_view> seen; // of a name given twice the first counts, as FindMember has it
        std::vector<std::string_view> known, unknown;
        for (const auto& property : properties.GetObject())
            known.push_back(view(property.name));
        for (const auto& member : value.GetObject()) {
            const std::string_view name = view(member.name);
            if (!seen.insert(name).second) continue;
            const auto property = properties.FindMember(member.name);
            const bool secret = hidden || may_hold_secret(name);
            if (property != properties.MemberEnd()) {
                this->value(member.value, property->value, child(pointer, name), secret);
            } else if (additional != nullptr && additional->IsFalse()) {
                if (findings_.full()) return;
                findings_.error(child(pointer, name), "unknown field " + quoted(name) + name_hint(name, known, "known fields"));
            } else {
                unknown.push_back(name);
                if (additional != nullptr) this->value(member.value, *additional, child(pointer, name), secret);
            }
        }
        required(value, schema, properties, unknown, pointer);
    }

    void required(const Value& value, const Value& schema, const Value& properties, const std::vector<std::string_view>& unknown,
                  const std::string& pointer) {
        const Value* names = keyword(schema, "required");
        if (names == nullptr || !names->IsArray()) return;
        for (const Value& name : names->GetArray()) {
            if (!name.IsString() || value.HasMember(name)) continue;
            std::string message = "the required field " + quoted(view(name)) + " is missing";
            if (const auto property = properties.FindMember(name); property != properties.MemberEnd())
                message += "; it must be " + allowed(property->value);
            if (const std::string_view near = nearest_name(view(name), unknown); !near.empty())
                message += "; is " + quoted(near) + " meant to be it?";
            findings_.error(child(pointer, view(name)), std::move(message));
        }
    }

    Findings& findings_;
};

} // namespace

std::string allowed_by(const Value& schema) {
    return allowed(schema);
}

std::vector<Violation> check_schema(const Value& value, std::string_view schema_text) {
    const JsonText schema = parse_json(schema_text);
    if (!schema.parsed || !schema.dom.IsObject()) return {{"", "the schema is not a JSON object; this is a defect of the stage's plugin"}};
    Findings findings;
    try {
        Walk{findings}.value(value, schema.dom, "", false);
    } catch (const std::regex_error& problem) {
        return {{"", std::string{"the schema has a pattern that is no regular expression: "} + problem.what()}};
    }
    std::vector<Violation> found = std::move(findings).take(value);
    if (!found.empty()) return found;
    Findings judged;
    judged.add(judge_schema(value, schema.dom));
    return std::move(judged).take(value);
}

JsonText check_text(std::string_view text, std::string_view schema_text) {
    JsonText out = parse_json(text);
    if (!out.parsed) return out;
    Findings findings;
    findings.add(out.violations);
    findings.add(check_schema(out.dom, schema_text));
    out.violations = std::move(findings).take(out.dom);
    return out;
}

} // namespace fluxgate::config
