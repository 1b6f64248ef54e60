// Blocks of messages: one partition, many messages, one piece of text with spans. Blocks are recycled.
#pragma once

#include "fluxgate/stage.h"
#include "message/buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace fluxgate::message {

struct Block {
    Buffer text; // JSON Lines, as fg_batch wants it
    std::vector<fg_span> spans;

    void clear() noexcept {
        text.clear();
        spans.clear();
    }
};

// Keeps returned blocks for the next use. Thread-safe: batches come back from any thread, also after the stage is gone.
class BlockPool : public std::enable_shared_from_this<BlockPool> {
public:
    // At most `max_idle_bytes` are kept; what is beyond is freed.
    static std::shared_ptr<BlockPool> make(std::size_t max_idle_bytes) { return std::shared_ptr<BlockPool>(new BlockPool{max_idle_bytes}); }

    // An empty block, recycled if there is one.
    std::unique_ptr<Block> take();
    void give_back(std::unique_ptr<Block> block) noexcept;

    // Makes a batch that owns the block and returns it to the pool on release. Precondition: the block has messages.
    void to_batch(std::unique_ptr<Block> block, std::uint64_t sequence, std::uint32_t partition, std::int64_t received_ns, fg_batch& out);

private:
    explicit BlockPool(std::size_t max_idle_bytes) : max_idle_bytes_(max_idle_bytes) {}

    std::mutex mutex_;
    std::vector<std::unique_ptr<Block>> idle_;
    std::size_t idle_bytes_ = 0;
    const std::size_t max_idle_bytes_;
};

} // namespace fluxgate::message
