#include "exposition_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <set>

namespace fluxgate::test {

namespace {

using Labels = std::map<std::string, std::string>;

struct Line {
    std::string name;
    Labels labels;
    double value = 0;
};

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_name(std::string_view text, bool colon) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    return std::all_of(text.begin(), text.end(), [colon](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (colon && c == ':');
    });
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        const std::size_t more = c < 0x80 ? 0 : (c >> 5) == 6 ? 1 : (c >> 4) == 14 ? 2 : (c >> 3) == 30 ? 3 : 9;
        if (more == 9 || i + more >= text.size() + (more == 0 ? 1 : 0)) return false;
        for (std::size_t k = 1; k <= more; ++k)
            if ((static_cast<unsigned char>(text[i + k]) >> 6) != 2) return false;
        i += more + 1;
    }
    return true;
}

// What Go's ParseFloat takes, as far as it is ever written.
std::optional<double> number(const std::string& text) {
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "+Inf" || text == "-Inf") return text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos) return std::nullopt;
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    return *end == '\0' ? std::optional{value} : std::nullopt;
}

class Judge {
public:
    Exposed judge(std::string_view text) {
        if (!text.empty() && text.back() != '\n') fault("the last line has no end");
        while (!text.empty()) {
            ++number_;
            const std::size_t end = std::min(text.find('\n'), text.size() - 1);
            const std::string line{text.substr(0, end)};
            text.remove_prefix(end + 1);
            if (!is_utf8(line)) fault("not UTF-8");
            if (line.rfind("# HELP ", 0) == 0)
                help(line.substr(7));
            else if (line.rfind("# TYPE ", 0) == 0)
                type(line.substr(7));
            else if (!line.empty() && line[0] != '#')
                sample(line);
        }
        finish_family();
        return std::move(out_);
    }

private:
    void fault(const std::string& what) { out_.faults.push_back("line " + std::to_string(number_) + ": " + what); }

    void begin(const std::string& family) {
        if (family == family_) return;
        finish_family();
        if (!seen_.insert(family).second) fault("the lines of " + family + " do not stand together");
        family_ = family;
    }

    void help(const std::string& rest) {
        const std::string name = rest.substr(0, rest.find(' '));
        begin(name);
        if (!is_name(name, true)) fault("no name of a metric: " + name);
        if (!helps_.insert(name).second) fault("a second HELP of " + name);
        if (rest.size() <= name.size() + 1) fault("no help text for " + name);
        for (std::size_t i = name.size(); i < rest.size(); ++i)
            if (rest[i] == '\\' && (++i == rest.size() || (rest[i] != '\\' && rest[i] != 'n'))) fault("a bad escape in the HELP of " + name);
        lint(name);
    }

    void type(const std::string& rest) {
        const std::size_t space = rest.find(' ');
        const std::string name = rest.substr(0, space), kind = space == std::string::npos ? "" : rest.substr(space + 1);
        begin(name);
        if (!helps_.count(name)) fault("TYPE before HELP, or without it: " + name);
        if (out_.types.count(name)) fault("a second TYPE of " + name);
        if (samples_ != 0) fault("TYPE behind samples of " + name);
        static const std::set<std::string> kinds{"counter", "gauge", "histogram", "summary", "untyped"};
        if (!kinds.count(kind)) fault("no such type: " + kind);
        out_.types[name] = kind;
        if ((kind == "counter") != ends_with(name, "_total")) fault("counters, and only they, end in _total: " + name);
        if (kind != "histogram" && kind != "summary")
            for (const char* end : {"_count", "_sum", "_bucket"})
                if (ends_with(name, end)) fault("only a histogram has " + std::string{end} + ": " + name);
        if (name.find("_" + kind) != std::string::npos) fault("the type stands in the name: " + name);
    }

    // promtool's rules of style.
    void lint(const std::string& name) {
        if (name.find(':') != std::string::npos) fault("a colon is for recording rules: " + name);
        if (std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) fault("camelCase: " + name);
        static const std::set<std::string> units{"s",  "ms", "us",  "ns",  "sec",          "minutes",      "hours", "days",      "b", "kb",
                                                 "mb", "gb", "kib", "mib", "milliseconds", "microseconds", "bits",  "kilobytes", "m", "h"};
        std::size_t from = 0;
        while (from <= name.size()) {
            const std::size_t end = std::min(name.find('_', from), name.size());
            if (units.count(name.substr(from, end - from))) fault("not a base unit: " + name);
            from = end + 1;
        }
    }

