#include "jq/reads.hpp"

#include "jq/lexer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace fluxgate::jq {
namespace {

using Kind = Token::Kind;

// What the value of a subexpression (or its input, the `.`) is.
enum class Is {
    root,       // the whole message
    payload,    // its payload object
    properties, // its properties object
    derived,    // a function of what was recorded as read
};

struct Builtin {
    std::string_view name;
    std::size_t arity;
    constexpr auto operator<=>(const Builtin&) const = default; // NOLINT(modernize-use-nullptr): the check takes the comparison with 0 for a pointer
};

// Functions whose outputs (and errors) are determined by their input and arguments. An input or an argument that is not
// derived from recorded reads disqualifies the call, so it does not matter what they do with them. Absent on purpose:
// whatever takes the clock, the time zone or the program's surroundings. Sorted.
constexpr std::array pure{
    Builtin{"IN", 1},
    Builtin{"abs", 0},
    Builtin{"add", 0},
    Builtin{"add", 1},
    Builtin{"all", 0},
    Builtin{"all", 1},
    Builtin{"all", 2},
    Builtin{"any", 0},
    Builtin{"any", 1},
    Builtin{"any", 2},
    Builtin{"arrays", 0},
    Builtin{"ascii", 0},
    Builtin{"ascii_downcase", 0},
    Builtin{"ascii_upcase", 0},
    Builtin{"booleans", 0},
    Builtin{"capture", 1},
    Builtin{"capture", 2},
    Builtin{"cbrt", 0},
    Builtin{"ceil", 0},
    Builtin{"contains", 1},
    Builtin{"endswith", 1},
    Builtin{"error", 0},
    Builtin{"error", 1},
    Builtin{"exp", 0},
    Builtin{"exp10", 0},
    Builtin{"exp2", 0},
    Builtin{"explode", 0},
    Builtin{"fabs", 0},
    Builtin{"first", 0},
    Builtin{"first", 1},
    Builtin{"flatten", 0},
    Builtin{"flatten", 1},
    Builtin{"floor", 0},
    Builtin{"fmax", 2},
    Builtin{"fmin", 2},
    Builtin{"fmod", 2},
    Builtin{"from_entries", 0},
    Builtin{"fromjson", 0},
    Builtin{"group_by", 1},
    Builtin{"gsub", 2},
    Builtin{"gsub", 3},
    Builtin{"has", 1},
    Builtin{"implode", 0},
    Builtin{"in", 1},
    Builtin{"index", 1},
    Builtin{"indices", 1},
    Builtin{"inside", 1},
    Builtin{"isempty", 1},
    Builtin{"isinfinite", 0},
    Builtin{"isnan", 0},
    Builtin{"isnormal", 0},
    Builtin{"iterables", 0},
    Builtin{"join", 1},
    Builtin{"keys", 0},
    Builtin{"keys_unsorted", 0},
    Builtin{"last", 0},
    Builtin{"last", 1},
    Builtin{"length", 0},
    Builtin{"log", 0},
    Builtin{"log10", 0},
    Builtin{"log2", 0},
    Builtin{"ltrim", 0},
    Builtin{"ltrimstr", 1},
    Builtin{"map", 1},
    Builtin{"match", 1},
    Builtin{"match", 2},
    Builtin{"max", 0},
    Builtin{"max_by", 1},
    Builtin{"min", 0},
    Builtin{"min_by", 1},
    Builtin{"not", 0},
    Builtin{"nth", 1},
    Builtin{"nulls", 0},
    Builtin{"numbers", 0},
    Builtin{"objects", 0},
    Builtin{"pow", 2},
    Builtin{"reverse", 0},
    Builtin{"rindex", 1},
    Builtin{"round", 0},
    Builtin{"rtrim", 0},
    Builtin{"rtrimstr", 1},
    Builtin{"scalars", 0},
    Builtin{"scan", 1},
    Builtin{"scan", 2},
    Builtin{"select", 1},
    Builtin{"sort", 0},
    Builtin{"sort_by", 1},
    Builtin{"split", 1},
    Builtin{"split", 2},
    Builtin{"splits", 1},
    Builtin{"splits", 2},
    Builtin{"sqrt", 0},
    Builtin{"startswith", 1},
    Builtin{"strings", 0},
    Builtin{"sub", 2},
    Builtin{"sub", 3},
    Builtin{"test", 1},
    Builtin{"test", 2},
    Builtin{"to_entries", 0},
    Builtin{"tojson", 0},
    Builtin{"tonumber", 0},
    Builtin{"tostring", 0},
    Builtin{"transpose", 0},
    Builtin{"trim", 0},
    Builtin{"trunc", 0},
    Builtin{"type", 0},
    Builtin{"unique", 0},
    Builtin{"unique_by", 1},
    Builtin{"utf8bytelength", 0},
    Builtin{"values", 0},
    Builtin{"with_entries", 1},
};
static_assert(std::ranges::is_sorted(pure));

// A recursive-descent reader of the part of jq's grammar that it understands; anything else fails the analysis. It
// follows values, not text: each rule takes what its input is and answers what its outputs are.
class Analysis {
public:
    explicit Analysis(std::string_view expression) : tokens_(tokenize(expression)) {}

