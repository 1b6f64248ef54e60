#include "core/line_protocol.hpp"

#include "window/instant.hpp"

#include <rapidjson/document.h>

#include <optional>

namespace fluxgate::core {
namespace {

using rapidjson::Value;

std::string_view text_of(const Value& value) noexcept {
    return {value.GetString(), value.GetStringLength()};
}

const Value* member_of(const Value& object, std::string_view name) {
    if (!object.IsObject()) return nullptr;
    for (const auto& member : object.GetObject())
        if (text_of(member.name) == name) return &member.value;
    return nullptr;
}

std::string quoted(std::string_view text) {
    return '"' + std::string{text.substr(0, 100)} + '"';
}

// Why a name or tag value cannot be written, or "". A backslash means itself unless a special character follows, so none can stand at the
// end, where one follows.
std::string unwritable(std::string_view text) {
    if (text.find('\n') != std::string_view::npos) return "holds a line feed";
    if (text.back() == '\\') return "ends with a backslash";
    return {};
}

void append_escaped(std::string& out, std::string_view text, std::string_view specials) {
    for (const char c : text) {
        if (specials.find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
}

// Whether a server splits at the line's own end: its search for line ends takes backslashes, blanks and quotes into account in a simpler
// way than its parser, so some names with backslashes and quotes mislead it.
bool splits_at_end(std::string_view line) {
    bool fields = false, quoted_text = false;
    std::size_t equals = 0, commas = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char c = line[at];
        if (c == '\\' && at + 1 < line.size()) { // in a body, bytes follow
            ++at;
        } else if (c == ' ') {
            fields = true;
        } else if (fields && !quoted_text && c == '=') {
            ++equals;
        } else if (fields && !quoted_text && c == ',') {
            ++commas;
        } else if (fields && c == '"' && equals > commas) {
            quoted_text = !quoted_text;
        } else if (c == '\n' && !quoted_text) {
            return false;
        }
    }
    return !quoted_text;
}

class Line {
public:
    Line(std::string& out, const Value& message) : out_(out), begin_(out.size()), message_(message) {}

    std::string put() {
        std::string why = measurement();
        if (why.empty()) why = tags();
        if (why.empty()) why = field();
        if (why.empty()) why = time();
        if (why.empty() && !splits_at_end(std::string_view{out_}.substr(begin_)))
            why = "its names hold backslashes and quotes in an order that makes a server miss the end of the line";
        if (why.empty())
            out_ += '\n';
        else
            out_.resize(begin_);
        return why;
    }

private:
    // A string of the payload that must be there.
    [[nodiscard]] const Value* text_column(std::string_view name, std::string& why) const {
        const Value* payload = member_of(message_, "payload");
        const Value* value = payload == nullptr ? nullptr : member_of(*payload, name);
        if (value != nullptr && value->IsString() && value->GetStringLength() > 0) return value;
        why =
            "the message has no text in payload." + std::string{name} + "; line protocol is made of rows that are read without pivot or aggregation";
        return nullptr;
    }

    std::string name(std::string_view what, std::string_view text, std::string_view specials) {
        if (const std::string why = unwritable(text); !why.empty())
            return std::string{what} + ' ' + quoted(text) + ' ' + why + ", which line protocol cannot carry";
        append_escaped(out_, text, specials);
        return {};
    }

    std::string measurement() {
        std::string why;
        const Value* value = text_column("_measurement", why);
        if (value == nullptr) return why;
        const std::string_view text = text_of(*value);
        if (text.front() == '#' || text.front() == '\t' || text.front() == '\0')
            return "the measurement " + quoted(text) + " begins with a character that line protocol skips";
        return name("the measurement", text, ", ");
    }

    std::string tags() {
        const Value* properties = member_of(message_, "properties");
        const Value* key = properties == nullptr ? nullptr : member_of(*properties, "groupKey");
        const Value* payload = member_of(message_, "payload");
        if (key == nullptr || !key->IsArray() || payload == nullptr) return "the message does not say its types; set format.types in the source";
        for (const Value& one : key->GetArray()) {
            if (!one.IsString()) continue;
            const std::string_view tag = text_of(one);
            if (tag == "_measurement" || tag == "_field" || tag == "_start" || tag == "_stop") continue;
            const Value* value = member_of(*payload, tag);
            if (value == nullptr || !value->IsString() || value->GetStringLength() == 0) continue;
            if (tag.empty()) return "a tag has no name, which line protocol cannot carry";
            out_ += ',';
            if (std::string why = name("the tag", tag, ",= "); !why.empty()) return why;
            out_ += '=';
            if (std::string why = name("the tag's value", text_of(*value), ",= "); !why.empty()) return why;
        }
        return {};
    }

    std::string field() {
        std::string why;
        const Value* field = text_column("_field", why);
        if (field == nullptr) return why;
        if (const char first = text_of(*field).front(); first == '\t' || first == '\0')
            return "the field " + quoted(text_of(*field)) + " begins with a character that line protocol skips";
        out_ += ' ';
        if (why = name("the field", text_of(*field), ",= "); !why.empty()) return why;
        out_ += '=';
        const Value* types = member_of(*member_of(message_, "properties"), "types");
        const Value* type = types == nullptr ? nullptr : member_of(*types, "_value");
        if (type == nullptr || !type->IsString()) return "the message does not say the type of _value; set format.types in the source";
        return value(text_of(*type), member_of(*member_of(message_, "payload"), "_value"));
    }

    // Numbers are strings here, see append_line.
    std::string value(std::string_view type, const Value* value) {
        const bool null = value == nullptr || value->IsNull();
        if (type == "string") {
            out_ += '"';
            append_escaped(out_, null || !value->IsString() ? std::string_view{} : text_of(*value), "\"\\");
            out_ += '"';
            return {};
        }
        if (null) return "its value is null, which line protocol cannot carry (NaN and infinities become null as well)";
        if (type == "boolean" && value->IsBool()) {
            out_ += value->GetBool() ? "true" : "false";
            return {};
        }
        const bool number = type == "double" || type == "long" || type == "unsignedLong";
        if (!number || !value->IsString() || text_of(*value).find_first_not_of("0123456789+-.eE") != std::string_view::npos)
            return "its value of the type " + std::string{type} + " is none of line protocol's";
        out_ += text_of(*value);
        if (type == "long") out_ += 'i';
        if (type == "unsignedLong") out_ += 'u';
        return {};
    }

    std::string time() {
        std::string why;
        const Value* value = text_column("_time", why);
        if (value == nullptr) return why;
        const auto at = window::parse_instant(text_of(*value));
        if (!at) return quoted(text_of(*value)) + " in payload._time is no time that InfluxDB can store";
        (out_ += ' ') += std::to_string(*at);
        return {};
    }

    std::string& out_;
    const std::size_t begin_;
    const Value& message_;
};

} // namespace

std::string append_line(std::string& out, std::string_view message) {
    // Numbers keep their text: no double stands between what was read and what is written.
    constexpr unsigned flags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag;
    rapidjson::Document document;
    document.Parse<flags>(message.data(), message.size());
    if (document.HasParseError() || !document.IsObject()) return "the message is no JSON object";
    return Line{out, document}.put();
}

} // namespace fluxgate::core
