// Values of a document in messages for people: short, one line, and silent about what may be a secret.
#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>

namespace fluxgate::config {

// A string as JSON, in quotes, cut to about 60 characters; control characters are escaped.
[[nodiscard]] std::string quoted(std::string_view text);

// "a string", "an integer", "a number", "a boolean", "an object", "an array", "null".
[[nodiscard]] std::string_view type_name(const rapidjson::Value& value);

// `"abc" (a string)`, `443 (an integer)`, `an object with 2 fields`. A hidden value shows its type only.
[[nodiscard]] std::string show(const rapidjson::Value& value, bool hidden = false);

// Whether the name of a field says that its value, or what lies below it, may be a secret.
[[nodiscard]] bool may_hold_secret(std::string_view field);

} // namespace fluxgate::config
