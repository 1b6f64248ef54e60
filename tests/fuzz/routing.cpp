// Partitioning: for any expression the analysis of what it reads and the search for refused syntax end without harm; for an
// expression and rows that are made of the bytes, what is remembered of the expression's values is what libjq says for each row.
// Input: mode; by it an expression as it stands, or the bytes that choose one, a table and its rows.
#include "flux/reader.hpp"
#include "influxdb/router.hpp"
#include "input.hpp"
#include "jq/program.hpp"
#include "jq/reads.hpp"
#include "jq/refusals.hpp"
#include "targets.hpp"

#include <initializer_list>

#if defined(__SANITIZE_ADDRESS__)
#define FLUXGATE_FUZZ_LSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLUXGATE_FUZZ_LSAN 1
#endif
#endif
#if defined(FLUXGATE_FUZZ_LSAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace fluxgate::fuzz::routing {

namespace {

using fluxgate::message::Buffer;
using fluxgate::message::Renderer;

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const std::string_view part : parts)
        out += part;
    return out;
}

// Bytes make choices; when they are used up the first choice is made, so everything ends.
class Maker {
public:
    explicit Maker(Input& input) : input_(input) {}

    std::string expression(int depth) {
        if (depth <= 0) return leaf();
        const auto sub = [&] { return expression(depth - 1); };
        switch (input_.byte() % 20) {
        case 1: return joined({sub(), " | ", sub()});
        case 2: return joined({"(", sub(), ")", suffix()});
        case 3: return joined({sub(), " // ", sub()});
        case 4: return joined({sub(), " ", pick({"+", "==", "-", "<", "and", "or", "%"}), " ", sub()});
        case 5: return joined({"if ", sub(), " then ", sub(), " else ", sub(), " end"});
        case 6: return joined({"(", sub(), ") as $", pick({"x", "y"}), " | ", sub()});
        case 7: return joined({"\"\\(", sub(), ")\\(", sub(), ")\""});
        case 8: return joined({"[", sub(), "] | ", pick({"length", "tojson", "add", ".[0]", "first"})});
        case 9: return joined({"{k: (", sub(), "), ", pick({"a", "\"b\"", "$x", "j: .payload.c"}), "} | ", pick({"tojson", ".k", "length", ".a"})});
        case 10: return joined({pick({"select", "first", "has", "startswith", "any", "map"}), "(", sub(), ")"});
        case 11: return joined({"try (", sub(), ") catch (", sub(), ")"});
        case 12: return joined({"(", sub(), ") | ", pick({"tostring", "length", "type", "not", "ascii_downcase", "floor", "tonumber", "explode"})});
        case 13: return joined({"(", sub(), ")?"});
        case 14: return joined({".payload | ", sub()});
        case 15: return joined({"(", sub(), ") | . as $x | ", sub()});
        case 16: return joined({"$", pick({"x", "y"}), suffix()});
        case 17: return joined({"(", sub(), ") | tostring | explode | add % 3"});
        default: return leaf();
        }
    }

    std::string body() {
        static constexpr const char* types[] = {"string", "long", "double", "boolean", "unsignedLong", "duration"};
        static constexpr const char* names[] = {"a", "b", "c", "payload", "d", "a", "\xFF", "result", "\"a\r\nb\"", "\xEF\xBF\xBD"};
        std::string datatypes = "#datatype,string,long", defaults = "#default,_result,", header = ",result,table";
        const std::size_t columns = 1 + input_.byte() % 4u;
        for (std::size_t i = 0; i < columns; ++i) {
            datatypes += std::string{","} + pick(types);
            defaults += "," + (input_.byte() % 4 == 1 ? value() : std::string{});
            header += std::string{","} + pick(names);
        }
        std::string out = datatypes + "\r\n" + defaults + "\r\n" + header + "\r\n";
        for (int row = 0; row < 40 && !input_.empty(); ++row) {
            out += "," + std::string{pick({"", "mean"})} + "," + pick({"0", "1"});
            for (std::size_t i = 0; i < columns; ++i)
                out += "," + value();
            out += "\r\n";
        }
        return out;
    }

private:
    template <std::size_t N>
    std::string pick(const char* const (&from)[N]) {
        return from[input_.byte() % N];
    }
    std::string suffix() { return pick({"", ".a", ".payload", "[\"b\"]", "[]?", "[0]?", ".\"c\"", "?", "[1:]?", "[\"\xEF\xBF\xBD\"]"}); }
    std::string value() {
        return pick({"", "0", "1", "-2.5", "\"1\"", "true", "x", "\"x\"", "\"\"\"\"", "\"a,\r\nb\"", "1h", "\xFF", "2", "1e3", "NaN", "\"\r\n\""});
    }
    std::string leaf() {
        return pick({".payload.a",
                     ".payload.b",
                     "0",
                     ".payload[\"c\"]",
                     ".payload.payload",
                     ".payload.d?",
                     ".a",
                     ".",
                     ".payload",
                     ".properties.table",
                     ".properties.result",
                     "1",
                     "\"x\"",
                     "null",
                     "true",
                     "$x",
                     ".payload.a",
                     "empty",
                     ".payload | has(\"a\")",
                     ".payload.a_2",
                     ".payload[\"\xEF\xBF\xBD\"]",
                     ".payload[\"a\\nb\"]",
                     ".systemProperties.timestamp"});
    }

