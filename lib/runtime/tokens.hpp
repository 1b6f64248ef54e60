// From outputs back to the source: who still owes what for a batch.
#pragma once

#include "fluxgate/stage.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace fluxgate::runtime {

// Told once when nothing is owed for a batch any more. Any thread, also from inside a stage's call.
class AckSink {
public:
    virtual ~AckSink() = default;
    virtual void settled(std::uint64_t sequence, fg_outcome outcome) noexcept = 0;
};

// One share of the duty to deliver a source batch. Every share must be settled; one that is dropped counts as abandoned, so
// that no path through the program can deliver a batch by accident. One abandoned share abandons the batch.
class Token {
public:
    Token() noexcept = default;
    Token(AckSink& sink, std::uint64_t sequence) : duty_(new Duty{sink, sequence}) {}
    Token(Token&& other) noexcept : duty_(std::exchange(other.duty_, nullptr)) {}
    Token& operator=(Token&& other) noexcept {
        if (this != &other) {
            settle(FG_ABANDONED);
            duty_ = std::exchange(other.duty_, nullptr);
        }
        return *this;
    }
    ~Token() { settle(FG_ABANDONED); }

    // One more share; this one must not be settled yet.
    [[nodiscard]] Token share() const noexcept {
        duty_->shares.fetch_add(1, std::memory_order_relaxed);
        return Token{duty_};
    }

    // Nothing happens when it was settled or moved from.
    void settle(fg_outcome outcome) noexcept {
        Duty* duty = std::exchange(duty_, nullptr);
        if (duty == nullptr) return;
        if (outcome != FG_DELIVERED) duty->abandoned.store(true, std::memory_order_relaxed);
        if (duty->shares.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        const std::unique_ptr<Duty> last{duty};
        last->sink.settled(last->sequence, last->abandoned.load(std::memory_order_relaxed) ? FG_ABANDONED : FG_DELIVERED);
    }

    explicit operator bool() const noexcept { return duty_ != nullptr; }

private:
    struct Duty {
        Duty(AckSink& s, std::uint64_t q) noexcept : sink(s), sequence(q) {}
        AckSink& sink;
        std::uint64_t sequence;
        std::atomic<std::uint32_t> shares{1};
        std::atomic<bool> abandoned{false};
    };
    explicit Token(Duty* duty) noexcept : duty_(duty) {}
    Duty* duty_ = nullptr;
};

// The tokens that outputs were given, by the number they know. A number is a place and its generation: a number that was
// used, or never given, is found to be so. Thread-safe.
class OutputTokens {
public:
    struct Open {
        const void* owner = nullptr; // the output instance that was given it
        Token token;
        std::uint64_t sequence = 0;
        std::uint32_t messages = 0;     // in the batch
        std::uint32_t dead_letters = 0; // of them, so far
    };

    std::uint64_t open(Open entry); // never 0
    // Takes the entry out; none when the number is not open or belongs to another owner.
    std::optional<Open> close(std::uint64_t number, const void* owner);
    // Takes out all of one owner.
    std::vector<Open> close_all(const void* owner);
    // Counts a dead letter against the owner's batch of that sequence; false when it has none.
    bool count_dead_letter(const void* owner, std::uint64_t sequence);
    [[nodiscard]] std::size_t count(const void* owner) const;

private:
    struct Place {
        std::uint32_t generation = 1;
        std::optional<Open> entry;
    };
    mutable std::mutex mutex_;
    std::vector<Place> places_;
    std::vector<std::uint32_t> free_;
    std::optional<Open> take_locked(std::uint32_t index);
};

} // namespace fluxgate::runtime
