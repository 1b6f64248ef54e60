#include "config/formats.hpp"

#include "config/byte_size.hpp"
#include "config/duration.hpp"
#include "config/show.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace fluxgate::config {

namespace {

std::string_view view(const rapidjson::Value& text) {
    return {text.GetString(), text.GetStringLength()};
}

std::string_view keyword(const rapidjson::Value& schema, const char* name) {
    const auto found = schema.FindMember(name);
    return found != schema.MemberEnd() && found->value.IsString() ? view(found->value) : std::string_view{};
}

// ` such as "5s"`, from the schema's examples.
std::string example(const rapidjson::Value& schema) {
    const auto found = schema.FindMember("examples");
    if (found == schema.MemberEnd() || !found->value.IsArray() || found->value.Empty() || !found->value[0].IsString()) return {};
    return " such as " + quoted(view(found->value[0]));
}

std::uint64_t measure(std::string_view format, std::string_view text) {
    if (format == "byte-size") {
        const auto bytes = parse_byte_size(text);
        return bytes ? *bytes : 0;
    }
    const auto duration = parse_duration(text);
    return duration ? static_cast<std::uint64_t>(duration->count()) : 0;
}

struct Bounds {
    std::string_view minimum, above, maximum;

    [[nodiscard]] std::string text() const {
        std::string out;
        if (!minimum.empty()) out += ", at least " + std::string{minimum};
        if (!above.empty()) out += ", more than " + std::string{above};
        if (!maximum.empty()) out += ", at most " + std::string{maximum};
        return out;
    }
    [[nodiscard]] std::string judge(std::string_view format, std::uint64_t value) const {
        if (!minimum.empty() && value < measure(format, minimum)) return "it is too small";
        if (!above.empty() && value <= measure(format, above)) return "it is too small";
        if (!maximum.empty() && value > measure(format, maximum)) return "it is too large";
        return {};
    }
};

FormatVerdict judge_quantity(std::string_view format, const rapidjson::Value& value, const rapidjson::Value& schema) {
    const Bounds bounds{keyword(schema, "formatMinimum"), keyword(schema, "formatExclusiveMinimum"), keyword(schema, "formatMaximum")};
    FormatVerdict out;
    if (format == "byte-size") {
        out.allowed = "a size in bytes, an integer or a string" + example(schema) + bounds.text();
        const auto bytes = byte_size_of(value);
        out.reason = bytes ? bounds.judge(format, *bytes) : bytes.error().message;
        return out;
    }
    out.allowed = "a duration" + example(schema) + bounds.text();
    const auto duration = parse_duration(view(value));
    out.reason = duration ? bounds.judge(format, static_cast<std::uint64_t>(duration->count())) : duration.error().message;
    return out;
}

FormatVerdict judge_secret_name(std::string_view name) {
    FormatVerdict out{"the name of a secret (1 to 253 letters, digits, '.', '_' and '-'), not the secret itself", {}};
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
    };
    if (name.empty())
        out.reason = "it is empty";
    else if (name.size() > 253)
        out.reason = "it is longer than 253 characters";
    else if (!std::all_of(name.begin(), name.end(), allowed))
        out.reason = "it has a character that names do not have";
    else if (name == "." || name == "..")
        out.reason = "it names a directory"; // secrets are files of that name
    return out;
}

// The number in a field of digits, or -1.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
    if (at + digits > text.size()) return -1;
    int value = 0;
    for (const char c : text.substr(at, digits)) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

int days_in(int year, int month) {
    static constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

bool between(int value, int low, int high) {
    return value >= low && value <= high;
}

bool is_offset(std::string_view text) {
    if (text == "Z") return true;
    return text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':' && between(number_at(text, 1, 2), 0, 23) &&
           between(number_at(text, 4, 2), 0, 59);
}

} // namespace

bool is_rfc3339(std::string_view text) {
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
    if (text.size() <= shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != 'd' && shape[i] != text[i]) return false;
    const int year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
    if (year < 0 || !between(month, 1, 12) || !between(day, 1, days_in(year, month))) return false;
    if (!between(number_at(text, 11, 2), 0, 23) || !between(number_at(text, 14, 2), 0, 59) || !between(number_at(text, 17, 2), 0, 59)) return false;
    std::string_view rest = text.substr(shape.size());
    if (rest.front() == '.') {
        const auto end = rest.find_first_not_of("0123456789", 1);
        if (end == 1 || end == std::string_view::npos) return false;
        rest.remove_prefix(end);
    }
    return is_offset(rest);
}

std::optional<FormatVerdict> judge_format(const rapidjson::Value& value, const rapidjson::Value& schema) {
    const std::string_view format = keyword(schema, "format");
    if (format == "byte-size" && (value.IsString() || value.IsInt64() || value.IsUint64())) return judge_quantity(format, value, schema);
    if (!value.IsString()) return std::nullopt;
    const std::string_view text = view(value);
    if (format == "go-duration") return judge_quantity(format, value, schema);
    if (format == "secret-name") return judge_secret_name(text);
    const std::string_view no_time = "it is no such time";
    if (format == "date-time")
        return FormatVerdict{"an RFC 3339 time" + example(schema), std::string{is_rfc3339(text) ? std::string_view{} : no_time}};
    if (format == "time-or-past") {
        const bool past = text.size() > 1 && text.front() == '-' && parse_duration(text.substr(1)).ok();
        const std::string_view reason = past || is_rfc3339(text) ? std::string_view{} : no_time;
        return FormatVerdict{"an RFC 3339 time or a duration back from now such as \"-24h\"", std::string{reason}};
    }
    return std::nullopt;
}

} // namespace fluxgate::config
