#include "config/reading.hpp"

#include "config/document_form.hpp"
#include "config/findings.hpp"
#include "config/names.hpp"
#include "config/schema_check.hpp"
#include "config/show.hpp"

#include <algorithm>
#include <charconv>

namespace fluxgate::config {

namespace {

using rapidjson::Value;

JsonText parse(std::string_view text, const StageCatalog& catalog, bool comments) {
    JsonText strict = parse_json(text);
    if (strict.parsed) return strict;
    JsonText loose = parse_jsonc(text);
    if (!comments) {
        if (loose.parsed) strict.violations.front().message += "; comments, and a comma behind the last member, are not taken here";
        return strict;
    }
    if (!loose.parsed || !loose.dom.IsObject() || !form_of(loose.dom, catalog).wrapped) return loose;
    strict.violations.front().message += "; a document that a tool exported is strict JSON: comments, and a comma behind the last member, are for "
                                         "hand-written documents, which stand in no \"properties\" or \"spec\"";
    return strict;
}

// Puts the members of the patch into the source's object.
class Patching {
public:
    Patching(PreparedDocument& out, const StageCatalog& catalog, const SourcePatch& patch) : out_{out}, catalog_{catalog}, patch_{patch} {}

    void run() {
        rapidjson::Document& root = out_.json.dom;
        const DocumentForm form = form_of(root, catalog_);
        Value& properties = form.pointer.empty() ? root : root[form.pointer.c_str() + 1];
        const std::string pointer = form.bare ? form.pointer : child(form.pointer, "input");
        Value* source = &properties;
        if (!form.bare) {
            source = member_of(properties, "input");
            if (source != nullptr && !source->IsObject()) source = nullptr;
        }
        if (source == nullptr) return; // a fault of the document, which is named later
        const std::string type = text_of(member_of(*source, "type"));
        if (type != patch_.type) {
            out_.json.violations.push_back(
                {child(pointer, "type"), patch_.from + " fits a source of the type " + quoted(patch_.type) + " only; found " + quoted(type), false});
            return;
        }
        put(*source, pointer);
    }

private:
    void put(Value& source, const std::string& pointer) {
        const JsonText patch = parse_json(patch_.members);
        auto& allocator = out_.json.dom.GetAllocator();
        std::vector<std::string> replaced;
        for (const auto& member : patch.dom.GetObject()) {
            const std::string name = text_of(&member.name);
            const Value* had = member_of(source, name.c_str());
            if (had != nullptr && *had != member.value) replaced.push_back(name);
            while (source.HasMember(name.c_str()))
                source.RemoveMember(name.c_str());
            if (!member.value.IsNull()) source.AddMember(Value{name.c_str(), allocator}, Value{member.value, allocator}, allocator);
            out_.origins.push_back({child(pointer, name), patch_.from});
        }
        if (replaced.empty()) return;
        const std::vector<std::string_view> names{replaced.begin(), replaced.end()};
        out_.json.violations.push_back({pointer, patch_.from + " replaces what the document says in " + quoted_list(names), true});
    }

    PreparedDocument& out_;
    const StageCatalog& catalog_;
    const SourcePatch& patch_;
};

std::vector<std::string_view> types_of(const Value& schema) {
    std::vector<std::string_view> out;
    const Value* type = member_of(schema, "type");
    if (type != nullptr && type->IsString()) out.emplace_back(type->GetString(), type->GetStringLength());
    if (type != nullptr && type->IsArray())
        for (const Value& one : type->GetArray())
            if (one.IsString()) out.emplace_back(one.GetString(), one.GetStringLength());
    return out;
}

bool has(const std::vector<std::string_view>& types, std::string_view type) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

// The text as a value of one of the types, or none. A string is what is left when nothing else fits.
std::optional<Value> converted(const std::string& text, const std::vector<std::string_view>& types) {
    if (has(types, "boolean") && (text == "true" || text == "false")) return Value{text == "true"};
    if (has(types, "integer") || has(types, "number")) {
        const JsonText number = parse_json(text);
        const bool digits = !text.empty() && (text.front() == '-' || (text.front() >= '0' && text.front() <= '9')) && text.back() > ' ';
        if (digits && number.parsed) {
            if (number.dom.IsInt64()) return Value{number.dom.GetInt64()};
            if (number.dom.IsUint64()) return Value{number.dom.GetUint64()};
            if (number.dom.IsDouble() && has(types, "number")) return Value{number.dom.GetDouble()};
        }
    }
    return std::nullopt;
}

std::string bytes_of(std::string_view text) {
    return std::to_string(text.size()) + (text.size() == 1 ? " byte" : " bytes");
}

std::string source_of(const Reference& reference) {
    return reference.defaulted ? "the default of ${" + reference.name + ":-" + reference.default_text + "}"
                               : "the environment variable " + reference.name;
}

// Puts the values of variables into the strings.
class Resolving {
public:
    Resolving(PreparedDocument& out, const StageCatalog& catalog, const Variables& variables) : out_{out}, catalog_{catalog}, variables_{variables} {}

