// Which strings of a document may hold references: decided by the schemas.
#include "config/document_form.hpp"
#include "config/findings.hpp"
#include "config/reading.hpp"
#include "pipeline_schema.hpp"

namespace fluxgate::config {

namespace {

using rapidjson::Value;

bool says(const Value& schema, const char* keyword) {
    const Value* value = member_of(schema, keyword);
    return value != nullptr && value->IsTrue();
}

const Value* property_of(const Value& schema, const Value& name) {
    const Value* properties = object_member_of(schema, "properties");
    if (properties != nullptr)
        if (const auto found = properties->FindMember(name); found != properties->MemberEnd()) return &found->value;
    return nullptr;
}

class Visit {
public:
    Visit(rapidjson::Document& root, const StageCatalog& catalog, const StringVisitor& visit)
        : root_{root}, catalog_{catalog}, visit_{visit}, pipeline_{parse_json(embedded::pipeline)} {}

    void run() {
        const DocumentForm form = form_of(root_, catalog_);
        Value& properties = form.pointer.empty() ? root_ : root_[form.pointer.c_str() + 1];
        if (form.bare) return bare(properties, form.pointer);
        for (auto& member : members_of(properties)) {
            const std::string name = text_of(&member.name), at = child(form.pointer, name);
            const Value* schema = property_of(pipeline_.dom, member.name);
            if (schema == nullptr) continue; // ignored by the pipeline too
            if (name == "input" && member.value.IsObject()) {
                stage(member.value, *schema, at);
            } else if (name == "stages" && member.value.IsObject()) {
                const Value* each = object_member_of(*schema, "additionalProperties");
                for (auto& one : members_of(member.value))
                    if (one.value.IsObject()) stage(one.value, *each, child(at, text_of(&one.name)));
            } else {
                value(member.value, *schema, at, false);
            }
        }
    }

private:
    void bare(Value& source, const std::string& pointer) {
        const Value* schema = property_of(pipeline_.dom, Value{"input"});
        stage(source, *schema, pointer);
    }

    // `type` and `next` belong to the pipeline, the rest to the stage's type. The type comes first: it says which one.
    void stage(Value& object, const Value& common, const std::string& pointer) {
        if (Value* type = member_of(object, "type"))
            if (const Value* schema = property_of(common, Value{"type"})) value(*type, *schema, child(pointer, "type"), false);
        const JsonText own = parse_json(catalog_.schema_of(text_of(member_of(object, "type"))));
        for (auto& member : members_of(object)) {
            const std::string name = text_of(&member.name);
            if (name == "type") continue;
            const Value* schema = property_of(common, member.name);
            if (schema == nullptr && own.parsed) schema = property_of(own.dom, member.name);
            if (schema != nullptr) value(member.value, *schema, child(pointer, name), false);
        }
    }

    void value(Value& value, const Value& schema, const std::string& pointer, bool secret) {
        if (!schema.IsObject() || says(schema, "x-code")) return;
        secret = secret || says(schema, "writeOnly");
        if (value.IsString()) visit_(value, schema, pointer, secret);
        if (value.IsObject()) {
            const Value* others = object_member_of(schema, "additionalProperties");
            for (auto& member : members_of(value)) {
                const Value* inside = property_of(schema, member.name);
                if (inside == nullptr) inside = others;
                if (inside != nullptr) this->value(member.value, *inside, child(pointer, text_of(&member.name)), secret);
            }
        }
        if (!value.IsArray()) return;
        if (const Value* items = object_member_of(schema, "items"))
            for (rapidjson::SizeType i = 0; i < value.Size(); ++i)
                this->value(value[i], *items, child(pointer, i), secret);
    }

    rapidjson::Document& root_;
    const StageCatalog& catalog_;
    const StringVisitor& visit_;
    const JsonText pipeline_;
};

} // namespace

void visit_strings(rapidjson::Document& root, const StageCatalog& catalog, const StringVisitor& visit) {
    if (root.IsObject()) Visit{root, catalog, visit}.run();
}

} // namespace fluxgate::config
