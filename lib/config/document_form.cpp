#include "config/document_form.hpp"

#include <utility>

namespace fluxgate::config {

using rapidjson::Value;

const Value* member_of(const Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

Value* member_of(Value& object, const char* name) {
    return const_cast<Value*>(member_of(std::as_const(object), name)); // of an object that is not const
}

std::span<Value::Member> members_of(Value& object) {
    if (object.MemberCount() == 0) return {};
    return {&*object.MemberBegin(), object.MemberCount()};
}

const Value* object_member_of(const Value& object, const char* name) {
    const Value* value = member_of(object, name);
    return value != nullptr && value->IsObject() ? value : nullptr;
}

std::string text_of(const Value* value) {
    return value != nullptr && value->IsString() ? std::string{value->GetString(), value->GetStringLength()} : std::string{};
}

DocumentForm form_of(const Value& root, const StageCatalog& catalog) {
    // A resource of Kubernetes says so; a pipeline's own fields are ignored beside these.
    const bool resource = member_of(root, "apiVersion") != nullptr && member_of(root, "kind") != nullptr;
    if (member_of(root, "input") != nullptr || member_of(root, "stages") != nullptr) return {&root, "", false, resource};
    const std::string type = text_of(member_of(root, "type"));
    // A resource has a type of its own; a stage's is known, or at least looks like one.
    if (type.rfind("input/", 0) == 0 || (!type.empty() && catalog.kind_of(type))) return {&root, "", true, false};
    if (const Value* inside = object_member_of(root, "properties")) return {inside, "/properties", false, true};
    if (const Value* inside = object_member_of(root, "spec")) return {inside, "/spec", false, true};
    return {&root, "", !type.empty(), false};
}

} // namespace fluxgate::config
