// Incremental reading's texts: stored cursors and what people do to them, the stored memory of look-back, and Flux.
//
// Input: one byte chooses what the rest is (cursor, memory, query, names).
//   cursor: any text. What is read is written and read the same; export, import and rewind keep all but what they are for, and
//           refuse exactly what is no cursor.
//   memory: two bytes are the size of the list, then come chunks as long as the list says. What is loaded is known, and what is
//           written of it is loaded the same.
//   query:  any text. Looking at it takes a bounded time; of a query that is taken every call is on the list, which another, slower
//           reading of the text says.
//   names:  lines become the names of `read`. Its query is taken, and has as many tokens as one with harmless names.
#include "findings.hpp"
#include "input.hpp"
#include "state/cursor.hpp"
#include "window/cursor.hpp"
#include "window/fingerprints.hpp"
#include "window/flux_text.hpp"
#include "window/query.hpp"

#include "targets.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::fuzz::incremental {

namespace {

using window::Cursor;

void demand_same(const Cursor& a, const Cursor& b, std::string_view rule) {
    demand(a.position == b.position && a.planned == b.planned && a.passed == b.passed && a.identity == b.identity, rule);
}

void demand_told(const Error& error) {
    demand(!error.message.empty() && error.message.find('\n') == std::string::npos && is_utf8(error.message), "a refusal is one line of UTF-8");
}

void cursor(std::string_view text) {
    constexpr std::int64_t now = 1'800'000'000'123'456'789;
    const Result<Cursor> read = window::parse_cursor(text);
    const Result<std::string> out = state::exported(text, "p"), in = state::imported(text, "p"),
                              back = state::rewound(text, std::chrono::seconds{1}, now);
    demand_equal(out.ok(), read.ok(), "what is a cursor can be exported, and nothing else");
    if (!read.ok()) {
        demand_told(read.error());
        demand(!in.ok() && !back.ok(), "what is no cursor is neither imported nor rewound");
        return;
    }
    const Result<Cursor> again = window::parse_cursor(window::cursor_text(*read, now));
    demand(again.ok(), "what is written of a cursor is read");
    demand_same(*read, *again, "what is written of a cursor is read the same");
    const Result<std::string> home = state::imported(*out, "p"), away = state::imported(*out, "q");
    demand(home.ok() && !away.ok(), "an exported cursor goes back to its pipeline only");
    const Result<Cursor> came = window::parse_cursor(*home);
    demand(came.ok(), "an imported cursor is read");
    demand_same(*read, *came, "a cursor that was exported and imported is the same");
    if (!back.ok()) return demand_told(back.error());
    const Result<Cursor> moved = window::parse_cursor(*back);
    demand(moved.ok() && moved->position == read->position - 1'000'000'000 && moved->planned.empty() && moved->passed.empty() &&
               moved->identity == read->identity,
           "a rewound cursor stands earlier and has forgotten its windows alone");
}

std::string list_of(const window::Fingerprints& memory) {
    for (const window::Fingerprints::Change& change : memory.changes())
        if (change.name.empty()) return change.value;
    broken("what is remembered has a list", "");
}

void memory(std::string_view rest) {
    if (rest.size() < 2) return;
    const std::size_t size = static_cast<unsigned char>(rest[0]) | static_cast<std::size_t>(static_cast<unsigned char>(rest[1])) << 8;
    const std::string_view list = rest.substr(2, size);
    std::string_view values = rest.substr(std::min(rest.size(), 2 + size));
    window::Fingerprints loaded;
    if (const Result<void> read = loaded.load(list); !read.ok()) return demand_told(read.error());
    const std::vector<std::string> names = loaded.chunk_names();
    demand(names.size() <= window::Fingerprints::names, "no more chunks than there are names");
    std::vector<std::string_view> chunks;
    for (std::size_t i = 0; i < names.size(); ++i) {
        // What the list announces, as far as there is input; the last one gets what is left.
        std::uint64_t announced = 0;
        for (int k = 7; k >= 0; --k)
            announced = announced << 8 | static_cast<unsigned char>(list[20 + 32 * i + 24 + static_cast<std::size_t>(k)]);
        const std::string_view value = values.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(values.size(), announced * 8)));
        values.remove_prefix(value.size());
        const Result<void> read = loaded.load_chunk(i, value);
        demand_equal(read.ok(), value.size() == announced * 8, "a chunk is as long as its list says, or refused");
        if (!read.ok()) return demand_told(read.error());
        chunks.push_back(value);
    }
    std::size_t count = 0;
    for (const std::string_view value : chunks) {
        for (std::size_t at = 0; at < value.size(); at += 8, ++count) {
            std::uint64_t print = 0;
            for (std::size_t k = 8; k-- > 0;)
                print = print << 8 | static_cast<unsigned char>(value[at + k]);
            demand(loaded.knows(print), "what was loaded is known");
        }
    }
    demand_equal(loaded.size(), count, "as much is remembered as was loaded");
    const std::string written = list_of(loaded);
    window::Fingerprints again;
    demand(again.load(written).ok() && again.chunk_names() == names, "what is written of the memory is loaded");
    for (std::size_t i = 0; i < names.size(); ++i)
        demand(again.load_chunk(i, chunks[i]).ok(), "its chunks fit");
    demand(list_of(again) == written && again.size() == loaded.size() && again.floor() == loaded.floor() && again.newest() == loaded.newest(),
           "what is written of the memory is loaded the same");
}

