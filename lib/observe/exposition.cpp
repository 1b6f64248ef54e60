#include "observe/exposition.hpp"

#include "telemetry/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>

namespace fluxgate::observe {

namespace {

// [a-zA-Z_][a-zA-Z0-9_]*; a name's colon is for recording rules.
std::string word(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';
        if (digit && out.empty()) out += '_';
        out += letter || digit ? c : '_';
    }
    return out.empty() ? "_" : out;
}

// "__name" is Prometheus' own, and "le" names a bucket.
std::string label_name(std::string_view text) {
    std::string out = word(text);
    if (out.rfind("__", 0) == 0) out.erase(0, out.find_first_not_of('_') == std::string::npos ? 1 : out.find_first_not_of('_') - 1);
    if (out == "__") out = "_";
    return out == "le" ? "le_" : out;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    for (const char c : telemetry::to_utf8(text)) {
        if (c == '\\')
            out += "\\\\";
        else if (c == '\n')
            out += "\\n";
        else if (c == '"' && quotes)
            out += "\\\"";
        else
            out += c;
    }
}

std::string label_text(const Labels& labels) {
    std::string out;
    std::set<std::string> seen;
    for (const auto& [name, value] : labels) {
        std::string clean = label_name(name);
        if (!seen.insert(clean).second) continue;
        out += (out.empty() ? "" : ",") + clean + "=\"";
        append_escaped(out, value, true);
        out += '"';
    }
    return out;
}

const char* type_name(Exposition::Type type) {
    switch (type) {
    case Exposition::Type::counter: return "counter";
    case Exposition::Type::gauge: return "gauge";
    case Exposition::Type::histogram: return "histogram";
    }
    return "untyped";
}

} // namespace

std::string number_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    constexpr double exact = 9007199254740992.0; // 2^53
    if (value == std::floor(value) && std::fabs(value) <= exact) return std::to_string(static_cast<std::int64_t>(value));
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end.ptr};
}

std::string metric_name(std::string_view name, std::int32_t kind) {
    std::string out = "fluxgate_" + word(name);
    if (kind == FG_METRIC_COUNTER) return out.ends_with("_total") ? out : out + "_total";
    for (const std::string_view taken : {"_total", "_count", "_sum", "_bucket"})
        if (out.ends_with(taken)) return out + "_value";
    return out;
}

bool Exposition::family(std::string_view name, Type type, std::string_view help) {
    if (!names_.insert(std::string{name}).second) return false;
    name_ = name;
    series_.clear();
    text_ += "# HELP " + name_ + ' ';
    append_escaped(text_, help, false);
    text_ += "\n# TYPE " + name_ + ' ' + type_name(type) + '\n';
    return true;
}

void Exposition::line(std::string_view suffix, const std::string& labels, std::string_view value) {
    text_ += name_;
    text_ += suffix;
    if (!labels.empty()) text_ += '{' + labels + '}';
    text_ += ' ';
    text_ += value;
    text_ += '\n';
}

void Exposition::sample(const Labels& labels, double value) {
    std::string text = label_text(labels);
    if (!series_.insert(text).second) return;
    line("", text, number_text(value));
}

void Exposition::sample(const Labels& labels, std::uint64_t value) {
    std::string text = label_text(labels);
    if (!series_.insert(text).second) return;
    line("", text, std::to_string(value));
}

void Exposition::histogram(const Labels& labels, const std::vector<MetricBucket>& buckets, std::uint64_t count, double sum) {
    const std::string text = label_text(labels);
    if (!series_.insert(text).second) return;
    const std::string before = text.empty() ? "" : text + ",";
    for (const MetricBucket& bucket : buckets)
        line("_bucket", before + "le=\"" + number_text(bucket.upper) + '"', std::to_string(bucket.count));
    line("_bucket", before + "le=\"+Inf\"", std::to_string(count));
    line("_sum", text, number_text(sum));
    line("_count", text, std::to_string(count));
}

} // namespace fluxgate::observe
