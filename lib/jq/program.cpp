#include "jq/program.hpp"

#include "jq/lexer.hpp"
#include "jq/path.hpp"
#include "jq/watchdog.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

extern "C" {
#include <jq.h>
}

namespace fluxgate::jq {
namespace {

constexpr std::string_view see_expression = "the jq expression does not compile: ";

Error refused(std::string text) {
    return Error{Errc::jq, std::move(text)};
}

// libjq 1.6 reads $HOME/.jq when it is a file; 1.7 reads that or, without it, $HOME/jq/main.jq.
std::optional<Error> foreign_definitions() {
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') return std::nullopt;
    for (const char* name : {".jq", "jq/main.jq"}) {
        const std::filesystem::path path = std::filesystem::path{home} / name;
        std::error_code ignored; // a path that cannot be examined cannot be read by libjq either
        if (std::filesystem::is_regular_file(path, ignored))
            return refused("jq expressions are not compiled while the file " + path.string() +
                           " exists: libjq would add its definitions to every expression. Move it away, or clear HOME for this process");
    }
    return std::nullopt;
}

// What can be judged without libjq.
std::optional<Error> check_text(std::string_view expression) {
    if (expression.size() > Program::max_expression_bytes)
        return refused("the jq expression has " + std::to_string(expression.size()) + " bytes; at most " +
                       std::to_string(Program::max_expression_bytes) + " are allowed");
    if (const auto at = expression.find('\0'); at != std::string_view::npos)
        return refused("the jq expression has a NUL character (" + place_text(expression, at) + ")");
    if (auto text = find_refused_syntax(expression)) return refused(std::move(*text));

    const Tokens tokens = tokenize(expression);
    if (tokens.list.size() == 1) return refused("the jq expression is empty; \".\" stands for the whole message");
    // libjq 1.6 takes definitions without an expression for ".", later versions refuse them.
    if (tokens.list[tokens.list.size() - 2].op(";"))
        return refused("the jq expression only defines functions: an expression must follow the last \";\"");
    return std::nullopt;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

std::size_t read_number(std::string_view text) noexcept {
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// The offset of line `line` (1-based) in the text.
std::size_t line_start(std::string_view text, std::size_t line) noexcept {
    std::size_t start = 0;
    for (std::size_t n = 1; n < line; ++n) {
        const std::size_t newline = text.find('\n', start);
        if (newline == std::string_view::npos) return text.size();
        start = newline + 1;
    }
    return start;
}

// "jq: error: MESSAGE at <top-level>, line N:\nLINE" followed by as many spaces as stand before the place (1.6, 1.7), or
// "... line N, column M:" (1.8), becomes "MESSAGE (line n, column m)". The prefix is line 1 of what libjq compiled.
std::string readable(std::string text, std::string_view expression) {
    if (text.starts_with("jq: error: ")) text.erase(0, 11);
    replace_all(text, " (Unix shell quoting issues?)", "");
    replace_all(text, " (Windows cmd shell quoting issues?)", "");
    replace_all(text, "$end", "end of the expression");
    replace_all(text, "end of file", "end of the expression");

    constexpr std::string_view place = " at <top-level>, line ";
    const std::size_t at = text.rfind(place);
    if (at == std::string::npos) return text;
    std::string_view rest = std::string_view{text}.substr(at + place.size());
    const std::size_t line = read_number(rest);
    const std::size_t newline = rest.find('\n');
    if (line < 2 || newline == std::string_view::npos) return text.substr(0, at);

    const std::size_t start = line_start(expression, line - 1);
    const std::string_view source = expression.substr(start, expression.find('\n', start) - start);
    std::size_t column = 0;
    constexpr std::string_view column_word = ", column ";
    if (const std::size_t c = rest.substr(0, newline).find(column_word); c != std::string_view::npos) {
        column = std::max<std::size_t>(read_number(rest.substr(c + column_word.size())), 1) - 1;
    } else if (rest.size() >= newline + 1 + source.size()) {
        column = rest.size() - newline - 1 - source.size();
    }
    std::string where = " (" + place_text(expression, start + std::min(column, source.size())) + ")";
    return text.substr(0, at) + where;
}

// Collects libjq's messages while it compiles.
struct Complaints {
    std::vector<std::string> texts;

    static void add(void* self, jv message) { static_cast<Complaints*>(self)->texts.push_back(message_text(message)); }

    [[nodiscard]] Error error(std::string_view expression) const {
        for (const std::string& text : texts)
            if (auto explained = explain_refusal(text, expression)) return refused(std::move(*explained));
        std::string all;
        for (const std::string& text : texts) {
            const bool summary = text.starts_with("jq: ") && text.find(" compile error") != std::string::npos;
            if (summary && texts.size() > 1) continue;
            if (!all.empty()) all += "; ";
            all += readable(text, expression);
        }
        return refused(std::string{see_expression} + (all.empty() ? "libjq gives no reason" : shortened(all, 2000)));
    }
};

} // namespace

void Evaluation::clear() noexcept {
    outputs.clear();
    left = failed = timed_out = false;
    error.clear();
}

struct Program::Impl {
    jq_state* state = nullptr; // none yet while a path was all that was needed
    std::string expression;
    Use use = Use::general;
    std::optional<std::vector<std::string>> path;
    std::chrono::nanoseconds limit{};
    Watched watched;
    Evaluation evaluation;

    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { jq_teardown(&state); }

    Result<void> load();

    // Runs the started program; true when it has to be asked whether an error ended it (`last`).
    void collect(std::size_t max_outputs, Value& last) {
        while (evaluation.outputs.size() < max_outputs) {
            Value value{jq_next(state)};
            if (!value.valid()) {
                last = std::move(value);
                return;
            }
            evaluation.outputs.push_back(std::move(value));
        }
        evaluation.left = true;
    }

    void judge(Value last) {
        Value message{jv_invalid_get_msg(last.release())};
        // jv_invalid_has_msg answers differently in 1.8 for error(null); the message itself does not.
        if (message.kind() == JV_KIND_NULL || !message.valid()) return;
        evaluation.failed = true;
        evaluation.error = message_text(message.release());
    }
};

Program::Program(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Program::~Program() = default;

Result<void> Program::Impl::load() {
    if (auto error = foreign_definitions()) return std::move(*error);
    if (auto running = Watchdog::instance().ensure_running(); !running) return running;
    struct Teardown {
        void operator()(jq_state* made) const { jq_teardown(&made); }
    };
    std::unique_ptr<jq_state, Teardown> made{jq_init()};
    if (made == nullptr) return Error{Errc::internal, "libjq has no memory for a jq expression"};
    // 1.6 leaves these uninitialised.
    jq_set_nomem_handler(made.get(), nullptr, nullptr);
    jq_set_input_cb(made.get(), nullptr, nullptr);
    jq_set_debug_cb(made.get(), nullptr, nullptr);

    // Nothing of the prefix is open when the expression begins, so the expression cannot close it; and the prefix being
    // there, module directives are syntax errors. The line break at the end keeps the position of an error at the very
    // end inside the text, which libjq asserts.
    const std::string text = refusal_prefix(use) + "\n" + expression + "\n";
    Complaints complaints;
    jq_set_error_cb(made.get(), Complaints::add, &complaints);
    const bool compiled = jq_compile(made.get(), text.c_str()) != 0;
    jq_set_error_cb(made.get(), nullptr, nullptr);
    if (!compiled) return complaints.error(expression);
    state = made.release();
    watched.state = state;
    return {};
}

Result<std::unique_ptr<Program>> Program::compile(std::string_view expression, Use use, std::chrono::nanoseconds limit) {
    if (auto error = check_text(expression)) return std::move(*error);
    if (auto error = foreign_definitions()) return std::move(*error);
    auto impl = std::make_unique<Impl>();
    impl->limit = limit;
    impl->expression = expression;
    impl->use = use;
    impl->path = plain_path(expression);
    if (!impl->path) {
        if (auto loaded = impl->load(); !loaded) return std::move(loaded).error();
    }
    return std::unique_ptr<Program>{new Program{std::move(impl)}};
}

const Evaluation& Program::evaluate(std::string_view json, std::size_t max_outputs) {
    Evaluation& evaluation = impl_->evaluation;
    evaluation.clear();
    Value input = parse(json, evaluation.error);
    if (!input.valid()) {
        evaluation.failed = true;
        evaluation.error = "the message is not valid JSON: " + evaluation.error;
        return evaluation;
    }
    if (impl_->path && max_outputs > 0) {
        if (auto value = follow(*impl_->path, input)) {
            evaluation.outputs.push_back(std::move(*value));
            evaluation.left = max_outputs == 1;
            return evaluation;
        }
    }
    if (impl_->state == nullptr) {
        if (auto loaded = impl_->load(); !loaded) { // libjq knows the words for what is wrong with the input
            evaluation.failed = true;
            evaluation.error = std::move(loaded).error().message;
            return evaluation;
        }
    }
    Value last;
    jq_start(impl_->state, input.release(), 0);
    Watchdog::instance().begin(impl_->watched, impl_->limit);
    impl_->collect(max_outputs, last);
    evaluation.timed_out = Watchdog::instance().end(impl_->watched);
    if (!evaluation.timed_out) impl_->judge(std::move(last));
    return evaluation;
}

} // namespace fluxgate::jq
