// A document against a JSON Schema (draft 7), in words for people.
//
// Two readers look at the document. Our own walk knows the keywords of our schemas (type, const, enum, not {}, properties,
// required, additionalProperties, items, minItems, maxItems, minimum, maximum, exclusiveMinimum, minLength, maxLength,
// pattern, format) and says for each place what was found and what is allowed; valijson's own texts are about keywords
// ("Failed to match type"), come in no order, and know no near names. valijson is the judge: what our walk lets pass must pass
// there too, so that a schema with further keywords (another author's) is enforced as well, then in valijson's words.
#pragma once

#include "config/findings.hpp"
#include "config/json_text.hpp"

#include <rapidjson/document.h>

#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

// Every violation in document order, each once; a missing field has the pointer it would have. A value that may be a secret
// (`writeOnly` in the schema, or a name that says so) is never shown. A schema that cannot be used is a violation too.
[[nodiscard]] std::vector<Violation> check_schema(const rapidjson::Value& value, std::string_view schema_text);

// What a schema permits, as it follows "must be": "an integer from 1 to 65535".
[[nodiscard]] std::string allowed_by(const rapidjson::Value& schema);

// The judge alone: valijson's violations, [] when the value is valid. The innermost ones, with valijson's texts.
[[nodiscard]] std::vector<Violation> judge_schema(const rapidjson::Value& value, const rapidjson::Value& schema);

// Text to a checked DOM in one step: what parse_json and check_schema say together.
[[nodiscard]] JsonText check_text(std::string_view text, std::string_view schema_text);

} // namespace fluxgate::config
