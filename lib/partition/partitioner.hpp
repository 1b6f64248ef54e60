// Routes a message to a partition by a jq expression (the stage's "Partitioning" rules).
#pragma once

#include "fluxgate/error.hpp"
#include "jq/reads.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fluxgate::partition {

enum class Strategy { id, key };

// What became of one evaluation. When `dead_letter` is empty the message goes to `partition`; `key` is set for strategy
// key. Otherwise `dead_letter` is the fixed word of the reason ("partition-none", "partition-many", "partition-type",
// "partition-range", "partition-key-too-long", "jq-error", "jq-timeout") and `text` a sentence for a person.
struct Routed {
    std::uint32_t partition = 0;
    std::string key;
    std::string_view dead_letter;
    std::string text;
};

// Not thread-safe: one a stage instance.
class Partitioner {
public:
    // Compiles the expression. Error: Errc::jq with jq's own message and position, or the refused name.
    static Result<std::unique_ptr<Partitioner>> create(Strategy strategy, std::string_view expression, std::uint32_t partition_count);
    ~Partitioner();

    // Evaluates libjq on the whole message (JSON text; systemProperties has only timestamp). `out` is reused: its
    // strings keep their capacity.
    void route(std::string_view message, Routed& out);

    // Which parts of the message determine the result: a conservative analysis of the expression.
    [[nodiscard]] const jq::Reads& reads() const noexcept;

private:
    struct Impl;
    explicit Partitioner(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Kafka's murmur2 (seed 0x9747b28c) of the key's bytes, & 0x7fffffff, mod count.
[[nodiscard]] std::uint32_t kafka_partition(std::string_view key, std::uint32_t count) noexcept;

} // namespace fluxgate::partition
