#include "window/cursor.hpp"

#include "window/hash.hpp"

#include <rapidjson/document.h>

#include <algorithm>

namespace fluxgate::window {

namespace {

constexpr std::size_t max_text = 4u << 20;
constexpr std::size_t max_windows = 16384; // four times what may wait: halves count twice

void append_windows(std::string& out, const char* name, const std::vector<Edges>& windows) {
    out += ",\"";
    out += name;
    out += "\":[";
    for (const Edges& w : windows) {
        if (out.back() != '[') out += ',';
        out += "[\"" + format_instant(w.start) + "\",\"" + format_instant(w.stop) + "\"]";
    }
    out += ']';
}

Error bad(const std::string& why) {
    return Error{Errc::state, "the stored cursor cannot be used: " + why};
}

std::string_view text_of(const rapidjson::Value& value) {
    return value.IsString() ? std::string_view{value.GetString(), value.GetStringLength()} : std::string_view{};
}

// Empty: read well.
std::string read_windows(const rapidjson::Value& json, const char* name, std::vector<Edges>& out) {
    const auto member = json.FindMember(name);
    const std::string what = std::string{"\""} + name + "\"";
    if (member == json.MemberEnd() || !member->value.IsArray()) return what + " is not a list of windows";
    if (member->value.Size() > max_windows) return what + " has more than " + std::to_string(max_windows) + " windows";
    for (const rapidjson::Value& w : member->value.GetArray()) {
        const bool pair = w.IsArray() && w.Size() == 2;
        const auto start = pair ? parse_instant(text_of(w[0])) : std::nullopt, stop = pair ? parse_instant(text_of(w[1])) : std::nullopt;
        if (!start || !stop) return what + " holds something that is not a pair of RFC 3339 times";
        if (*start >= *stop) return what + " holds a window that ends before it begins, at " + format_instant(*start);
        out.push_back({*start, *stop});
    }
    return {};
}

std::string disorder(const Cursor& cursor) {
    std::vector<Edges> all = cursor.planned;
    all.insert(all.end(), cursor.passed.begin(), cursor.passed.end());
    std::sort(all.begin(), all.end(), [](const Edges& a, const Edges& b) { return a.start < b.start; });
    Instant edge = cursor.position;
    for (const Edges& w : all) {
        if (w.start < edge) return "the window that begins at " + format_instant(w.start) + " overlaps what lies before it";
        edge = w.stop;
    }
    return {};
}

bool is_identity(std::string_view text) {
    return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

std::string cursor_text(const Cursor& cursor, Instant now) {
    std::string out = "{\"version\":1,\"position\":\"" + format_instant(cursor.position) + '"';
    append_windows(out, "planned", cursor.planned);
    append_windows(out, "passed", cursor.passed);
    if (!cursor.identity.empty()) out += ",\"identity\":\"" + cursor.identity + '"';
    return out + ",\"updated\":\"" + format_instant(floor_to(now, 1'000'000)) + "\"}";
}

Result<Cursor> parse_cursor(std::string_view text) {
    if (text.size() > max_text) return bad("it is longer than " + std::to_string(max_text) + " bytes");
    rapidjson::Document json;
    json.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    if (json.HasParseError() || !json.IsObject()) return bad("it is not a JSON object");
    const auto version = json.FindMember("version");
    if (version == json.MemberEnd() || !version->value.IsUint()) return bad("it has no version");
    if (version->value.GetUint() != 1)
        return bad("it is of version " + std::to_string(version->value.GetUint()) +
                   ", and this program knows version 1; use the program that wrote it");
    Cursor cursor;
    const auto position = json.FindMember("position");
    const auto at = position == json.MemberEnd() ? std::nullopt : parse_instant(text_of(position->value));
    if (!at) return bad("\"position\" is not an RFC 3339 time");
    cursor.position = *at;
    for (const auto& [name, list] : {std::pair{"planned", &cursor.planned}, std::pair{"passed", &cursor.passed}})
        if (std::string wrong = read_windows(json, name, *list); !wrong.empty()) return bad(wrong);
    if (std::string wrong = disorder(cursor); !wrong.empty()) return bad(wrong);
    if (const auto identity = json.FindMember("identity"); identity != json.MemberEnd()) {
        if (!is_identity(text_of(identity->value))) return bad("\"identity\" is not 32 hex digits");
        cursor.identity = text_of(identity->value);
    }
    return cursor;
}

std::string identity_of(std::string_view url, std::string_view organization, std::string_view query) {
    std::string all;
    for (const std::string_view part : {url, organization, query})
        (all += part) += '\x1F';
    return hex(hash128(all));
}

} // namespace fluxgate::window
