// One block of messages with several readers.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/stage.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace fluxgate::runtime {

// What a batch weighs in a queue: its text and its spans.
inline std::uint64_t weight_of(const fg_batch& batch) noexcept {
    return batch.text_size + std::uint64_t{batch.count} * sizeof(fg_span);
}

// Owns an fg_batch; copies share it. The batch is released with the last owner, on whichever thread that is.
class SharedBatch {
public:
    SharedBatch() noexcept = default;
    explicit SharedBatch(const fg_batch& raw) : holder_(new Holder{raw}) {}
    SharedBatch(const SharedBatch& other) noexcept : holder_(other.holder_) { acquire(holder_); }
    SharedBatch(SharedBatch&& other) noexcept : holder_(std::exchange(other.holder_, nullptr)) {}
    SharedBatch& operator=(SharedBatch other) noexcept {
        std::swap(holder_, other.holder_);
        return *this;
    }
    ~SharedBatch() { drop(holder_); }

    [[nodiscard]] const fg_batch& operator*() const noexcept { return holder_->raw; }
    [[nodiscard]] const fg_batch* operator->() const noexcept { return &holder_->raw; }
    explicit operator bool() const noexcept { return holder_ != nullptr; }

    // A view with its own share of the memory, to be given to an output, which releases it.
    [[nodiscard]] fg_batch lend() const noexcept {
        acquire(holder_);
        fg_batch out = holder_->raw;
        out.private_data = holder_;
        out.release = [](fg_batch* batch) {
            drop(static_cast<Holder*>(batch->private_data));
            batch->private_data = nullptr;
            batch->release = nullptr;
        };
        return out;
    }

private:
    struct Holder {
        explicit Holder(const fg_batch& batch) noexcept : raw(batch) {}
        Holder(const Holder&) = delete;
        Holder& operator=(const Holder&) = delete;
        ~Holder() {
            if (raw.release != nullptr) raw.release(&raw);
        }
        fg_batch raw;
        std::atomic<std::uint32_t> owners{1};
    };
    static void acquire(Holder* holder) noexcept {
        if (holder != nullptr) holder->owners.fetch_add(1, std::memory_order_relaxed);
    }
    static void drop(Holder* holder) noexcept {
        if (holder != nullptr && holder->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete holder;
    }

    Holder* holder_ = nullptr;
};

// Checks what a stage filled in before anybody reads it: the partition, and that the spans lie one behind the other as
// JSON Lines inside the text, each payload inside its message (stage.h, fg_batch). Errc::plugin says what is wrong.
Result<void> check_batch(const fg_batch& batch, std::uint32_t partition_count);

} // namespace fluxgate::runtime
