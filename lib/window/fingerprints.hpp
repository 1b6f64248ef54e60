// The memory of look-back: which rows were delivered lately.
#pragma once

#include "fluxgate/error.hpp"
#include "window/hash.hpp"
#include "window/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::window {

// A row's fingerprint: 64 bits of its identity, and which of identical rows it is. A late row is mistaken for one that was
// delivered with odds of n to 2^64, n being what is remembered: with 4,000,000 fingerprints once in 4.6 * 10^12 rows.
[[nodiscard]] constexpr std::uint64_t fingerprint(const Hash128& id, std::uint32_t repeat) noexcept {
    return id.low + repeat * 0x9E3779B97F4A7C15ull;
}

// Remembers fingerprints in chunks, oldest first, with the stretch of time whose windows they came from. Bounded: beyond
// `most` fingerprints the oldest chunk goes, and floor() rises: rows before it are not read again, so that nothing comes twice.
// Serialised as one state value a chunk and one that lists them, so that a commit writes what is new and not everything.
// Memory: 8 bytes a fingerprint in chunks and 12 to 24 in the table that finds them. Not thread-safe.
class Fingerprints {
public:
    static constexpr std::size_t most = 4'000'000;
    static constexpr std::size_t chunk_size = 16'384;
    static constexpr std::size_t names = 1024; // chunks have names 0 .. names - 1

    explicit Fingerprints(std::size_t bound = most, std::size_t chunk = chunk_size) : most_(bound), chunk_(chunk) {}

    // Everything that was delivered of windows that begin at or behind it is remembered.
    [[nodiscard]] Instant floor() const noexcept { return floor_; }
    void set_floor(Instant floor) noexcept {
        floor_ = floor;
        cut_ = false;
    }
    // It would lie further back, had there been room. Stored with the list, so a restart knows.
    [[nodiscard]] bool cut() const noexcept { return cut_; }

    [[nodiscard]] bool knows(std::uint64_t print) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return used_ == 0; }   // knows nothing
    [[nodiscard]] std::size_t known() const noexcept { return used_; } // how many it knows
    void prefetch(std::uint64_t print) const noexcept;

    // Known from now on, but not stored: their window was read to its end, and is not known to be delivered.
    void expect(const std::vector<std::uint64_t>& prints) { insert(prints.data(), prints.size()); }

    // The window is delivered: its fingerprints, expected before, are to be stored.
    void add(const Edges& window, const std::vector<std::uint64_t>& prints);

    // Instead: so many of a window that ends there are not remembered, for lack of room.
    void leave_out(Instant stop, std::uint64_t count);

    // The end of the latest window that is remembered; INT64_MIN without one.
    [[nodiscard]] Instant newest() const noexcept;

    // Forgets everything.
    void clear();

    // Forgets what came from windows that end at or before `upto`.
    void forget_before(Instant upto);

    [[nodiscard]] std::size_t size() const noexcept { return stored_; }       // that are stored
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; } // for lack of room, since the start

    struct Change {
        std::string name;  // empty: the list; else the chunk's
        std::string value; // empty: delete it
    };
    // What has to be written so that the store holds what is remembered; after it was: mark_stored().
    [[nodiscard]] std::vector<Change> changes() const;
    void mark_stored();

    // Reads the list, then each chunk that chunk_names() tells. Errc::state: they are not what changes() wrote.
    Result<void> load(std::string_view list);
    [[nodiscard]] std::vector<std::string> chunk_names() const;
    Result<void> load_chunk(std::size_t index, std::string_view value);

private:
    struct Chunk {
        std::uint32_t name = 0;
        Edges span;
        std::vector<std::uint64_t> prints;
        std::uint64_t announced = 0; // by the list, until it is loaded
        bool dirty = false;
    };
    void insert(std::uint64_t print);
    void insert(const std::uint64_t* prints, std::size_t count);
    Chunk& open_chunk(const Edges& window);
    void erase(std::uint64_t print);
    void drop_oldest();
    void drop_for_room();
    void grow(std::size_t more);
    [[nodiscard]] std::size_t home(std::uint64_t print) const noexcept { return (print * 0x9E3779B97F4A7C15ull) >> shift_; }

    std::size_t most_, chunk_;
    Instant floor_ = INT64_MIN;
    std::deque<Chunk> chunks_;
    std::uint32_t next_name_ = 0;
    std::size_t stored_ = 0;
    std::uint64_t dropped_ = 0;
    std::vector<std::string> deleted_;
    bool list_dirty_ = false, cut_ = false;
    std::vector<std::uint64_t> table_; // open addressing, a power of two; 0 is free
    std::size_t used_ = 0;
    unsigned shift_ = 64;
};

} // namespace fluxgate::window
