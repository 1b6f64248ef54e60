// JSON text to a DOM: bounded, with places for people; strict unless it is asked to take comments.
#pragma once

#include "fluxgate/stage.hpp"

#include <rapidjson/document.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

using stage::Violation;

inline constexpr std::size_t max_document_bytes = 16u << 20;
inline constexpr std::size_t max_document_depth = 100; // objects and arrays inside each other

struct JsonText {
    rapidjson::Document dom;           // null when not `parsed`
    bool parsed = false;               // the text is JSON within the bounds
    std::vector<Violation> violations; // the parse error ("line 3, column 7: ..."), or every name given twice in an object
};

// RFC 8259 text in UTF-8; a byte order mark is skipped. Columns count bytes from 1.
[[nodiscard]] JsonText parse_json(std::string_view text);

// The same text as a person writes it (JSONC): `//` and `/* */` comments, and a comma behind the last member or element.
[[nodiscard]] JsonText parse_jsonc(std::string_view text);

// The value as JSON text without white space.
[[nodiscard]] std::string to_text(const rapidjson::Value& value);

} // namespace fluxgate::config