    Input& input_;
};

// libjq's parser loses the few bytes of a string literal that a syntax error cuts short. While one of these lives, what this
// thread allocates is not reported as leaked.
struct LibjqLeaks {
#if defined(FLUXGATE_FUZZ_LSAN)
    __lsan::ScopedDisabler disabler;
#else
    LibjqLeaks() {} // not trivial, so that it is not an unused variable
#endif
};

void analyse_any(std::string_view expression) {
    const jq::Reads reads = jq::analyse(expression);
    const auto refused = jq::find_refused_syntax(expression);
    if (refused) demand(!refused->empty(), "a refusal says something");
    // Whatever libjq says to it: it says it, without ending the process.
    if (expression.size() > 256) return;
    const LibjqLeaks expected;
    const auto program = jq::Program::compile(expression, jq::Use::partition);
    if (!program.ok()) demand(!program.error().message.empty(), "an expression that is refused has a reason");
    if (refused) demand(!program.ok(), "refused syntax does not compile");
    (void)reads;
}

// The stage's way (remembering) beside the plain one, row by row.
class Comparison {
public:
    Comparison(partition::Strategy strategy, std::unique_ptr<partition::Partitioner> remembering, std::unique_ptr<partition::Partitioner> plain)
        : strategy_(strategy), router_(std::move(remembering), strategy), plain_(std::move(plain)), renderer_({}) {}

    void read(std::string_view body) {
        reader_.feed(body);
        for (;;) {
            switch (reader_.next()) {
            case flux::Event::table:
                renderer_.set_table(reader_.table());
                router_.set_table(reader_.table(), renderer_);
                break;
            case flux::Event::row: on_row(); break;
            case flux::Event::long_row: break;
            case flux::Event::need_more:
            case flux::Event::failed: return;
            }
        }
    }

private:
    void on_row() {
        Buffer message;
        fluxgate::message::append_probe_head(message, "2026-11-21T10:02:07." + std::to_string(100 + rows_++) + "Z");
        fluxgate::message::PayloadSpan span;
        fluxgate::message::RowFault fault;
        const influxdb::Target* known = router_.find(reader_.row());
        if (!renderer_.append_tail(reader_.row(), message, span, fault)) return;
        const influxdb::Target& found = known != nullptr ? *known : router_.ask(reader_.row(), renderer_, message.view());
        plain_->route(message.view(), wanted_);
        if (found.dead_letter == "jq-timeout" || wanted_.dead_letter == "jq-timeout") return;
        demand_equal(found.dead_letter, wanted_.dead_letter, "why a row is a dead letter");
        demand_equal(found.text, wanted_.text, "what is said of a dead letter");
        if (!wanted_.dead_letter.empty()) return;
        demand_equal(found.partition, wanted_.partition, "a row's partition");
        Buffer end;
        fluxgate::message::append_head_end(end, wanted_.partition, strategy_ == partition::Strategy::key ? &wanted_.key : nullptr);
        demand_equal(found.head_end, end.view(), "a row's partition and key as written");
    }

    partition::Strategy strategy_;
    flux::Reader reader_;
    influxdb::Router router_;
    std::unique_ptr<partition::Partitioner> plain_;
    Renderer renderer_;
    partition::Routed wanted_;
    int rows_ = 0;
};

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint8_t mode = input.byte();
    if ((mode & 1) != 0) {
        analyse_any(input.rest());
        return 0;
    }
    Maker make{input};
    const std::string expression = "1 as $x | \"y\" as $y | " + make.expression(1 + (mode >> 2) % 4);
    if (jq::analyse(expression).everything) return 0; // nothing is remembered
    const auto strategy = (mode & 2) != 0 ? partition::Strategy::key : partition::Strategy::id;
    auto remembering = partition::Partitioner::create(strategy, expression, 8);
    auto plain = partition::Partitioner::create(strategy, expression, 8);
    if (!remembering.ok() || !plain.ok()) return 0;
    Comparison{strategy, *std::move(remembering), *std::move(plain)}.read(make.body());
    return 0;
}

} // namespace fluxgate::fuzz::routing
