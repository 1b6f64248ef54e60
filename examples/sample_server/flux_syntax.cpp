#include "flux_syntax.hpp"

#include "flux_lexer.hpp"

#include <algorithm>
#include <optional>

namespace fluxgate::sample::flux {
namespace {

constexpr std::size_t max_statements = 64;
constexpr int max_depth = 64;
// Of operators, members and calls in one query: chains make trees as deep as they are long, and trees are walked by recursion.
constexpr int max_links = 1000;

using Kind = Expression::Kind;

// Recursive descent. The first failure stops everything: every reader answers false or nothing from then on.
class Parser {
public:
    explicit Parser(std::string_view query) : query_(query), lexer_(query), token_(lexer_.next()) {}

    Result<std::vector<Statement>> run() {
        std::vector<Statement> all;
        while (!failure_ && token_.kind != Token::Kind::end) {
            if (all.size() == max_statements) return compile_error(token_.span, "more than 64 statements");
            all.push_back(statement());
        }
        if (failure_) return *failure_;
        return all;
    }

private:
    Error compile_error(Span span, const std::string& text) {
        Error e = refusal(query_, span, text);
        e.message.insert(0, "compilation failed: ");
        return e;
    }

    // At the end of the text the server complains once for every call that is still open, the outermost first.
    void fail(Span span, const std::string& text) {
        if (failure_) return;
        if (token_.kind != Token::Kind::end && token_.kind != Token::Kind::open_string) {
            failure_ = compile_error(span, text);
            return;
        }
        const std::size_t end = query_.size();
        std::string all;
        for (const std::size_t begin : open_calls_) {
            all += refusal(query_, {begin, end}, "expected RPAREN, got EOF").message + "\n\n";
        }
        if (token_.kind == Token::Kind::open_string) {
            const std::string inner = "got unexpected token in string expression @" + place(query_, {end, end}) + ": EOF";
            all += refusal(query_, {token_.span.begin, end}, inner).message;
        } else if (open_calls_.empty()) {
            all += refusal(query_, span, text).message;
        } else {
            all.resize(all.size() - 2);
        }
        failure_ = refusal(query_, span, text);
        failure_->message = "compilation failed: " + all;
    }

    Token take() {
        Token old = std::move(token_);
        token_ = lexer_.next();
        last_end_ = old.span.end;
        return old;
    }

    [[nodiscard]] bool at(std::string_view symbol) const { return token_.kind == Token::Kind::symbol && token_.text == symbol; }
    [[nodiscard]] bool at_word(std::string_view word) const { return token_.kind == Token::Kind::word && token_.text == word; }

    bool expect(std::string_view symbol, const char* name) {
        if (failure_) return false;
        if (at(symbol)) {
            take();
            return true;
        }
        const std::string got = token_.kind == Token::Kind::end ? "EOF" : query_text(token_.span);
        fail(token_.span, std::string{"expected "} + name + ", got " + got);
        return false;
    }

    [[nodiscard]] std::string query_text(Span s) const { return std::string{query_.substr(s.begin, s.end - s.begin)}; }

    Statement statement() {
        Statement s;
        s.span.begin = token_.span.begin;
        if (at_word("import")) {
            take();
            s.kind = Statement::Kind::import;
            s.value = primary();
            if (s.value.kind != Kind::string) fail(s.value.span, "expected STRING, got " + query_text(s.value.span));
        } else {
            if (at_word("option")) {
                take();
                s.kind = Statement::Kind::option;
            }
            s.value = expression();
            if (s.value.kind == Kind::identifier && at("=")) {
                take();
                if (s.kind != Statement::Kind::option) s.kind = Statement::Kind::assignment;
                s.name = s.value.text;
                s.value = expression();
            } else if (s.kind == Statement::Kind::option) {
                fail(s.value.span, "expected ASSIGN, got " + query_text(token_.span));
            }
        }
        s.span.end = last_end_;
        return s;
    }

    Expression expression() {
        Expression e = logical(0);
        while (!failure_ && at("|>") && link()) {
            take();
            Expression call = logical(0);
            if (!failure_ && call.kind != Kind::call) fail(call.span, "pipe destination must be a function call");
            e = join(Kind::pipe, "|>", std::move(e), std::move(call));
        }
        return e;
    }

    // Counts one more link of a chain; false, with a failure, when there are too many.
    bool link() {
        if (++links_ > max_links) fail(token_.span, "the sample server takes at most 1000 operators, members and calls a query");
        return !failure_;
    }

    Expression join(Kind kind, std::string text, Expression left, Expression right) {
        Expression e{kind, {left.span.begin, right.span.end}, std::move(text)};
        e.children.push_back(std::move(left));
        e.children.push_back(std::move(right));
        return e;
    }

    // Levels from loose to tight: or, and, not, comparison.
    Expression logical(int level) {
        if (failure_ || ++depth_ > max_depth) {
            fail(token_.span, "nested deeper than 64 levels");
            return {};
        }
        Expression e;
        if (level < 2) {
            const std::string_view word = level == 0 ? "or" : "and";
            e = logical(level + 1);
            while (!failure_ && at_word(word) && link()) {
                take();
                e = join(Kind::binary, std::string{word}, std::move(e), logical(level + 1));
            }
        } else if (at_word("not")) {
            if (!link()) return {};
            const Span begin = take().span;
            e.kind = Kind::unary;
            e.text = "not";
            e.children.push_back(logical(2));
            e.span = {begin.begin, last_end_};
        } else {
            e = operand();
            for (const std::string_view op : {"==", "!=", "<=", ">=", "<", ">", "=~", "!~", "+", "-", "*", "/"}) {
                if (failure_ || !at(op)) continue;
                take();
                e = join(Kind::binary, std::string{op}, std::move(e), operand());
                break;
            }
        }
        --depth_;
        return e;
    }

