// Pieces of JSON text that commands put together or take apart.
#pragma once

#include "fluxgate/stage.hpp"

#include <cstdint>
#include <rapidjson/document.h>
#include <string>
#include <string_view>

namespace fluxgate::runner {

inline std::string json_string(std::string_view text) {
    std::string out;
    stage::detail::append_json_string(out, text);
    return out;
}

// ["a", "b"]: of anything that can be walked through and holds strings.
template <class Strings>
std::string json_list(const Strings& strings) {
    std::string out;
    for (const std::string& text : strings)
        out += (out.empty() ? "" : ", ") + json_string(text);
    return "[" + out + "]";
}

// None where there is no such member, or no object.
inline const rapidjson::Value* member_of(const rapidjson::Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto member = object.FindMember(name);
    return member == object.MemberEnd() ? nullptr : &member->value;
}

// "" where there is no text of that name.
inline std::string text_of(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* member = member_of(object, name);
    return member != nullptr && member->IsString() ? std::string{member->GetString(), member->GetStringLength()} : std::string{};
}

} // namespace fluxgate::runner