    void run() {
        const std::vector<Origin> patched = out_.origins;
        const auto is_patched = [&patched](const std::string& pointer) {
            return std::any_of(patched.begin(), patched.end(), [&](const Origin& o) {
                return pointer == o.pointer || (pointer.compare(0, o.pointer.size(), o.pointer) == 0 && pointer[o.pointer.size()] == '/');
            });
        };
        visit_strings(out_.json.dom, catalog_, [&](Value& string, const Value& schema, const std::string& pointer, bool secret) {
            const std::string_view text{string.GetString(), string.GetStringLength()};
            if (!has_reference(text) || is_patched(pointer)) return;
            if (secret)
                fault(pointer,
                      "a reference to the environment is not expanded here: a document names a secret, and the secret is looked up as a file "
                      "or an environment variable of that name; write the name alone, as \"INFLUX_TOKEN\"");
            else
                resolve(string, text, schema, pointer);
        });
    }

private:
    void fault(const std::string& pointer, std::string message) {
        out_.json.violations.push_back({pointer, std::move(message), false});
        out_.faulty.push_back(pointer);
    }

    void resolve(Value& string, std::string_view text, const Value& schema, const std::string& pointer) {
        Expansion made = expand_references(text, variables_, room_);
        if (!made.problem.empty()) return fault(pointer, std::move(made.problem));
        room_ -= std::min(room_, made.text.size());
        const std::vector<std::string_view> types = types_of(schema);
        const bool may_be_text = types.empty() || has(types, "string");
        auto value = made.whole ? converted(made.text, types) : std::nullopt;
        if (!value && !may_be_text) {
            if (!made.whole) return fault(pointer, "must be " + allowed_by(schema) + "; a reference becomes one only when it is all of the string");
            const Reference& only = made.references.front();
            return fault(pointer, "must be " + allowed_by(schema) + "; the " +
                                      (only.defaulted ? "default of ${" + only.name + "}" : "environment variable " + only.name) +
                                      " gives something else (" + bytes_of(made.text) + ", not shown)");
        }
        if (value)
            string = std::move(*value);
        else
            string.SetString(made.text.c_str(), static_cast<rapidjson::SizeType>(made.text.size()), out_.json.dom.GetAllocator());
        remember(made, pointer);
    }

    void remember(const Expansion& made, const std::string& pointer) {
        if (made.references.empty()) return; // $${ alone
        HiddenValue hidden{pointer, {}, made.text, {}};
        std::string from;
        for (const Reference& reference : made.references) {
            from += (from.empty() ? "" : ", ") + source_of(reference);
            if (reference.defaulted) continue; // stands in the document
            hidden.written += (hidden.written.empty() ? "${" : " and ${") + reference.name + "}";
            hidden.values.push_back(reference.value);
        }
        out_.origins.push_back({pointer, std::move(from)});
        if (!hidden.values.empty()) out_.hidden.push_back(std::move(hidden));
    }

    PreparedDocument& out_;
    const StageCatalog& catalog_;
    const Variables& variables_;
    std::size_t room_ = max_document_bytes; // for values, in all of the document
};

} // namespace

PreparedDocument prepare_document(std::string_view text, const StageCatalog& catalog, const Reading& reading) {
    PreparedDocument out{parse(text, catalog, reading.comments), {}, {}, {}};
    if (!out.json.parsed || !out.json.dom.IsObject()) return out;
    if (reading.source) Patching{out, catalog, *reading.source}.run();
    if (reading.variables) Resolving{out, catalog, reading.variables}.run();
    return out;
}

} // namespace fluxgate::config
