#include "state/cursor.hpp"

#include "config/json_text.hpp"
#include "config/show.hpp"
#include "state/time_text.hpp"
#include "telemetry/text.hpp"

#include <optional>

namespace fluxgate::state {

namespace {

constexpr std::size_t max_cursor_bytes = 4u << 20; // 4,096 windows in each list take a tenth of it
constexpr std::size_t identity_digits = 32;

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

Result<std::int64_t> time_of(const rapidjson::Value& value, const std::string& where) {
    if (!value.IsString()) return fault(where + " must be an RFC 3339 time, but is " + config::show(value));
    Result<std::int64_t> time = parse_time(text_of(value));
    if (!time.ok()) return fault(where + " is " + config::show(value) + "; " + time.error().message);
    return time;
}

Result<std::vector<Interval>> windows_of(const rapidjson::Value& object, const char* name) {
    std::vector<Interval> out;
    const rapidjson::Value* list = member(object, name);
    if (list == nullptr) return out;
    const std::string where = std::string{"/"} + name;
    if (!list->IsArray()) return fault(where + " must be a list of [start, stop], but is " + config::show(*list));
    for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
        const rapidjson::Value& pair = (*list)[i];
        const std::string at = where + "/" + std::to_string(i);
        if (!pair.IsArray() || pair.Size() != 2) return fault(at + " must be [start, stop]");
        const Result<std::int64_t> start = time_of(pair[0], at + "/0"), stop = time_of(pair[1], at + "/1");
        if (!start.ok()) return start.error();
        if (!stop.ok()) return stop.error();
        if (*start >= *stop) return fault(at + " does not stop after its start");
        out.emplace_back(*start, *stop);
    }
    return out;
}

Result<Cursor> read(const rapidjson::Value& object) {
    if (!object.IsObject()) return fault("it must be an object, but is " + config::show(object));
    const rapidjson::Value* version = member(object, "version");
    if (version == nullptr || !version->IsInt() || version->GetInt() != 1)
        return fault(version == nullptr ? "/version is missing" : "/version is " + config::show(*version) + "; this program knows version 1");
    Cursor out;
    const rapidjson::Value* position = member(object, "position");
    if (position == nullptr) return fault("/position is missing");
    const Result<std::int64_t> time = time_of(*position, "/position");
    if (!time.ok()) return time.error();
    out.position = *time;
    Result<std::vector<Interval>> planned = windows_of(object, "planned"), passed = windows_of(object, "passed");
    if (!planned.ok()) return planned.error();
    if (!passed.ok()) return passed.error();
    out.planned = std::move(*planned);
    out.passed = std::move(*passed);
    if (const rapidjson::Value* identity = member(object, "identity"); identity != nullptr) {
        const bool hex = identity->IsString() && identity->GetStringLength() == identity_digits &&
                         text_of(*identity).find_first_not_of("0123456789abcdef") == std::string_view::npos;
        if (!hex) return fault("/identity must be 32 digits of 0-9a-f");
        out.identity = text_of(*identity);
    }
    if (const rapidjson::Value* updated = member(object, "updated"); updated != nullptr) {
        if (const Result<std::int64_t> when = time_of(*updated, "/updated"); !when.ok()) return when.error();
        out.updated = text_of(*updated);
    }
    return out;
}

Result<config::JsonText> parsed(std::string_view json) {
    if (json.size() > max_cursor_bytes) return fault("it has more than " + std::to_string(max_cursor_bytes) + " bytes");
    config::JsonText text = config::parse_json(json);
    if (!text.parsed || !text.violations.empty()) return fault(text.violations.empty() ? "it is no JSON" : text.violations.front().message);
    return text;
}

void put(rapidjson::Document& document, const char* name, rapidjson::Value value) {
    if (document.HasMember(name))
        document[name] = value;
    else
        document.AddMember(rapidjson::StringRef(name), value, document.GetAllocator());
}

void put(rapidjson::Document& document, const char* name, const std::string& text) {
    put(document, name, rapidjson::Value{text.c_str(), static_cast<rapidjson::SizeType>(text.size()), document.GetAllocator()});
}

} // namespace

Result<Cursor> parse_cursor(std::string_view json) {
    const Result<config::JsonText> text = parsed(json);
    return text.ok() ? read(text->dom) : text.error();
}

std::string cursor_at(std::int64_t position, std::int64_t now_ns) {
    return R"({"version":1,"position":")" + format_time(position) + R"(","planned":[],"passed":[],"updated":")" + telemetry::rfc3339(now_ns) + "\"}";
}

Result<std::string> rewound(std::string_view json, std::chrono::nanoseconds by, std::int64_t now_ns) {
    Result<config::JsonText> text = parsed(json);
    if (!text.ok()) return text.error();
    const Result<Cursor> cursor = read(text->dom);
    if (!cursor.ok()) return cursor.error();
    static const std::int64_t earliest = *parse_time("1678-01-01T00:00:00Z");
    if (by.count() <= 0) return Error{Errc::configuration, "a cursor is rewound by more than 0s"};
    // As unsigned, for the distance may not fit otherwise.
    if (static_cast<std::uint64_t>(cursor->position) - static_cast<std::uint64_t>(earliest) < static_cast<std::uint64_t>(by.count()))
        return Error{Errc::configuration, "the cursor at " + format_time(cursor->position) + " cannot be rewound that far"};
    put(text->dom, "position", format_time(cursor->position - by.count()));
    put(text->dom, "planned", rapidjson::Value{rapidjson::kArrayType});
    put(text->dom, "passed", rapidjson::Value{rapidjson::kArrayType});
    put(text->dom, "updated", telemetry::rfc3339(now_ns));
    return config::to_text(text->dom);
}

Result<std::string> exported(std::string_view json, std::string_view pipeline) {
    Result<config::JsonText> text = parsed(json);
    if (!text.ok()) return text.error();
    if (const Result<Cursor> cursor = read(text->dom); !cursor.ok()) return cursor.error();
    text->dom.EraseMember("pipeline");
    std::string out = "{\"pipeline\":";
    stage::detail::append_json_string(out, pipeline);
    return out + ',' + config::to_text(text->dom).substr(1);
}

Result<std::string> imported(std::string_view text, std::string_view pipeline) {
    Result<config::JsonText> json = parsed(text);
    if (!json.ok()) return json.error();
    if (const Result<Cursor> cursor = read(json->dom); !cursor.ok()) return cursor.error();
    if (const rapidjson::Value* from = member(json->dom, "pipeline"); from != nullptr) {
        if (!from->IsString() || text_of(*from) != pipeline)
            return fault("/pipeline is " + config::show(*from) + ", but this is the pipeline " + config::quoted(pipeline) +
                         "; if that is meant, remove this member");
        json->dom.EraseMember("pipeline");
    }
    return config::to_text(json->dom);
}

} // namespace fluxgate::state
