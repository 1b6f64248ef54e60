// Collects messages into one open block a partition and decides when a block leaves as a batch.
#pragma once

#include "fluxgate/stage.h"
#include "message/block.hpp"
#include "settings.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace fluxgate::influxdb {

// A batch leaves when it has maxRows messages or maxBytes of text, maxDelay after its first message, on flush(), and the
// fullest one when all open blocks together hold more than 32 MiB. Not thread-safe.
class Batcher {
public:
    // `share`: of the 32 MiB, one part of so many, when several batchers are at work.
    Batcher(std::uint32_t partitions, const BatchLimits& limits, std::uint32_t share = 1);
    ~Batcher(); // batches that nobody took are released
    Batcher(const Batcher&) = delete;
    Batcher& operator=(const Batcher&) = delete;

    // The open block of a partition; a message is appended to its text and then announced with added().
    message::Block& block(std::uint32_t partition);

    // The block's text grew by one message whose span is `span` (the line feed is appended here).
    void added(std::uint32_t partition, const fg_span& span, std::int64_t received_ns, std::int64_t now_ns);

    // Every open block leaves / those whose first message is older than maxDelay.
    void flush();
    void flush_due(std::int64_t now_ns);

    // The next batch, in the order in which they left; the caller owns it.
    std::optional<fg_batch> take();

    [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty(); }
    [[nodiscard]] bool has_open() const noexcept { return open_count_ != 0; }
    // When the oldest open block is due (monotonic). Precondition: has_open().
    [[nodiscard]] std::int64_t due_ns() const noexcept;
    // When the oldest message of an open block came (monotonic). Precondition: has_open().
    [[nodiscard]] std::int64_t oldest_ns() const noexcept { return open_[opened_.front()].first_ns; }

private:
    struct Open {
        std::unique_ptr<message::Block> block;
        std::int64_t first_ns = 0;
        std::int64_t received_ns = 0;
    };
    void leave(std::uint32_t partition);
    void leave_fullest();

    BatchLimits limits_;
    std::shared_ptr<message::BlockPool> pool_;
    std::vector<Open> open_;
    std::vector<std::uint32_t> opened_; // partitions with an open block that has messages, oldest first
    std::deque<fg_batch> ready_;
    std::size_t open_count_ = 0;
    std::size_t open_bytes_ = 0;
    const std::size_t max_open_bytes_;
    std::uint64_t next_sequence_ = 1;
};

} // namespace fluxgate::influxdb
