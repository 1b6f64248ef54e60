#include "batcher.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::influxdb {

namespace {

constexpr std::size_t max_open_bytes = 32u << 20;
constexpr std::size_t max_idle_bytes = 16u << 20;

} // namespace

Batcher::Batcher(std::uint32_t partitions, const BatchLimits& limits, std::uint32_t share)
    : limits_(limits), pool_(message::BlockPool::make(max_idle_bytes / share)), open_(partitions), max_open_bytes_(max_open_bytes / share) {}

Batcher::~Batcher() {
    for (fg_batch& batch : ready_)
        batch.release(&batch);
}

message::Block& Batcher::block(std::uint32_t partition) {
    Open& open = open_[partition];
    if (open.block == nullptr) open.block = pool_->take();
    return *open.block;
}

void Batcher::added(std::uint32_t partition, const fg_span& span, std::int64_t received_ns, std::int64_t now_ns) {
    Open& open = open_[partition];
    if (open.block->spans.empty()) {
        open.first_ns = now_ns;
        opened_.push_back(partition);
        ++open_count_;
    }
    open.received_ns = received_ns;
    open.block->text.push_back('\n');
    open.block->spans.push_back(span);
    open_bytes_ += span.size + 1u;
    if (open.block->spans.size() >= limits_.max_rows || open.block->text.size() >= limits_.max_bytes) leave(partition);
    while (open_bytes_ > max_open_bytes_)
        leave_fullest();
}

void Batcher::leave(std::uint32_t partition) {
    Open& open = open_[partition];
    open_bytes_ -= open.block->text.size();
    --open_count_;
    opened_.erase(std::find(opened_.begin(), opened_.end(), partition));
    fg_batch batch{};
    pool_->to_batch(std::move(open.block), next_sequence_++, partition, open.received_ns, batch);
    ready_.push_back(batch);
}

void Batcher::leave_fullest() {
    const auto fullest = std::max_element(opened_.begin(), opened_.end(), [this](std::uint32_t a, std::uint32_t b) {
        return open_[a].block->text.size() < open_[b].block->text.size();
    });
    leave(*fullest);
}

void Batcher::flush() {
    while (!opened_.empty())
        leave(opened_.front());
}

void Batcher::flush_due(std::int64_t now_ns) {
    while (!opened_.empty() && now_ns >= due_ns())
        leave(opened_.front());
}

std::int64_t Batcher::due_ns() const noexcept {
    return open_[opened_.front()].first_ns + limits_.max_delay.count();
}

std::optional<fg_batch> Batcher::take() {
    if (ready_.empty()) return std::nullopt;
    const fg_batch batch = ready_.front();
    ready_.pop_front();
    return batch;
}

} // namespace fluxgate::influxdb
