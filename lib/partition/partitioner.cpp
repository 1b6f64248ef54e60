#include "partition/partitioner.hpp"

#include "jq/program.hpp"
#include "partition/murmur2.hpp"
#include "partition/number_text.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

namespace fluxgate::partition {
namespace {

constexpr int max_key_characters = 128;
constexpr std::size_t shown_bytes = 80;
constexpr std::size_t shown_error_bytes = 400;

std::string shown(const jq::Value& value) {
    if (value.kind() == JV_KIND_NUMBER && std::isfinite(value.number())) {
        std::string text;
        append_number(text, value.number());
        return text;
    }
    return jq::shortened(value.dump(), shown_bytes);
}

void dead(Routed& out, std::string_view reason, std::string text) {
    out.dead_letter = reason;
    out.text = std::move(text);
}

std::string named(const jq::Value& value) {
    switch (value.kind()) {
    case JV_KIND_NULL: return "null";
    case JV_KIND_FALSE:
    case JV_KIND_TRUE: return "the boolean " + shown(value);
    case JV_KIND_NUMBER:
        if (std::isnan(value.number())) return "a number that is not a number (nan)";
        return std::isinf(value.number()) ? "an infinite number" : "the number " + shown(value);
    case JV_KIND_STRING: return "the string " + shown(value);
    case JV_KIND_ARRAY: return "the array " + shown(value);
    case JV_KIND_OBJECT: return "the object " + shown(value);
    case JV_KIND_INVALID: break;
    }
    return "no value";
}

} // namespace

struct Partitioner::Impl {
    Strategy strategy;
    std::uint32_t count;
    std::unique_ptr<jq::Program> program;
    jq::Reads reads;

    void by_id(const jq::Value& value, Routed& out) const;
    void by_key(const jq::Value& value, Routed& out) const;
    [[nodiscard]] std::string ids() const { return count == 1 ? "0, the only partition" : "an integer from 0 to " + std::to_string(count - 1); }
};

void Partitioner::Impl::by_id(const jq::Value& value, Routed& out) const {
    if (value.kind() != JV_KIND_NUMBER || !std::isfinite(value.number()) || value.number() != std::trunc(value.number()))
        return dead(out, "partition-type", "the partition expression gave " + named(value) + "; strategy id takes " + ids());
    if (value.number() < 0 || value.number() >= count)
        return dead(out, "partition-range", "the partition expression gave " + named(value) + "; allowed is " + ids());
    out.partition = static_cast<std::uint32_t>(value.number());
}

void Partitioner::Impl::by_key(const jq::Value& value, Routed& out) const {
    const jv_kind kind = value.kind();
    if (kind == JV_KIND_STRING) {
        const int characters = value.code_points();
        if (characters > max_key_characters)
            return dead(out, "partition-key-too-long",
                        "the partition key " + shown(value) + " has " + std::to_string(characters) + " characters; at most " +
                            std::to_string(max_key_characters) + " are allowed");
        out.key = value.string();
    } else if (kind == JV_KIND_TRUE || kind == JV_KIND_FALSE) {
        out.key = kind == JV_KIND_TRUE ? "true" : "false";
    } else if (kind == JV_KIND_NUMBER && std::isfinite(value.number())) {
        append_number(out.key, value.number());
    } else {
        return dead(out, "partition-type",
                    "the partition expression gave " + named(value) + "; strategy key takes a string, a boolean or a finite number");
    }
    out.partition = kafka_partition(out.key, count);
}

Partitioner::Partitioner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Partitioner::~Partitioner() = default;

Result<std::unique_ptr<Partitioner>> Partitioner::create(Strategy strategy, std::string_view expression, std::uint32_t partition_count) {
    if (partition_count == 0) return Error{Errc::invalid_argument, "a partitioner needs at least one partition"};
    auto program = jq::Program::compile(expression, jq::Use::partition);
    if (!program) return std::move(program).error();
    auto impl = std::make_unique<Impl>(Impl{strategy, partition_count, std::move(program).value(), jq::analyse(expression)});
    return std::unique_ptr<Partitioner>{new Partitioner{std::move(impl)}};
}

void Partitioner::route(std::string_view message, Routed& out) {
    out.partition = 0;
    out.key.clear();
    out.dead_letter = {};
    out.text.clear();

    const jq::Evaluation& evaluation = impl_->program->evaluate(message, 2);
    if (evaluation.timed_out) return dead(out, "jq-timeout", "the partition expression was halted: it ran longer than 1 s on this message");
    if (evaluation.failed) return dead(out, "jq-error", "the partition expression failed: " + jq::shortened(evaluation.error, shown_error_bytes));
    if (evaluation.outputs.empty()) return dead(out, "partition-none", "the partition expression gave no output; exactly one is needed");
    if (evaluation.outputs.size() > 1)
        return dead(out, "partition-many",
                    "the partition expression gave several outputs, " + shown(evaluation.outputs[0]) + " and " + shown(evaluation.outputs[1]) +
                        " first; exactly one is needed");
    impl_->strategy == Strategy::id ? impl_->by_id(evaluation.outputs[0], out) : impl_->by_key(evaluation.outputs[0], out);
}

const jq::Reads& Partitioner::reads() const noexcept {
    return impl_->reads;
}

std::uint32_t kafka_partition(std::string_view key, std::uint32_t count) noexcept {
    return (murmur2(key) & 0x7fffffffU) % count;
}

} // namespace fluxgate::partition