    Reads run() {
        // Definitions may give any name another meaning.
        const auto redefines = [](const Token& t) { return t.kind == Kind::invalid || t.word("def"); };
        if (tokens_.ambiguous_comment || std::ranges::any_of(tokens_.list, redefines)) return {};
        const Is value = pipe(Is::root);
        if (failed_ || value != Is::derived || look().kind != Kind::end) return {};
        reads_.everything = false;
        std::ranges::sort(reads_.payload);
        reads_.payload.erase(std::unique(reads_.payload.begin(), reads_.payload.end()), reads_.payload.end());
        return std::move(reads_);
    }

private:
    // --- tokens ---
    [[nodiscard]] const Token& look(std::size_t ahead = 0) const noexcept { return tokens_.list[std::min(at_ + ahead, tokens_.list.size() - 1)]; }
    bool take_op(std::string_view op) noexcept { return look().op(op) && (++at_, true); }
    bool take_word(std::string_view word) noexcept { return look().word(word) && (++at_, true); }
    void expect(bool taken) {
        if (!taken) fail();
    }
    // After a failure only the end is seen, so every rule returns.
    Is fail() {
        failed_ = true;
        at_ = tokens_.list.size() - 1;
        return Is::derived;
    }

    // --- values ---
    Is same(Is a, Is b) { return a == b ? a : fail(); }
    Is need_derived(Is value) { return value == Is::derived ? value : fail(); }

    Is access(Is base, std::string_view name) {
        switch (base) {
        case Is::root:
            if (name == "payload") return Is::payload;
            return name == "properties" ? Is::properties : fail();
        case Is::payload: reads_.payload.emplace_back(name); return Is::derived;
        case Is::properties:
            if (name != "result" && name != "table") return fail();
            (name == "result" ? reads_.result : reads_.table) = true;
            return Is::derived;
        case Is::derived: break;
        }
        return Is::derived;
    }

    // --- rules, from the loosest binding to the tightest ---
    Is pipe(Is input) {
        if (++depth_ > max_depth) return fail();
        Is value = comma(input);
        if (take_op("|")) value = pipe(value);
        --depth_;
        return value;
    }

    Is comma(Is input) {
        Is value = alternative(input);
        while (take_op(","))
            value = same(value, alternative(input));
        return value;
    }

    Is alternative(Is input) {
        Is value = binary(input);
        while (take_op("//"))
            value = same(value, binary(input));
        return value;
    }

    // or, and, comparisons and arithmetic: how they nest makes no difference to what is read, all operands see one input.
    Is binary(Is input) {
        Is value = unary(input);
        while (binary_operator()) {
            ++at_;
            need_derived(value);
            value = need_derived(unary(input));
        }
        // Updates and whatever else is not known: the caller finds a token it does not expect, and the analysis fails.
        return value;
    }

