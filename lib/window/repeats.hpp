// How often a row came in a window.
#pragma once

#include "window/hash.hpp"
#include "window/words.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace fluxgate::window {

// How often each identity came in a window: the second of identical rows gets the suffix -1, the third -2. Identities are told
// apart by 58 of their bits: among 4,000,000 rows two that differ are taken for the same with odds of 1 to 36,000 (among 100,000
// with 1 to 57,000,000), and then one of them has a suffix that it need not have. Memory: 64 MiB at most for 4,000,000, in proportion
// for more (see clear()), and half as much again while it grows to that. Not thread-safe.
class Repeats {
public:
    static constexpr std::size_t most = 4'000'000; // distinct identities

    // `bound`: a smaller one, for tests.
    explicit Repeats(std::size_t bound = most) : bound_(bound), most_(bound) {}

    // A new window begins. `more`: so many identities beyond the bound have room, because they are known and come again.
    void clear(std::size_t more = 0);

    // Brings the memory that count() will look at nearer; what is done until then hides the wait for it.
    void prefetch(const Hash128& id) const noexcept {
        if (size_ != 0) __builtin_prefetch(filter_.data() + word_of(id.high & ~count_bits), 1);
    }

    // How many rows of that identity came before; this one is counted. `overflow`: it would be one identity too many, and the
    // window has to be read in halves.
    static constexpr std::uint32_t overflow = UINT32_MAX;
    std::uint32_t count(const Hash128& id);

    // The same for an identity that is known to be new: it is only noted down, and finds its place when count() is asked for
    // another. False: it would be one too many.
    [[nodiscard]] bool add_new(const Hash128& id) {
        if (used_ >= most_) return false;
        ++used_;
        noted_.push_back(id.high & ~count_bits);
        return true;
    }

    [[nodiscard]] std::size_t distinct() const noexcept { return used_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return (size_ + filter_.size() + noted_.capacity()) * sizeof(std::uint64_t); }

private:
    // A slot: the identity's upper 58 bits, and how often it came (1 to 63; 63: see many_). 0: free.
    static constexpr std::uint64_t count_bits = 63;
    __extension__ using Wide = unsigned __int128;

    void grow();
    void settle();
    void place(std::uint64_t slot);
    void place_noted();
    std::uint32_t find_or_add(std::uint64_t key);
    [[nodiscard]] bool full() const noexcept { return used_ * 25 >= size_ * 13; }
    // Most rows are new. A word of the filter, which is sixteen times smaller than the slots, says so of nearly all of them, and
    // then the slot need not be waited for: it is fetched meanwhile and written a few rows later.
    static std::uint64_t bits_of(std::uint64_t key) noexcept {
        return 1ull << (key >> 8 & 63) | 1ull << (key >> 16 & 63) | 1ull << (key >> 24 & 63) | 1ull << (key >> 32 & 63);
    }
    [[nodiscard]] std::size_t word_of(std::uint64_t key) const noexcept {
        return static_cast<std::size_t>((static_cast<Wide>(key * 0x9E3779B97F4A7C15ull) * filter_.size()) >> 64);
    }
    // Rises with the key, so that growing goes through memory in order.
    [[nodiscard]] std::size_t home(std::uint64_t key) const noexcept { return static_cast<std::size_t>((static_cast<Wide>(key) * size_) >> 64); }

    std::size_t bound_, most_; // the latter: of this window
    Words slots_;
    std::size_t size_ = 0, used_ = 0;
    std::vector<std::uint64_t> filter_;
    std::array<std::uint64_t, 32> late_{}; // new keys that are not in their slots yet
    std::size_t late_count_ = 0;
    std::vector<std::uint64_t> noted_;                      // keys of add_new() that are neither in the filter nor in their slots yet
    std::unordered_map<std::uint64_t, std::uint32_t> many_; // of what came 63 times and more: how often
};

} // namespace fluxgate::window
