// The identity of a row: properties.rowId.
#pragma once

#include "flux/table.hpp"
#include "window/hash.hpp"
#include "window/instant.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fluxgate::window {

// XXH3-128 of the result's name and then, for each column in byte order of its name (repeated names in column order): name and
// value, all of these followed by byte 0x1F each. The value is the field as decoded from CSV, its default applied; null is empty.
// Left out are the encoder's own columns (`result` is the result's name already) and, in rows whose _time is not null, _start and
// _stop, so that the identity does not depend on the window. A row without _time hashes the window's edges where it lacks _start or
// _stop. The bytes are kept from row to row and only what changed is written anew. Not thread-safe.
class RowIds {
public:
    // The window that the rows which follow were read in.
    void set_window(const Edges& edges);

    // Rows of this table follow (copied).
    void set_table(const flux::Table& table);

    Hash128 of(const flux::Row& row);

private:
    static constexpr std::size_t none = ~std::size_t{0};
    struct Part {
        std::string name;                // with its 0x1F
        std::size_t column = none;       // none: an edge of the window that the table has no column for
        std::size_t begin = 0, size = 0; // of the value in bytes_
    };
    struct Source {
        std::string default_value;
        std::size_t part = none; // in the present layout
    };

    void lay_out(bool with_time);
    void write_all(const flux::Row& row);
    void write(Part& part, std::string_view value);
    std::string_view value_of(const flux::Row& row, std::size_t column);
    std::string_view part_value(const flux::Row& row, const Part& part);
    [[nodiscard]] bool has_time(const flux::Row& row) const;

    std::string start_, stop_; // the window's edges as text
    std::vector<Source> sources_;
    std::vector<std::string> names_;
    std::vector<bool> own_;
    std::vector<std::size_t> time_columns_;
    std::size_t result_column_ = none;
    std::vector<Part> parts_; // [0] is the result's name
    bool with_time_ = false;
    bool known_ = false; // bytes_ are those of the row before
    std::uint64_t last_number_ = 0;
    std::string bytes_, decoded_;
};

// Gives pages back to the system.
struct Unmap {
    std::size_t bytes = 0;
    void operator()(std::uint64_t* slots) const noexcept;
};

// How often each identity came in a window: the second of identical rows gets the suffix -1, the third -2. Identities are told
// apart by 58 of their bits: among 4,000,000 rows two that differ are taken for the same with odds of 1 to 36,000 (among 100,000
// with 1 to 57,000,000), and then one of them has a suffix that it need not have. Memory: 64 MiB at most, and half as much again
// while it grows to that.
class Repeats {
public:
    static constexpr std::size_t most = 4'000'000; // distinct identities

    // `bound`: a smaller one, for tests.
    explicit Repeats(std::size_t bound = most) : most_(bound) {}

    // A new window begins.
    void clear();

    // Brings the memory that count() will look at nearer; what is done until then hides the wait for it.
    void prefetch(const Hash128& id) const noexcept {
        if (size_ != 0) __builtin_prefetch(filter_.data() + word_of(id.high & ~count_bits), 1);
    }

    // How many rows of that identity came before; this one is counted. `overflow`: it would be one identity too many, and the
    // window has to be read in halves.
    static constexpr std::uint32_t overflow = UINT32_MAX;
    std::uint32_t count(const Hash128& id);

    [[nodiscard]] std::size_t distinct() const noexcept { return used_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return (size_ + filter_.size()) * sizeof(std::uint64_t); }

private:
    // A slot: the identity's upper 58 bits, and how often it came (1 to 63; 63: see many_). 0: free.
    static constexpr std::uint64_t count_bits = 63;
    __extension__ using Wide = unsigned __int128;
    using Slots = std::unique_ptr<std::uint64_t[], Unmap>;

    static Slots make(std::size_t size);
    void grow();
    void settle();
    std::uint32_t find_or_add(std::uint64_t key);
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

    std::size_t most_;
    Slots slots_;
    std::size_t size_ = 0, used_ = 0;
    std::vector<std::uint64_t> filter_;
    std::array<std::uint64_t, 32> late_{}; // new keys that are not in their slots yet
    std::size_t late_count_ = 0;
    std::unordered_map<std::uint64_t, std::uint32_t> many_; // of what came 63 times and more: how often
};

} // namespace fluxgate::window