    std::optional<Line> parse(const std::string& line) {
        Line out;
        std::size_t at = line.find_first_of("{ ");
        out.name = line.substr(0, at);
        if (at == std::string::npos || !is_name(out.name, true)) return std::nullopt;
        if (line[at] == '{') {
            ++at;
            while (at < line.size() && line[at] != '}') {
                const std::size_t equals = line.find('=', at);
                if (equals == std::string::npos || equals + 1 >= line.size() || line[equals + 1] != '"') return std::nullopt;
                const std::string label = line.substr(at, equals - at);
                std::string value;
                for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
                    if (line[at] != '\\') {
                        value += line[at];
                        continue;
                    }
                    const char c = ++at < line.size() ? line[at] : ' ';
                    if (c != '\\' && c != '"' && c != 'n') return std::nullopt;
                    value += c == 'n' ? '\n' : c;
                }
                if (!is_name(label, false) || label.rfind("__", 0) == 0) fault("no name of a label: " + label);
                if (!out.labels.emplace(label, value).second) fault("a label twice: " + label);
                if (++at < line.size() && line[at] == ',') ++at;
            }
            if (at++ >= line.size()) return std::nullopt;
        }
        if (at >= line.size() || line[at] != ' ') return std::nullopt;
        const std::optional<double> value = number(line.substr(at + 1)); // we give no time stamps
        if (!value) return std::nullopt;
        out.value = *value;
        return out;
    }

    static std::string series(const std::string& name, const Labels& labels) {
        std::string out = name;
        for (const auto& [label, value] : labels)
            out += (out.size() == name.size() ? "{" : ",") + label + "=\"" + value + "\"";
        return labels.empty() ? out : out + "}";
    }

    void sample(const std::string& text) {
        const std::optional<Line> line = parse(text);
        if (!line) return fault("no sample: " + text);
        std::string family = line->name;
        for (const char* end : {"_bucket", "_sum", "_count"}) {
            const std::string base = ends_with(family, end) ? family.substr(0, family.size() - std::string{end}.size()) : "";
            const auto known = out_.types.find(base);
            if (known != out_.types.end() && known->second == "histogram") {
                family = base;
                break;
            }
        }
        begin(family);
        if (!out_.types.count(family)) return fault("a sample without a TYPE before it: " + text);
        const std::string& kind = out_.types[family];
        ++samples_;
        if (!out_.samples.emplace(series(line->name, line->labels), line->value).second) fault("a series twice: " + text);
        if (kind == "counter" && !(line->value >= 0)) fault("a counter below zero: " + text);
        const bool bucket = kind == "histogram" && line->name == family + "_bucket";
        if (line->labels.count("le") != (bucket ? 1u : 0u)) fault("le is of buckets: " + text);
        if (kind != "histogram") return;
        Labels rest = line->labels;
        rest.erase("le");
        Histogram& h = histograms_[rest];
        if (line->name == family + "_sum") h.sum = line->value;
        if (line->name == family + "_count") h.count = line->value;
        if (!bucket || line->labels.count("le") == 0) return;
        const std::optional<double> upper = number(line->labels.at("le"));
        if (!upper) return fault("no number in le: " + text);
        if (!h.buckets.empty() && (*upper <= h.buckets.back().first || line->value < h.buckets.back().second)) fault("buckets do not rise: " + text);
        h.buckets.emplace_back(*upper, line->value);
    }

    void finish_family() {
        for (const auto& [labels, h] : histograms_) {
            if (!h.sum || !h.count) fault("a histogram without _sum or _count: " + series(family_, labels));
            if (h.buckets.empty() || !std::isinf(h.buckets.back().first))
                fault("a histogram without +Inf: " + series(family_, labels));
            else if (h.count && h.buckets.back().second != *h.count)
                fault("+Inf is not the count: " + series(family_, labels));
        }
        histograms_.clear();
        samples_ = 0;
    }

    struct Histogram {
        std::vector<std::pair<double, double>> buckets;
        std::optional<double> sum, count;
    };
    Exposed out_;
    std::size_t number_ = 0, samples_ = 0;
    std::string family_;
    std::set<std::string> seen_, helps_;
    std::map<Labels, Histogram> histograms_;
};

} // namespace

Exposed check_exposition(std::string_view text) {
    return Judge{}.judge(text);
}

} // namespace fluxgate::test