// The second opinion: goes through the text character by character, with the mode that each one is read in on a stack, and takes
// down what stands before each opening bracket.
class Calls {
public:
    explicit Calls(std::string_view text) : text_(text) {
        for (; at_ < text_.size(); ++at_)
            modes_.back() == Mode::string ? in_string() : in_code();
    }
    std::vector<std::string> before_brackets; // the dotted name, or "?" where no name stands
    std::set<std::string> perhaps_functions;  // names before = (
    std::vector<std::string> significant;     // names and other characters, strings as one "

private:
    enum class Mode { code, string };

    static bool letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
    static bool digit(char c) { return c >= '0' && c <= '9'; }

    void in_string() {
        if (text_[at_] == '\\') {
            ++at_;
        } else if (text_[at_] == '"') {
            modes_.pop_back();
            braces_.pop_back();
            significant.emplace_back("\"");
        } else if (text_.substr(at_, 2) == "${") {
            ++at_;
            modes_.push_back(Mode::code);
            braces_.push_back(0);
            significant.emplace_back("{");
        }
    }

    void in_code() {
        const char c = text_[at_];
        if (std::string_view{" \t\r\n\f\v"}.find(c) != std::string_view::npos) return;
        if (text_.substr(at_, 2) == "//") {
            while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n')
                ++at_;
            return;
        }
        if (c == '"') {
            modes_.push_back(Mode::string);
            braces_.push_back(0);
            return;
        }
        if (c == '}' && modes_.size() > 1 && braces_.back() == 0) {
            modes_.pop_back();
            braces_.pop_back();
            significant.emplace_back("}");
            return;
        }
        braces_.back() += c == '{' ? 1 : c == '}' ? -1 : 0;
        if (letter(c)) return word();
        if (digit(c) || (c == '.' && at_ + 1 < text_.size() && digit(text_[at_ + 1]))) return number();
        if (c == '/' && value_may_follow()) return regular_expression();
        if (c == '(') bracket();
        significant.emplace_back(1, c);
    }

    void word() {
        const std::size_t begin = at_;
        while (at_ + 1 < text_.size() && (letter(text_[at_ + 1]) || digit(text_[at_ + 1])))
            ++at_;
        significant.emplace_back(text_.substr(begin, at_ + 1 - begin));
    }

    void number() {
        static constexpr std::string_view time = "dddd-dd-dd";
        bool is_time = at_ + time.size() <= text_.size();
        for (std::size_t k = 0; is_time && k < time.size(); ++k)
            is_time = time[k] == 'd' ? digit(text_[at_ + k]) : text_[at_ + k] == time[k];
        if (is_time) {
            at_ += time.size();
            while (at_ < text_.size() && (digit(text_[at_]) || std::string_view{"T:.Z"}.find(text_[at_]) != std::string_view::npos))
                ++at_;
            const std::string_view zone = text_.substr(at_, 6);
            if (zone.size() >= 4 && (zone[0] == '+' || zone[0] == '-') && digit(zone[1]) && digit(zone[2]) && zone[3] == ':') at_ += zone.size();
            --at_;
        } else {
            while (at_ + 1 < text_.size() &&
                   (letter(text_[at_ + 1]) || digit(text_[at_ + 1]) || (text_[at_ + 1] == '.' && at_ + 2 < text_.size() && digit(text_[at_ + 2]))))
                ++at_;
        }
        significant.emplace_back("0");
    }

    // Behind a value a slash divides.
    [[nodiscard]] bool value_may_follow() const {
        if (significant.empty()) return true;
        const std::string& before = significant.back();
        static const std::set<std::string> words{"and", "or", "not", "return", "then", "else", "if", "exists"};
        if (letter(before.front())) return words.count(before) != 0;
        return std::string_view{")]}\"0~"}.find(before.front()) == std::string_view::npos || before == "~";
    }

