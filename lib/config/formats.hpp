// The named formats of our schemas: texts whose meaning a type cannot say.
#pragma once

#include <rapidjson/document.h>

#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::config {

struct FormatVerdict {
    std::string allowed; // "a duration such as "5s", more than 0s"
    std::string reason;  // why the value is not; empty when it is
};

// Judges a value of a JSON type that the schema permits by the schema's `format`:
//   go-duration   duration.hpp           byte-size     byte_size.hpp
//   secret-name   the name of a secret   date-time     RFC 3339
//   time-or-past  RFC 3339, or '-' and a duration
// with formatMinimum, formatExclusiveMinimum and formatMaximum (in the format's own writing) for the first two. None
// for another or no format. Other validators take these formats for annotations.
[[nodiscard]] std::optional<FormatVerdict> judge_format(const rapidjson::Value& value, const rapidjson::Value& schema);

// RFC 3339 date-time with an upper-case T and Z or a numeric offset, any number of fraction digits, an existing day.
[[nodiscard]] bool is_rfc3339(std::string_view text);

} // namespace fluxgate::config