    [[nodiscard]] bool binary_operator() const noexcept {
        constexpr std::array<std::string_view, 11> operators{"+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">="};
        const Token& t = look();
        return t.word("and") || t.word("or") || (t.kind == Kind::op && std::ranges::find(operators, t.text) != operators.end());
    }

    Is unary(Is input) {
        if (++depth_ > max_depth) return fail();
        const Is value = take_op("-") ? need_derived(unary(input)) : postfix(input);
        --depth_;
        return value;
    }

    Is postfix(Is input) {
        if (look().word("try")) return attempt(input);
        const Is value = term(input);
        if (look().word("as")) return binding(input, value);
        return value;
    }

    // `try X catch Y` with plain terms only: whether operators after them belong to them differs between versions.
    Is attempt(Is input) {
        ++at_;
        const Is body = term(input);
        Is value = body;
        // The handler's input is an error's message, and the body reads nothing unrecorded.
        if (take_word("catch")) value = same(body, term(Is::derived));
        if (look().word("as") || look().word("catch")) return fail();
        return value;
    }

    // `X as $name | BODY`, the body reaching as far as it can.
    Is binding(Is input, Is value) {
        ++at_;
        if (!look().op("$") || look(1).kind != Kind::word) return fail();
        variables_.emplace_back(look(1).text, value);
        at_ += 2;
        expect(take_op("|"));
        const Is body = pipe(input);
        variables_.pop_back();
        return body;
    }

    Is term(Is input) {
        Is value = primary(input);
        while (true) {
            if (look().kind == Kind::field) {
                value = access(value, look().text);
                ++at_;
            } else if (look().op(".") && look(1).kind == Kind::string_start) {
                ++at_;
                value = string_access(input, value);
            } else if (look().op(".") && look(1).op("[")) {
                ++at_;
            } else if (take_op("[")) {
                value = subscript(input, value);
            } else if (!take_op("?")) {
                return value;
            }
        }
    }

    Is primary(Is input) {
        const Token& t = look();
        switch (t.kind) {
        case Kind::field: return input; // the loop of term reads it
        case Kind::number: ++at_; return Is::derived;
        case Kind::format: ++at_; return look().kind == Kind::string_start ? string(input) : need_derived(input);
        case Kind::string_start: return string(input);
        case Kind::word: return word(input);
        case Kind::op: return bracket(input);
        default: return fail();
        }
    }

    Is bracket(Is input) {
        if (take_op("(")) {
            const Is value = pipe(input);
            expect(take_op(")"));
            return value;
        }
        if (take_op("[")) {
            if (take_op("]")) return Is::derived;
            need_derived(pipe(input));
            expect(take_op("]"));
            return Is::derived;
        }
        if (take_op("{")) return object(input);
        if (take_op("$")) return variable();
        if (look().op(".") && look(1).kind == Kind::string_start) return input; // the loop of term reads it
        return take_op(".") ? input : fail();
    }

    Is variable() {
        const Token name = look();
        ++at_;
        const auto found = std::find_if(variables_.rbegin(), variables_.rend(), [&](const auto& v) { return v.first == name.text; });
        return name.kind == Kind::word && found != variables_.rend() ? found->second : fail();
    }

    // A string literal: its text if nothing is interpolated.
    bool literal(std::string& out) {
        std::size_t ahead = 1;
        out.clear();
        for (; look(ahead).kind == Kind::string_text; ++ahead)
            if (!unescape(look(ahead).text, out)) return false;
        if (look().kind != Kind::string_start || look(ahead).kind != Kind::string_end) return false;
        at_ += ahead + 1;
        return true;
    }

    Is string(Is input) {
        ++at_;
        while (look().kind == Kind::string_text || look().kind == Kind::interp_start) {
            if (look(0).kind == Kind::string_text) {
                ++at_;
                continue;
            }
            ++at_;
            need_derived(pipe(input));
            expect(look().kind == Kind::interp_end);
            if (!failed_) ++at_;
        }
        expect(look().kind == Kind::string_end);
        if (!failed_) ++at_;
        return Is::derived;
    }

    // `."name"`
    Is string_access(Is input, Is base) {
        std::string name;
        if (literal(name)) return access(base, name);
        need_derived(string(input));
        return need_derived(base);
    }

    // What follows `[` behind a term.
    Is subscript(Is input, Is base) {
        if (take_op("]")) return need_derived(base);
        const std::size_t before = at_;
        std::string name;
        if (literal(name) && take_op("]")) return access(base, name);
        if (failed_) return fail();
        at_ = before;
        need_derived(base);
        if (!look().op(":")) need_derived(pipe(input));
        if (take_op(":") && !look().op("]")) need_derived(pipe(input));
        expect(take_op("]"));
        return Is::derived;
    }

    // What follows `{`.
    Is object(Is input) {
        while (!failed_ && !look().op("}")) {
            entry(input);
            if (!take_op(",")) break;
        }
        expect(take_op("}"));
        return Is::derived;
    }

    void entry(Is input) {
        std::string name;
        bool shorthand = false;
        if (take_op("$")) {
            need_derived(variable());
            return;
        }
        if (take_op("(")) {
            need_derived(pipe(input));
            expect(take_op(")"));
        } else if (look().kind == Kind::word) {
            name = look().text;
            shorthand = true;
            ++at_;
        } else if (look().kind == Kind::string_start) {
            shorthand = literal(name);
            if (!shorthand) need_derived(string(input));
        } else {
            fail();
        }
        if (take_op(":")) {
            object_value(input);
        } else if (shorthand) {
            need_derived(access(input, name));
        } else {
            fail();
        }
    }

    // In an object a value is a term, or terms piped into each other.
    void object_value(Is input) {
        Is value = take_op("-") ? need_derived(term(input)) : term(input);
        while (take_op("|"))
            value = term(value);
        need_derived(value);
    }

    Is word(Is input) {
        static constexpr std::array<std::string_view, 3> constants{"true", "false", "null"};
        static constexpr std::array<std::string_view, 17> keywords{"as", "import", "include", "module",  "def",   "then",  "else",  "elif",   "and",
                                                                   "or", "end",    "reduce",  "foreach", "catch", "label", "break", "__loc__"};
        const std::string_view name = look().text;
        if (name == "if") return condition(input);
        if (std::ranges::find(keywords, name) != keywords.end()) return fail();
        ++at_;
        if (look().op("(")) return call(input, name);
        if (std::ranges::find(constants, name) != constants.end() || name == "empty" || name == "nan" || name == "infinite") return Is::derived;
        return std::ranges::binary_search(pure, Builtin{name, 0}) ? need_derived(input) : fail();
    }

    Is condition(Is input) {
        std::optional<Is> value;
        do {
            ++at_; // if or elif
            need_derived(pipe(input));
            expect(take_word("then"));
            const Is yes = pipe(input);
            value = value ? same(*value, yes) : yes;
        } while (look().word("elif"));
        const Is no = take_word("else") ? pipe(input) : input;
        expect(take_word("end"));
        return same(*value, no);
    }

    Is call(Is input, std::string_view name) {
        const std::size_t open = at_;
        if (name == "has" && input == Is::payload) {
            // Whether a column is there is part of what Reads says of it.
            ++at_;
            std::string column;
            if (literal(column) && take_op(")")) return access(input, column);
            return fail();
        }
        // These work on the input as it is, or not at all.
        const bool passes = name == "select" || name == "first" || name == "last" || name == "range" || name == "error";
        if (!passes) need_derived(input);
        at_ = failed_ ? at_ : open + 1;

        std::size_t arity = 0;
        Is last = Is::derived;
        do {
            last = pipe(input);
            if (name != "first" && name != "last") need_derived(last);
            ++arity;
        } while (take_op(";"));
        expect(take_op(")"));
        if (name == "range" && arity <= 3) return Is::derived;
        if (!std::ranges::binary_search(pure, Builtin{name, arity})) return fail();
        if (name == "select") return input;
        return name == "first" || name == "last" ? last : Is::derived;
    }

    static constexpr int max_depth = 200;

    Tokens tokens_;
    std::size_t at_ = 0;
    int depth_ = 0;
    bool failed_ = false;
    std::vector<std::pair<std::string_view, Is>> variables_;
    Reads reads_;
};

} // namespace

Reads analyse(std::string_view expression) {
    return Analysis{expression}.run();
}

} // namespace fluxgate::jq
