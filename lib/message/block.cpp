#include "message/block.hpp"

#include <utility>

namespace fluxgate::message {

namespace {

std::size_t cost(const Block& block) noexcept {
    return block.text.capacity() + block.spans.capacity() * sizeof(fg_span);
}

// What a batch's private_data points to.
struct Lent {
    std::shared_ptr<BlockPool> pool;
    std::unique_ptr<Block> block;
};

void release(fg_batch* batch) {
    const std::unique_ptr<Lent> lent{static_cast<Lent*>(batch->private_data)};
    batch->private_data = nullptr;
    batch->release = nullptr;
    lent->pool->give_back(std::move(lent->block));
}

} // namespace

std::unique_ptr<Block> BlockPool::take() {
    {
        const std::lock_guard lock{mutex_};
        if (!idle_.empty()) {
            std::unique_ptr<Block> block = std::move(idle_.back());
            idle_.pop_back();
            idle_bytes_ -= cost(*block);
            return block;
        }
    }
    return std::make_unique<Block>();
}

void BlockPool::give_back(std::unique_ptr<Block> block) noexcept {
    block->clear();
    const std::size_t bytes = cost(*block);
    const std::lock_guard lock{mutex_};
    if (idle_bytes_ + bytes > max_idle_bytes_ || idle_.size() == idle_.capacity()) {
        // Growing the list could throw; the list grows here only, and never beyond a fixed number.
        if (idle_bytes_ + bytes > max_idle_bytes_ || idle_.size() >= 4096) return;
        try {
            idle_.reserve(idle_.size() * 2 + 16);
        } catch (const std::bad_alloc&) {
            return; // without memory the block is freed instead of kept
        }
    }
    idle_bytes_ += bytes;
    idle_.push_back(std::move(block));
}

void BlockPool::to_batch(std::unique_ptr<Block> block, std::uint64_t sequence, std::uint32_t partition, std::int64_t received_ns, fg_batch& out) {
    auto lent = std::make_unique<Lent>(Lent{shared_from_this(), std::move(block)});
    const Block& b = *lent->block;
    out = fg_batch{};
    out.sequence = sequence;
    out.partition = partition;
    out.count = static_cast<std::uint32_t>(b.spans.size());
    out.text = b.text.data();
    out.text_size = b.text.size();
    out.messages = b.spans.data();
    out.received_ns = received_ns;
    out.private_data = lent.release();
    out.release = release;
}

} // namespace fluxgate::message
