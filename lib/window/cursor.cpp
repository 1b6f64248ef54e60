#include "window/cursor.hpp"

#include "config/json_text.hpp"
#include "config/show.hpp"
#include "telemetry/text.hpp"
#include "window/hash.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::window {

namespace {

constexpr std::size_t max_text = 4u << 20;
constexpr std::size_t max_windows = 16384; // four times what may wait: halves count twice
constexpr std::size_t identity_digits = 32;

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

Error fault(const std::string& what) {
    return {Errc::configuration, "the cursor is not valid: " + what};
}

const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
    const auto at = object.FindMember(name);
    return at == object.MemberEnd() ? nullptr : &at->value;
}

std::string_view text_of(const rapidjson::Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

Result<Instant> time_of(const rapidjson::Value& value, const std::string& where) {
    if (!value.IsString()) return fault(where + " must be an RFC 3339 time, but is " + config::show(value));
    Result<Instant> time = read_instant(text_of(value));
    if (!time.ok()) return fault(where + " is " + config::show(value) + "; " + time.error().message);
    return time;
}

Result<std::vector<Edges>> windows_of(const rapidjson::Value& object, const char* name) {
    std::vector<Edges> out;
    const rapidjson::Value* list = member(object, name);
    if (list == nullptr) return out;
    const std::string where = std::string{"/"} + name;
    if (!list->IsArray()) return fault(where + " must be a list of [start, stop], but is " + config::show(*list));
    if (list->Size() > max_windows) return fault(where + " has more than " + std::to_string(max_windows) + " windows");
    for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
        const rapidjson::Value& pair = (*list)[i];
        const std::string at = where + "/" + std::to_string(i);
        if (!pair.IsArray() || pair.Size() != 2) return fault(at + " must be [start, stop]");
        const Result<Instant> start = time_of(pair[0], at + "/0"), stop = time_of(pair[1], at + "/1");
        if (!start.ok()) return start.error();
        if (!stop.ok()) return stop.error();
        if (*start >= *stop) return fault(at + " does not stop after its start");
        out.push_back({*start, *stop});
    }
    return out;
}

// Empty: there is none.
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

Result<Cursor> read(const rapidjson::Value& object) {
    if (!object.IsObject()) return fault("it must be an object, but is " + config::show(object));
    const rapidjson::Value* version = member(object, "version");
    if (version == nullptr || !version->IsInt() || version->GetInt() != 1)
        return fault(version == nullptr ? "/version is missing"
                                        : "/version is " + config::show(*version) + "; this program knows version 1, use the one that wrote it");
    Cursor out;
    const rapidjson::Value* position = member(object, "position");
    if (position == nullptr) return fault("/position is missing");
    const Result<Instant> time = time_of(*position, "/position");
    if (!time.ok()) return time.error();
    out.position = *time;
    Result<std::vector<Edges>> planned = windows_of(object, "planned"), passed = windows_of(object, "passed");
    if (!planned.ok()) return planned.error();
    if (!passed.ok()) return passed.error();
    out.planned = std::move(*planned);
    out.passed = std::move(*passed);
    if (const std::string wrong = disorder(out); !wrong.empty()) return fault(wrong);
    if (const rapidjson::Value* identity = member(object, "identity"); identity != nullptr) {
        const bool hex = identity->IsString() && identity->GetStringLength() == identity_digits &&
                         text_of(*identity).find_first_not_of("0123456789abcdef") == std::string_view::npos;
        if (!hex) return fault("/identity must be 32 digits of 0-9a-f");
        out.identity = text_of(*identity);
    }
    if (const rapidjson::Value* updated = member(object, "updated"); updated != nullptr) {
        if (const Result<Instant> when = time_of(*updated, "/updated"); !when.ok()) return when.error();
        out.updated = text_of(*updated);
    }
    return out;
}

} // namespace

std::string cursor_text(const Cursor& cursor, Instant now) {
    std::string out = "{\"version\":1,\"position\":\"" + format_instant(cursor.position) + '"';
    append_windows(out, "planned", cursor.planned);
    append_windows(out, "passed", cursor.passed);
    if (!cursor.identity.empty()) out += ",\"identity\":\"" + cursor.identity + '"';
    return out + ",\"updated\":\"" + telemetry::rfc3339(now) + "\"}";
}

Result<Cursor> parse_cursor(std::string_view text) {
    if (text.size() > max_text) return fault("it has more than " + std::to_string(max_text) + " bytes");
    const config::JsonText json = config::parse_json(text);
    if (!json.parsed || !json.violations.empty()) return fault(json.violations.empty() ? "it is no JSON" : json.violations.front().message);
    return read(json.dom);
}

std::string identity_of(std::string_view url, std::string_view organization, std::string_view query) {
    std::string all;
    for (const std::string_view part : {url, organization, query})
        (all += part) += '\x1F';
    return hex(hash128(all));
}

} // namespace fluxgate::window