    Expression operand() {
        if (at("-")) {
            if (!link()) return {};
            Expression e{Kind::unary, take().span, "-"};
            e.children.push_back(operand());
            e.span.end = last_end_;
            return e;
        }
        Expression e = primary();
        while (!failure_ && (at(".") || at("[") || at("(")) && link()) {
            if (at(".")) {
                take();
                Expression member{Kind::member, {e.span.begin, token_.span.end}, token_.text};
                if (token_.kind != Token::Kind::word) fail(token_.span, "expected IDENT, got " + query_text(token_.span));
                take();
                member.children.push_back(std::move(e));
                e = std::move(member);
            } else if (at("[")) {
                take();
                const Expression key = expression();
                if (key.kind != Kind::string) fail(key.span, "expected STRING, got " + query_text(key.span));
                expect("]", "RBRACK");
                Expression member{Kind::member, {e.span.begin, last_end_}, key.text};
                member.children.push_back(std::move(e));
                e = std::move(member);
            } else {
                e = call(std::move(e));
            }
        }
        return e;
    }

    Expression call(Expression function) {
        open_calls_.push_back(function.span.begin);
        Expression e{Kind::call, function.span};
        e.children.push_back(std::move(function));
        take();
        named(e, ")");
        expect(")", "RPAREN");
        if (failure_) return e;
        open_calls_.pop_back();
        e.span.end = last_end_;
        return e;
    }

    // name: value, name: value
    void named(Expression& into, std::string_view close) {
        while (!failure_ && !at(close) && token_.kind != Token::Kind::end) {
            const Token name = take();
            if (name.kind != Token::Kind::word && name.kind != Token::Kind::string) {
                fail(name.span, "expected IDENT, got " + query_text(name.span));
                return;
            }
            if (!expect(":", "COLON")) return;
            Expression value = expression();
            value.name = name.text;
            into.children.push_back(std::move(value));
            if (!at(",")) return;
            take();
        }
    }

    Expression primary() {
        if (failure_) return {};
        Expression e{Kind::identifier, token_.span, token_.text};
        e.number = token_.number;
        switch (token_.kind) {
        case Token::Kind::string: e.kind = Kind::string; break;
        case Token::Kind::integer: e.kind = Kind::integer; break;
        case Token::Kind::floating: e.kind = Kind::floating; break;
        case Token::Kind::duration: e.kind = Kind::duration; break;
        case Token::Kind::time: e.kind = Kind::time; break;
        case Token::Kind::word: break;
        case Token::Kind::symbol:
            if (at("(")) return at_function() ? function() : parenthesized();
            if (at("[")) return array();
            if (at("{")) return object();
            [[fallthrough]];
        case Token::Kind::end:
        case Token::Kind::open_string:
        case Token::Kind::illegal: {
            const std::string got = token_.kind == Token::Kind::end ? "EOF" : query_text(token_.span);
            fail(token_.span, "invalid expression @" + place(query_, token_.span) + ": " + got);
            return e;
        }
        }
        take();
        return e;
    }

    [[nodiscard]] bool at_function() const {
        Lexer ahead = lexer_;
        const Token name = ahead.next();
        return name.kind == Token::Kind::word && ahead.next().text == ")" && ahead.next().text == "=>";
    }

    Expression function() {
        Expression e{Kind::function, take().span};
        e.text = take().text;
        take();
        take();
        e.children.push_back(expression());
        e.span.end = last_end_;
        return e;
    }

    Expression parenthesized() {
        take();
        Expression e = expression();
        expect(")", "RPAREN");
        return e;
    }

    Expression array() {
        Expression e{Kind::array, take().span};
        while (!failure_ && !at("]")) {
            e.children.push_back(expression());
            if (!at(",")) break;
            take();
        }
        expect("]", "RBRACK");
        e.span.end = last_end_;
        return e;
    }

    Expression object() {
        Expression e{Kind::object, take().span};
        named(e, "}");
        expect("}", "RBRACE");
        e.span.end = last_end_;
        return e;
    }

    std::string_view query_;
    Lexer lexer_;
    Token token_;
    std::size_t last_end_ = 0;
    std::vector<std::size_t> open_calls_;
    int depth_ = 0, links_ = 0;
    std::optional<Error> failure_;
};

std::string position(std::string_view query, std::size_t offset) {
    const auto before = query.substr(0, std::min(offset, query.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto newline = before.rfind('\n');
    const std::size_t column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
    return std::to_string(line) + ':' + std::to_string(column);
}

} // namespace

std::string place(std::string_view query, Span span) {
    return position(query, span.begin) + '-' + position(query, span.end);
}

Error refusal(std::string_view query, Span span, const std::string& text) {
    Error e;
    e.code = Errc::query;
    e.http_status = 400;
    e.message = "error @" + place(query, span) + ": " + text;
    return e;
}

Result<std::vector<Statement>> parse(std::string_view query) {
    return Parser{query}.run();
}

} // namespace fluxgate::sample::flux