    void regular_expression() {
        for (++at_; at_ < text_.size() && text_[at_] != '/'; ++at_)
            if (text_[at_] == '\\') ++at_;
        significant.emplace_back("0");
    }

    void bracket() {
        const std::size_t n = significant.size();
        if (n == 0) return;
        const std::string& before = significant.back();
        if (n >= 2 && before == "=" && letter(significant[n - 2].front())) perhaps_functions.insert(significant[n - 2]);
        if (!letter(before.front())) {
            if (before == ")" || before == "]" || before == "}") before_brackets.emplace_back("?");
            return;
        }
        std::string name = before;
        for (std::size_t k = n - 1; k >= 1 && significant[k - 1] == "."; k -= 2) {
            if (k < 2 || !letter(significant[k - 2].front())) {
                name.insert(0, "?.");
                break;
            }
            name.insert(0, significant[k - 2] + ".");
            if (k < 3) break;
        }
        before_brackets.push_back(name);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Mode> modes_{Mode::code};
    std::vector<int> braces_{0};
};

void query(std::string_view text) {
    const std::vector<window::Token> tokens = window::tokens_of(text);
    demand(!tokens.empty(), "there is a last token");
    for (const window::Token& token : tokens) {
        demand(token.offset <= text.size() && token.text.size() <= text.size() - token.offset, "a token lies in the text");
        const bool last = &token == &tokens.back();
        const bool ends = token.kind == window::Token::Kind::end || token.kind == window::Token::Kind::broken;
        demand_equal(ends, last, "the last token says how the text ends");
    }
    const std::vector<std::string> faults = window::query_faults(text, {});
    const std::vector<std::string> aligned = window::query_faults(text, {true, false, true});
    demand(aligned.size() <= faults.size(), "with align nothing more is refused");
    (void)window::uses_window_period(text);
    for (const std::string& fault : faults)
        demand(!fault.empty(), "a fault says something");
    if (!faults.empty()) return;
    static const std::set<std::string> known{"from",  "range",  "filter",  "map",   "keep",     "drop",   "rename", "set",    "duplicate",
                                             "group", "yield",  "bool",    "bytes", "duration", "float",  "int",    "string", "time",
                                             "uint",  "toBool", "toFloat", "toInt", "toString", "toTime", "toUInt", "and",    "or",
                                             "not",   "return", "then",    "else",  "if",       "exists"};
    const Calls calls{text};
    for (const std::string& name : calls.before_brackets) {
        const bool fields_as_cols = name.size() > 13 && name.substr(name.size() - 13) == ".fieldsAsCols" &&
                                    text.find("\"influxdata/influxdb/schema\"") != std::string_view::npos;
        if (known.count(name) == 0 && calls.perhaps_functions.count(name) == 0 && !fields_as_cols)
            broken("every call of a query that is taken is on the list", name + "\nof " + std::string{text});
    }
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out(1);
    for (const char c : text) {
        if (c != '\n')
            out.back() += c;
        else if (out.size() < 12)
            out.emplace_back();
    }
    return out;
}

window::ReadSpec spec_of(const std::vector<std::string>& names, bool harmless) {
    window::ReadSpec read;
    std::vector<std::string>* lists[] = {&read.measurements, &read.fields, &read.columns, &read.others_than};
    for (std::size_t i = 0; i < names.size(); ++i)
        i == 0 ? static_cast<void>(read.bucket = harmless ? "b" : names[0]) : lists[i % 4]->push_back(harmless ? "n" : names[i]);
    return read;
}

void names(std::string_view text) {
    const std::vector<std::string> lines = lines_of(text);
    const std::string flux = window::flux_of(spec_of(lines, false)), harmless = window::flux_of(spec_of(lines, true));
    demand(window::query_faults(flux, {}).empty(), "what read writes is taken");
    const auto tokens = window::tokens_of(flux), plain = window::tokens_of(harmless);
    demand_equal(tokens.size(), plain.size(), "a name is one token, whatever it holds");
    for (std::size_t i = 0; i < tokens.size(); ++i)
        demand(tokens[i].kind == plain[i].kind && (tokens[i].kind == window::Token::Kind::string || tokens[i].text == plain[i].text),
               "a name changes nothing around it");
    demand_equal(window::tokens_of(window::flux_of_measurements(spec_of(lines, false))).size(),
                 window::tokens_of(window::flux_of_measurements(spec_of(lines, true))).size(), "nor where measurements are asked for");
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    static constexpr void (*readers[])(std::string_view) = {cursor, memory, query, names};
    Input input{data, size};
    const std::uint8_t which = input.byte();
    readers[which % std::size(readers)](input.rest());
    return 0;
}

} // namespace fluxgate::fuzz::incremental
