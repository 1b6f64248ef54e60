#include "line_protocol.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace fluxgate::sample {
namespace {

constexpr std::size_t max_named_lines = 10;
// What a server stores; the outermost values of int64 mean "no time" to it.
constexpr std::int64_t min_time = std::numeric_limits<std::int64_t>::min() + 2;
constexpr std::int64_t max_time = std::numeric_limits<std::int64_t>::max() - 1;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\0';
}

std::string unescaped(std::string_view text, std::string_view specials) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && specials.find(text[i + 1]) != std::string_view::npos) ++i;
        out += text[i];
    }
    return out;
}

// The end of a line: a line feed outside of a string. Strings stand in the fields only, which follow the first free blank.
std::size_t end_of_line(std::string_view body, std::size_t at) {
    bool fields = false, quoted = false;
    std::size_t equals = 0, commas = 0; // a string begins only where a value does
    for (; at < body.size(); ++at) {
        const char c = body[at];
        if (c == '\\' && at + 2 < body.size()) {
            ++at;
        } else if (c == '\n' && !quoted) {
            return at;
        } else if (c == ' ') {
            fields = true;
        } else if (fields && !quoted && (c == '=' || c == ',')) {
            ++(c == '=' ? equals : commas);
        } else if (fields && c == '"' && equals > commas) {
            quoted = !quoted;
        }
    }
    return at;
}

// Reads one line from left to right. The first failure stays; nothing is done after it.
class LineReader {
public:
    LineReader(std::string_view line, std::int64_t unit, Time now) : line_(line), unit_(unit), now_(now) {}

    // The point, or what is wrong.
    std::variant<Point, std::string> read() {
        Point point;
        point.measurement = unescaped(until(", "), ", ");
        if (point.measurement.empty()) fail("missing measurement");
        while (failure_.empty() && take(',')) {
            tag(point);
        }
        std::sort(point.tags.begin(), point.tags.end());
        const auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
        if (std::adjacent_find(point.tags.begin(), point.tags.end(), same_key) != point.tags.end()) fail("duplicate tags");
        skip_blanks();
        if (at_ == line_.size()) fail("missing fields");
        do {
            field(point);
        } while (failure_.empty() && take(','));
        point.time = time();
        if (!failure_.empty()) return failure_;
        return point;
    }

private:
    void fail(std::string why) {
        if (failure_.empty()) failure_ = std::move(why);
    }

    bool take(char c) {
        if (at_ >= line_.size() || line_[at_] != c) return false;
        ++at_;
        return true;
    }

    void skip_blanks() {
        while (at_ < line_.size() && is_blank(line_[at_])) {
            ++at_;
        }
    }

    // Up to the first of `ends` without a backslash before it.
    std::string_view until(std::string_view ends) {
        const std::size_t from = at_;
        while (at_ < line_.size() && (ends.find(line_[at_]) == std::string_view::npos || (at_ > from && line_[at_ - 1] == '\\'))) {
            ++at_;
        }
        return line_.substr(from, at_ - from);
    }

    void tag(Point& point) {
        std::string key = unescaped(until("=, "), ",= ");
        if (key.empty()) return fail("missing tag key");
        if (!take('=')) return fail("missing tag value");
        std::string value = unescaped(until(",= "), ",= ");
        if (value.empty()) return fail("missing tag value");
        if (at_ < line_.size() && line_[at_] == '=') return fail("invalid tag format");
        point.tags.emplace_back(std::move(key), std::move(value));
    }

    void field(Point& point) {
        if (!failure_.empty()) return;
        std::string key = unescaped(until("=, "), ",= ");
        if (key.empty()) return fail("missing field key");
        if (!take('=')) return fail("invalid field format");
        if (at_ == line_.size() || line_[at_] == ',' || line_[at_] == ' ') return fail("missing field value");
        const auto value = line_[at_] == '"' ? string() : scalar(until(", "));
        if (value) point.fields.emplace_back(std::move(key), *value);
    }

    std::optional<FieldValue> string() {
        std::string out;
        for (++at_; at_ < line_.size() && line_[at_] != '"'; ++at_) {
            const bool escape = line_[at_] == '\\' && at_ + 1 < line_.size() && (line_[at_ + 1] == '"' || line_[at_ + 1] == '\\');
            if (escape) ++at_;
            out += line_[at_];
        }
        if (take('"')) return out;
        fail("unbalanced quotes");
        return std::nullopt;
    }

