// A batch of messages as a program that embeds a source sees it.
#pragma once

#include "fluxgate/export.hpp"
#include "fluxgate/stage.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fluxgate {

// Views into the batch; valid as long as it.
struct Message {
    std::string_view text;    // the whole message: one JSON object
    std::string_view payload; // the value of its "payload"
};

// Messages of one partition, in order. Owns its memory, which counts against the source's bound until the batch is gone.
// Acknowledge when every message is safe: the source's cursor may then move past it. A batch that is destroyed without
// acknowledge() is abandoned. Movable; use from one thread at a time, any thread.
class FLUXGATE_API Batch {
public:
    Batch() noexcept;
    Batch(Batch&&) noexcept;
    Batch& operator=(Batch&&) noexcept;
    ~Batch();

    [[nodiscard]] std::uint64_t sequence() const noexcept;
    [[nodiscard]] std::uint32_t partition() const noexcept;
    [[nodiscard]] std::int64_t received_ns() const noexcept; // wall clock, nanoseconds since 1970 UTC
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] Message operator[](std::size_t index) const noexcept; // index < size()

    // All messages as JSON lines: each followed by one line feed.
    [[nodiscard]] std::string_view json_lines() const noexcept;

    // Settles the batch; the first call counts, later ones do nothing. The memory stays until the batch is destroyed.
    void acknowledge() noexcept;
    void abandon() noexcept;

    // Iteration: for (fluxgate::Message m : batch).
    class Iterator {
    public:
        Iterator(const Batch* batch, std::size_t index) noexcept : batch_(batch), index_(index) {}
        Message operator*() const noexcept { return (*batch_)[index_]; }
        Iterator& operator++() noexcept {
            ++index_;
            return *this;
        }
        bool operator!=(const Iterator& other) const noexcept { return index_ != other.index_; }

    private:
        const Batch* batch_;
        std::size_t index_;
    };
    [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
    [[nodiscard]] Iterator end() const noexcept { return {this, size()}; }

    class Content; // the library's own
    explicit Batch(std::unique_ptr<Content> content) noexcept;

private:
    std::unique_ptr<Content> content_;
};

} // namespace fluxgate
