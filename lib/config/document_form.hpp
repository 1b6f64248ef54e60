// The three forms of a document, and where in it the pipeline stands.
#pragma once

#include "config/pipeline_document.hpp"

#include <rapidjson/document.h>

#include <span>
#include <string>

namespace fluxgate::config {

struct DocumentForm {
    const rapidjson::Value* properties = nullptr; // the pipeline, or with `bare` the source itself
    std::string pointer;                          // of `properties`
    bool bare = false;
    bool wrapped = false; // inside {"properties": ...} or a resource: exported by a tool
};

// `root` is an object.
[[nodiscard]] DocumentForm form_of(const rapidjson::Value& root, const StageCatalog& catalog);

// None when the value is no object or has no such member.
[[nodiscard]] const rapidjson::Value* member_of(const rapidjson::Value& object, const char* name);
[[nodiscard]] rapidjson::Value* member_of(rapidjson::Value& object, const char* name);
// The members of an object, to be changed in place: where RapidJSON's iterators are not const, C++20 calls comparing them ambiguous.
[[nodiscard]] std::span<rapidjson::Value::Member> members_of(rapidjson::Value& object);
// The same, and none when the member is no object.
[[nodiscard]] const rapidjson::Value* object_member_of(const rapidjson::Value& object, const char* name);
// "" for what is no string.
[[nodiscard]] std::string text_of(const rapidjson::Value* value);

} // namespace fluxgate::config
