#include "window/flux_text.hpp"

#include <algorithm>

namespace fluxgate::window {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
// Flux takes any letter of Unicode; what is beyond ASCII counts as one.
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    std::vector<Token> run() {
        read(false);
        tokens_.push_back({broken_ ? Token::Kind::broken : Token::Kind::end, {}, at_});
        return std::move(tokens_);
    }

private:
    static constexpr std::size_t most_depth = 100; // interpolations inside each other

    [[nodiscard]] bool has(std::string_view s) const { return text_.substr(at_, s.size()) == s; }

    void push(Token::Kind kind, std::size_t begin) { tokens_.push_back({kind, text_.substr(begin, at_ - begin), begin}); }

    // Up to the end of the text, or of the interpolation whose opening brace was read.
    void read(bool interpolation) {
        int braces = 0;
        while (!broken_) {
            skip_blanks();
            if (at_ == text_.size()) {
                broken_ = interpolation;
                return;
            }
            if (interpolation && text_[at_] == '}' && braces == 0) return;
            if (text_[at_] == '{') ++braces;
            if (text_[at_] == '}') --braces;
            token();
        }
    }

    void token() {
        const std::size_t begin = at_;
        const char c = text_[at_];
        if (c == '"') return string();
        if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return number();
        if (is_letter(c)) {
            while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_])))
                ++at_;
            return push(Token::Kind::name, begin);
        }
        if (c == '/' && regex_may_stand_here()) return regex();
        for (const std::string_view two : {"|>", "<-", "==", "!=", "<=", ">=", "=~", "!~", "=>"}) {
            if (!has(two)) continue;
            at_ += 2;
            return push(Token::Kind::symbol, begin);
        }
        ++at_;
        push(Token::Kind::symbol, begin);
    }

    void skip_blanks() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v') {
                ++at_;
            } else if (has("//")) {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else {
                return;
            }
        }
    }

    // A slash divides behind a value; the server's scanner looks for a regular expression in the same places.
    [[nodiscard]] bool regex_may_stand_here() const {
        if (tokens_.empty()) return true;
        const Token& before = tokens_.back();
        if (before.kind == Token::Kind::symbol) return before.text != ")" && before.text != "]" && before.text != "}";
        if (before.kind == Token::Kind::name) {
            static constexpr std::string_view operators[] = {"and", "or", "not", "return", "then", "else", "if", "exists"};
            return std::find(std::begin(operators), std::end(operators), before.text) != std::end(operators);
        }
        return false;
    }

    void regex() {
        const std::size_t begin = at_;
        for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
            if (text_[at_] == '\\') {
                ++at_;
            } else if (text_[at_] == '/') {
                ++at_;
                return push(Token::Kind::regex, begin);
            }
        }
        at_ = std::min(at_, text_.size());
        broken_ = true;
    }

    void number() {
        const std::size_t begin = at_;
        // Numbers, durations (1h30m) and times (2026-01-01T00:00:00.5Z, which has signs inside).
        const auto rest = [&] {
            while (at_ < text_.size() &&
                   (is_digit(text_[at_]) || is_letter(text_[at_]) || (text_[at_] == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))))
                ++at_;
        };
        rest();
        const auto digits = [&](std::size_t at, std::size_t count) {
            for (std::size_t i = 0; i < count; ++i)
                if (at + i >= text_.size() || !is_digit(text_[at + i])) return false;
            return true;
        };
        if (at_ - begin == 4 && has("-") && digits(begin, 4) && digits(at_ + 1, 2) && text_.substr(at_ + 3, 1) == "-" && digits(at_ + 4, 2)) {
            at_ += 6;
            while (at_ < text_.size() && (is_digit(text_[at_]) || std::string_view{"T:.Z"}.find(text_[at_]) != std::string_view::npos))
                ++at_;
            if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-') && digits(at_ + 1, 2) && text_.substr(at_ + 3, 1) == ":") at_ += 6;
        }
        at_ = std::min(at_, text_.size());
        push(Token::Kind::number, begin);
    }

    void string() {
        const std::size_t begin = at_, place = tokens_.size();
        tokens_.push_back({Token::Kind::string, {}, begin});
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                tokens_[place].text = text_.substr(begin, at_ - begin);
                return;
            }
            if (c == '\\') {
                ++at_;
            } else if (has("${")) {
                at_ += 2;
                if (++depth_ > most_depth) break;
                // What stands inside is code of its own: a brace before it lets a regular expression begin.
                tokens_.push_back({Token::Kind::symbol, text_.substr(at_ - 1, 1), at_ - 1});
                read(true);
                --depth_;
                if (broken_) return;
                tokens_.push_back({Token::Kind::symbol, text_.substr(at_, 1), at_});
            }
        }
        at_ = std::min(at_, text_.size());
        broken_ = true;
    }

    std::string_view text_;
    std::size_t at_ = 0, depth_ = 0;
    bool broken_ = false;
    std::vector<Token> tokens_;
};

} // namespace

std::vector<Token> tokens_of(std::string_view query) {
    return Lexer{query}.run();
}

std::string flux_string(std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '$': out += "\\$"; break; // else ${ begins an interpolation
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (u >= 0x20 && u != 0x7F) {
                out += c;
            } else {
                out += "\\x";
                out += hex[u >> 4];
                out += hex[u & 15];
            }
        }
    }
    return out + '"';
}

} // namespace fluxgate::window
