#include "config/show.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>

namespace fluxgate::config {

namespace {

constexpr std::size_t longest_shown = 60;

std::string counted(std::string_view what, std::size_t count, std::string_view unit) {
    return std::string{what} + std::to_string(count) + " " + std::string{unit} + (count == 1 ? "" : "s");
}

} // namespace

std::string quoted(std::string_view text) {
    static constexpr char hex[] = "0123456789ABCDEF";
    std::string out = "\"";
    std::size_t shown = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool begins_character = (byte & 0xC0u) != 0x80u;
        if (begins_character && shown++ == longest_shown) {
            out += "...";
            break;
        }
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += text[i];
        } else if (byte == '\n') {
            out += "\\n";
        } else if (byte < 0x20 || byte == 0x7F) {
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15u];
        } else {
            out += text[i];
        }
    }
    return out += '"';
}

std::string_view type_name(const rapidjson::Value& value) {
    switch (value.GetType()) {
    case rapidjson::kNullType: return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType: return "a boolean";
    case rapidjson::kObjectType: return "an object";
    case rapidjson::kArrayType: return "an array";
    case rapidjson::kStringType: return "a string";
    case rapidjson::kNumberType: return value.IsInt64() || value.IsUint64() ? "an integer" : "a number";
    }
    return "null";
}

std::string show(const rapidjson::Value& value, bool hidden) {
    if (value.IsNull()) return "null";
    if (value.IsObject()) return counted("an object with ", value.MemberCount(), "field");
    if (value.IsArray()) return counted("an array of ", value.Size(), "element");
    const std::string type{type_name(value)};
    if (hidden) return type + " (not shown: it may be a secret)";
    if (value.IsString()) return quoted({value.GetString(), value.GetStringLength()}) + " (" + type + ")";
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
    value.Accept(writer);
    return std::string{buffer.GetString(), buffer.GetSize()} + " (" + type + ")";
}

bool may_hold_secret(std::string_view field) {
    static constexpr std::array<std::string_view, 8> words{"token",      "secret", "password",      "passphrase",
                                                           "credential", "apikey", "authorization", "authentication"};
    std::string name;
    for (const char c : field.substr(0, 256)) {
        if (c >= 'A' && c <= 'Z')
            name += static_cast<char>(c - 'A' + 'a');
        else if (c != '_' && c != '-')
            name += c;
    }
    for (const std::string_view word : words)
        if (name.find(word) != std::string::npos) return true;
    return false;
}

} // namespace fluxgate::config