    std::optional<FieldValue> scalar(std::string_view text) {
        for (const std::string_view word : {"t", "T", "true", "True", "TRUE"}) {
            if (text == word) return true;
        }
        for (const std::string_view word : {"f", "F", "false", "False", "FALSE"}) {
            if (text == word) return false;
        }
        if (text.back() == 'i') return whole<std::int64_t>(text.substr(0, text.size() - 1), "integer", "ParseInt");
        if (text.back() == 'u') return whole<std::uint64_t>(text.substr(0, text.size() - 1), "unsigned", "ParseUint");
        double value = 0;
        const char* end = text.data() + text.size();
        const bool number = text.find_first_not_of("0123456789+-.eE") == std::string_view::npos; // neither NaN nor Inf
        const auto read = std::from_chars(text.data() + (text.front() == '+' ? 1 : 0), end, value);
        if (number && read.ec == std::errc{} && read.ptr == end) return value;
        if (number && read.ec == std::errc::result_out_of_range && read.ptr == end && underflows(text)) return text.front() == '-' ? -0.0 : 0.0;
        fail(text.find_first_of("tTfF") == 0 ? "invalid boolean" : "invalid number");
        return std::nullopt;
    }

    // from_chars calls too small a number out of range as it does too large a one.
    static bool underflows(std::string_view text) {
        const auto e = text.find_first_of("eE");
        return e != std::string_view::npos && text.substr(e + 1, 1) == "-";
    }

    template <typename T>
    std::optional<FieldValue> whole(std::string_view digits, std::string_view name, std::string_view parser) {
        T value = 0;
        const char* end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data(), end, value);
        if (read.ec == std::errc{} && read.ptr == end && !digits.empty()) return value;
        if (read.ec == std::errc::result_out_of_range && read.ptr == end) {
            fail("unable to parse " + std::string{name} + ' ' + std::string{digits} + ": strconv." + std::string{parser} + ": parsing \"" +
                 std::string{digits} + "\": value out of range");
        } else {
            fail("invalid number");
        }
        return std::nullopt;
    }

    Time time() {
        skip_blanks();
        const std::string_view text = until(" ");
        skip_blanks();
        if (text.empty() && at_ == line_.size()) return now_;
        std::int64_t units = 0, ns = 0;
        const char* end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, units);
        const bool digits = read.ptr == end && at_ == line_.size();
        if (!digits || read.ec == std::errc::invalid_argument) {
            fail("bad timestamp");
        } else if (read.ec != std::errc{} || __builtin_mul_overflow(units, unit_, &ns) || ns < min_time || ns > max_time) {
            fail("time outside range " + std::to_string(min_time) + " - " + std::to_string(max_time));
        }
        return Time{ns};
    }

    std::string_view line_;
    std::int64_t unit_;
    Time now_;
    std::size_t at_ = 0;
    std::string failure_;
};

} // namespace

std::optional<std::int64_t> precision_unit(std::string_view precision) {
    if (precision == "ns") return 1;
    if (precision == "us") return 1'000;
    if (precision == "ms") return 1'000'000;
    if (precision == "s") return second_ns;
    return std::nullopt;
}

Result<std::vector<Point>> parse_lines(std::string_view body, std::int64_t unit, Time now) {
    std::vector<Point> points;
    std::string failures;
    std::size_t failed = 0;
    for (std::size_t at = 0; at < body.size();) {
        const std::size_t end = end_of_line(body, at);
        std::string_view line = body.substr(at, end - at);
        at = end + 1;
        while (!line.empty() && is_blank(line.front())) {
            line.remove_prefix(1);
        }
        if (line.empty() || line.front() == '#') continue;
        auto read = LineReader{line, unit, now}.read();
        if (auto* point = std::get_if<Point>(&read)) {
            points.push_back(std::move(*point));
        } else if (failed++ < max_named_lines) {
            if (!failures.empty()) failures += '\n';
            failures += "unable to parse '" + std::string{line} + "': " + std::get<std::string>(read);
        }
    }
    if (failed == 0) return points;
    Error e;
    e.code = Errc::query;
    e.http_status = 400;
    e.message = std::move(failures);
    return e;
}

} // namespace fluxgate::sample
