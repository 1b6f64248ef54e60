#include "window/repeats.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::window {

namespace {

constexpr std::size_t kept = 1u << 16; // a large window's memory is not held for small ones

} // namespace

void Repeats::clear(std::size_t more) {
    most_ = bound_ + more;
    if (size_ > kept && used_ < size_ / 16) {
        slots_.reset();
        filter_ = {};
        size_ = 0;
    }
    if (noted_.capacity() > kept && used_ < noted_.capacity() / 16) noted_ = {};
    noted_.clear();
    used_ = late_count_ = 0;
    many_.clear();
    std::fill_n(slots_.get(), size_, 0);
    std::fill(filter_.begin(), filter_.end(), 0);
}

// At most 52 of 100 slots are used: 4,000,000 of 7,800,000 at the end, which are 64 MiB with the filter.
void Repeats::grow() {
    const std::size_t most_slots = most_ / 20 * 39 + 39;
    const Words old = std::move(slots_);
    const std::size_t old_size = size_;
    do
        size_ = size_ == 0 ? 4096 : std::max(std::min(size_ * 2, most_slots), size_ + 1);
    while (full());
    slots_ = make_words(size_);
    filter_.assign(size_ / 16 + 1, 0);
    for (std::size_t i = 0; i < old_size; ++i) {
        if (old[i] == 0) continue;
        place(old[i]);
        const std::uint64_t key = old[i] & ~count_bits;
        filter_[word_of(key)] |= bits_of(key);
    }
}

// A key that has no slot yet gets one.
void Repeats::place(std::uint64_t slot) {
    std::size_t at = home(slot & ~count_bits);
    while (slots_[at] != 0)
        at = at + 1 == size_ ? 0 : at + 1;
    slots_[at] = slot;
}

// Every key of late_ is where it belongs.
void Repeats::settle() {
    for (std::size_t i = 0; i < late_count_; ++i)
        place(late_[i] | 1);
    late_count_ = 0;
}

// The same for those of add_new(). Memory that is far away is asked for some keys ahead.
void Repeats::place_noted() {
    constexpr std::size_t ahead = 16;
    for (std::size_t i = 0; i < noted_.size(); ++i) {
        if (i + ahead < noted_.size()) {
            __builtin_prefetch(slots_.get() + home(noted_[i + ahead]), 1);
            __builtin_prefetch(filter_.data() + word_of(noted_[i + ahead]), 1);
        }
        place(noted_[i] | 1);
        filter_[word_of(noted_[i])] |= bits_of(noted_[i]);
    }
    if (noted_.capacity() > kept)
        noted_ = {};
    else
        noted_.clear();
}

std::uint32_t Repeats::count(const Hash128& id) {
    if (full()) {
        settle();
        grow();
    }
    if (!noted_.empty()) place_noted();
    const std::uint64_t key = id.high & ~count_bits, bits = bits_of(key);
    std::uint64_t& word = filter_[word_of(key)];
    if ((word & bits) == bits) return find_or_add(key);
    if (used_ >= most_) return overflow;
    word |= bits;
    ++used_;
    __builtin_prefetch(slots_.get() + home(key), 1);
    late_[late_count_++] = key;
    if (late_count_ == late_.size()) settle();
    return 0;
}

std::uint32_t Repeats::find_or_add(std::uint64_t key) {
    settle();
    std::size_t at = home(key);
    while (slots_[at] != 0) {
        std::uint64_t& slot = slots_[at];
        if ((slot & ~count_bits) == key) {
            const std::uint64_t before = slot & count_bits;
            if (before < count_bits) {
                ++slot;
                return static_cast<std::uint32_t>(before);
            }
            return many_.emplace(key, static_cast<std::uint32_t>(count_bits)).first->second++;
        }
        at = at + 1 == size_ ? 0 : at + 1;
    }
    if (used_ >= most_) return overflow;
    slots_[at] = key | 1;
    ++used_;
    return 0;
}

} // namespace fluxgate::window
