#include "jsonpath/json_path.hpp"

#include "jsonpath/json_scan.hpp"

#include <charconv>
#include <optional>

namespace fluxgate::jsonpath {
namespace {

constexpr std::string_view null_text = "null";

bool begins_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool continues_name(char c) noexcept {
    return begins_name(c) || (c >= '0' && c <= '9');
}

Error malformed(std::size_t offset) {
    return {Errc::invalid_argument, "the message is not JSON at byte " + std::to_string(offset) + ", or nested deeper than " +
                                        std::to_string(max_nesting) + " levels; the stage that wrote it is at fault"};
}

const char* type_of(char first) noexcept {
    switch (first) {
    case '{': return "object";
    case '[': return "array";
    case '"': return "string";
    case 't':
    case 'f': return "boolean";
    default: return "number";
    }
}

bool same_name(std::string_view inside, std::string_view name) {
    if (inside.find('\\') == std::string_view::npos) return inside == name;
    std::size_t ignored = 0;
    const std::optional<std::string> decoded = decode_string(inside, ignored);
    return decoded && *decoded == name;
}

// The value of the last member called `name`.
Result<std::string_view> find_member(std::string_view json, std::string_view name) {
    Scanner at{json};
    std::string_view found = null_text;
    if (!at.take('{')) return malformed(at.at());
    if (at.take('}')) return found;
    do {
        std::string_view key;
        if (!at.string(key) || !at.take(':')) return malformed(at.at());
        at.peek();
        const std::size_t begin = at.at();
        if (!at.value()) return malformed(at.at());
        if (same_name(key, name)) found = at.from(begin);
    } while (at.take(','));
    if (!at.take('}')) return malformed(at.at());
    return found;
}

Result<std::int64_t> count_elements(std::string_view json) {
    Scanner at{json};
    std::int64_t count = 0;
    if (!at.take('[')) return malformed(at.at());
    if (at.take(']')) return count;
    do {
        if (!at.value()) return malformed(at.at());
        ++count;
    } while (at.take(','));
    if (!at.take(']')) return malformed(at.at());
    return count;
}

Result<std::string_view> find_element(std::string_view json, std::int64_t index) {
    if (index < 0) {
        const Result<std::int64_t> count = count_elements(json);
        if (!count.ok()) return count.error();
        index += *count;
        if (index < 0) return null_text;
    }
    Scanner at{json};
    if (!at.take('[')) return malformed(at.at());
    if (at.take(']')) return null_text;
    for (std::int64_t i = 0;; ++i) {
        at.peek();
        const std::size_t begin = at.at();
        if (!at.value()) return malformed(at.at());
        if (i == index) return at.from(begin);
        if (!at.take(',')) break;
    }
    if (!at.take(']')) return malformed(at.at());
    return null_text;
}

} // namespace

// Reads a path from left to right.
class JsonPath::Compiler {
public:
    explicit Compiler(std::string_view text) : text_(text) {}

    Result<std::vector<Step>> run() {
        if (text_.empty()) return error("the path is empty");
        if (text_ == ".") return std::vector<Step>{};
        while (at_ < text_.size()) {
            const Result<void> step = one_step();
            if (!step.ok()) return step.error();
        }
        return std::move(steps_);
    }

private:
    [[nodiscard]] Error error(const std::string& what) const {
        return {Errc::configuration, "path " + std::string{text_} + ": " + what + " at position " + std::to_string(at_) +
                                         "; allowed are ., .name, .\"any name\", [\"any name\"], [0] and chains of them"};
    }

    Result<void> one_step() {
        if (text_[at_] == '[') return bracket();
        if (text_[at_] != '.') return error(steps_.empty() ? "a path begins with . or [, found something else" : "expected . or [");
        ++at_;
        if (at_ == text_.size()) return error("a name is missing");
        if (text_[at_] == '[') return bracket();
        if (text_[at_] == '"') return quoted();
        return plain_name();
    }

    Result<void> plain_name() {
        if (!begins_name(text_[at_])) return error("a name begins with a letter or _ (put other names in quotes)");
        const std::size_t begin = at_;
        while (at_ < text_.size() && continues_name(text_[at_]))
            ++at_;
        steps_.push_back({true, std::string{text_.substr(begin, at_ - begin)}, 0});
        return {};
    }

    Result<void> quoted() {
        Scanner scanner{text_, at_};
        std::string_view inside;
        if (!scanner.string(inside)) return error("the quoted name does not end");
        std::size_t bad = 0;
        std::optional<std::string> name = decode_string(inside, bad);
        if (!name) {
            at_ += 1 + bad;
            return error("an escape that JSON does not have");
        }
        at_ = scanner.at();
        steps_.push_back({true, *std::move(name), 0});
        return {};
    }

    Result<void> bracket() {
        ++at_;
        Result<void> inside = at_ < text_.size() && text_[at_] == '"' ? quoted() : index();
        if (!inside.ok()) return inside;
        if (at_ == text_.size() || text_[at_] != ']') return error("expected ]");
        ++at_;
        return {};
    }

    Result<void> index() {
        std::int64_t value = 0;
        const auto [end, failed] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (failed == std::errc::result_out_of_range) return error("the index is too large");
        if (failed != std::errc{}) return error("expected an index or a quoted name");
        at_ = static_cast<std::size_t>(end - text_.data());
        steps_.push_back({false, {}, value});
        return {};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Step> steps_;
};

Result<JsonPath> JsonPath::compile(std::string_view text) {
    Result<std::vector<Step>> steps = Compiler{text}.run();
    if (!steps.ok()) return steps.error();
    JsonPath path;
    path.text_ = text;
    path.steps_ = *std::move(steps);
    path.payload_ = path.steps_.size() == 1 && path.steps_[0].by_name && path.steps_[0].name == "payload";
    return path;
}

Result<std::string_view> JsonPath::find(std::string_view json) const {
    for (const Step& step : steps_) {
        Result<std::string_view> next = apply(step, json);
        if (!next.ok()) return next;
        json = *next;
    }
    return json;
}

Result<std::string_view> JsonPath::apply(const Step& step, std::string_view json) {
    Scanner at{json};
    const char first = at.peek();
    if (at.at() == json.size()) return malformed(at.at());
    if (first == 'n') return null_text;
    if (step.by_name && first == '{') return find_member(json, step.name);
    if (!step.by_name && first == '[') return find_element(json, step.index);
    std::string what = step.by_name ? "\"" + step.name + "\"" : std::to_string(step.index);
    return Error{Errc::jq, std::string{"cannot index a JSON "} + type_of(first) + " with " + what};
}

} // namespace fluxgate::jsonpath
