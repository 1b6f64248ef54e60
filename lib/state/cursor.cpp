#include "state/cursor.hpp"

#include "config/json_text.hpp"
#include "config/show.hpp"
#include "telemetry/text.hpp"
#include "window/cursor.hpp"

namespace fluxgate::state {

namespace {

// The text as a document to be changed, when it is a cursor.
Result<config::JsonText> checked(std::string_view json) {
    if (const Result<window::Cursor> cursor = window::parse_cursor(json); !cursor.ok()) return cursor.error();
    return config::parse_json(json);
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

std::string cursor_at(std::int64_t position, std::int64_t now_ns) {
    window::Cursor cursor;
    cursor.position = position;
    return window::cursor_text(cursor, now_ns);
}

Result<std::string> rewound(std::string_view json, std::chrono::nanoseconds by, std::int64_t now_ns) {
    const Result<window::Cursor> cursor = window::parse_cursor(json);
    if (!cursor.ok()) return cursor.error();
    static const std::int64_t earliest = *window::parse_instant("1678-01-01T00:00:00Z");
    if (by.count() <= 0) return Error{Errc::configuration, "a cursor is rewound by more than 0s"};
    // As unsigned, for the distance may not fit otherwise.
    if (cursor->position < earliest ||
        static_cast<std::uint64_t>(cursor->position) - static_cast<std::uint64_t>(earliest) < static_cast<std::uint64_t>(by.count()))
        return Error{Errc::configuration, "the cursor at " + window::format_instant(cursor->position) + " cannot be rewound that far"};
    rapidjson::Document changed = config::parse_json(json).dom;
    put(changed, "position", window::format_instant(cursor->position - by.count()));
    put(changed, "planned", rapidjson::Value{rapidjson::kArrayType});
    put(changed, "passed", rapidjson::Value{rapidjson::kArrayType});
    put(changed, "updated", telemetry::rfc3339(now_ns));
    return config::to_text(changed);
}

Result<std::string> exported(std::string_view json, std::string_view pipeline) {
    Result<config::JsonText> text = checked(json);
    if (!text.ok()) return text.error();
    text->dom.EraseMember("pipeline");
    std::string out = "{\"pipeline\":";
    stage::detail::append_json_string(out, pipeline);
    return out + ',' + config::to_text(text->dom).substr(1);
}

Result<std::string> imported(std::string_view text, std::string_view pipeline) {
    Result<config::JsonText> json = checked(text);
    if (!json.ok()) return json.error();
    const rapidjson::Value& dom = json->dom;
    const auto from = dom.FindMember("pipeline");
    if (from == dom.MemberEnd()) return config::to_text(dom);
    const rapidjson::Value& name = from->value;
    if (!name.IsString() || std::string_view{name.GetString(), name.GetStringLength()} != pipeline)
        return Error{Errc::configuration, "the cursor is not valid: /pipeline is " + config::show(name) + ", but this is the pipeline " +
                                              config::quoted(pipeline) + "; if that is meant, remove this member"};
    json->dom.EraseMember("pipeline");
    return config::to_text(json->dom);
}

} // namespace fluxgate::state
