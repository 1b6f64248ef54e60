// A batch that an output took over, and its token: released and completed exactly once, whatever happens.
#pragma once

#include "fluxgate/stage.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

namespace fluxgate::core {

inline std::string_view text_of(const fg_batch& batch) noexcept {
    return {batch.text, batch.text_size};
}

// Releases a batch and forgets what it pointed to.
inline void release_batch(fg_batch& batch) noexcept {
    if (batch.release != nullptr) batch.release(&batch);
    batch = fg_batch{};
}

// Owns a batch until it goes.
class OwnedBatch {
public:
    OwnedBatch() noexcept = default;
    explicit OwnedBatch(const fg_batch& taken) noexcept : batch_(taken) {}
    OwnedBatch(OwnedBatch&& other) noexcept : batch_(std::exchange(other.batch_, fg_batch{})) {}
    OwnedBatch& operator=(OwnedBatch&& other) noexcept {
        std::swap(batch_, other.batch_);
        return *this;
    }
    OwnedBatch(const OwnedBatch&) = delete;
    OwnedBatch& operator=(const OwnedBatch&) = delete;
    ~OwnedBatch() { release_batch(batch_); }

    // Ends the ownership without releasing.
    [[nodiscard]] fg_batch give_back() noexcept { return std::exchange(batch_, fg_batch{}); }
    [[nodiscard]] std::string_view text() const noexcept { return text_of(batch_); }

private:
    fg_batch batch_{};
};

} // namespace fluxgate::core
