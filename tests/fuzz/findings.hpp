// What the targets for documents demand of violations.
#pragma once

#include "config/findings.hpp"
#include "input.hpp"

#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string_view>
#include <vector>

namespace fluxgate::fuzz {

inline bool is_utf8(std::string_view text) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator, rapidjson::kWriteValidateEncodingFlag>
        writer{buffer};
    return writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

// Each says something, in one line of UTF-8, at a JSON pointer.
inline void judge_violations(const std::vector<config::Violation>& violations) {
    demand(violations.size() <= config::max_violations + 1, "violations are bounded");
    for (const config::Violation& v : violations) {
        demand(!v.message.empty(), "a violation says something");
        demand(v.pointer.empty() || v.pointer.front() == '/', "a violation stands at a JSON pointer");
        if (!is_utf8(v.message) || !is_utf8(v.pointer)) broken("a violation is valid UTF-8", v.pointer + " " + v.message);
        if (v.message.find('\n') != std::string::npos) broken("a violation is one line", v.message);
    }
}

} // namespace fluxgate::fuzz
