// The memory of look-back: which rows were delivered lately.
#pragma once

#include "fluxgate/error.hpp"
#include "window/hash.hpp"
#include "window/instant.hpp"
#include "window/words.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fluxgate::window {

// A row's fingerprint: 64 bits of its identity, and which of identical rows it is. A late row is mistaken for one that was
// delivered with odds of n to 2^64, n being what is remembered: with 4,000,000 fingerprints once in 4.6 * 10^12 rows.
[[nodiscard]] constexpr std::uint64_t fingerprint(const Hash128& id, std::uint32_t repeat) noexcept {
    return id.low + repeat * 0x9E3779B97F4A7C15ull;
}

// Of a window's rows.
struct Prints {
    std::vector<std::uint64_t> list;
    // The latest _time among them (see Novelty::newest); none: it is not known.
    std::optional<std::string> newest = std::string{};

    void append(Prints more); // those of another part of the window
};

// Remembers fingerprints in chunks, oldest first, with the stretch of time whose windows they came from. Bounded: beyond
// `most` fingerprints the oldest chunk goes, and floor() rises: rows before it are not read again, so that nothing comes twice.
// Serialised as one state value a chunk and one that lists them, so that a commit writes what is new and not everything.
// Rows that are later than all that are remembered need no search, so a run that catches up never makes one: the table that
// finds a fingerprint is brought up to date when it is asked. Memory: 8 bytes a fingerprint in chunks, and 13 to 27 in the table and
// its filter. Not thread-safe.
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

    // Whether a row with this _time (see Novelty::time; empty: none that is plain) may be known. Its identity holds the time, so
    // it is not when the time is later than all others.
    [[nodiscard]] bool may_know(std::string_view time) const noexcept { return time.empty() || unknown_ != 0 || time <= newest_time_; }

    // Whether it is remembered or expected.
    [[nodiscard]] bool knows(std::uint64_t print) {
        if (behind_) index();
        if (size_ == 0) return false;
        print = never_zero(print);
        const std::uint64_t bits = bits_of(print);
        return (filter_[word_of(print)] & bits) == bits && in_table(print);
    }
    [[nodiscard]] std::size_t known() const noexcept { return stored_ + waiting_; } // how many it knows, at most
    // Brings what knows() will look at nearer.
    void prefetch(std::uint64_t print) const noexcept;

    // Known from now on, but not stored: the window was read to its end, and is not known to be delivered. `id`: of no other
    // window that is expected.
    void expect(std::uint64_t id, const Edges& window, Prints prints);

    // A window that was expected is delivered: its fingerprints are to be stored. Any other: nothing.
    void add(std::uint64_t id);

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
        bool unknown = false;    // the times of some of its rows
        std::size_t indexed = 0; // the first so many are in the table
    };
    struct Expected {
        Edges window;
        Prints prints;
        bool indexed = false;
        std::uint64_t erasures = 0; // when it was indexed
    };
    void index();
    static std::uint64_t never_zero(std::uint64_t print) noexcept { return print != 0 ? print : 1; }
    [[nodiscard]] bool in_table(std::uint64_t print) const noexcept;
    void insert(std::uint64_t print);
    void insert(const std::uint64_t* prints, std::size_t count);
    Chunk& open_chunk(const Edges& window);
    void add(const Expected& expected);
    void erase(std::uint64_t print);
    void erase(const std::vector<std::uint64_t>& prints);
    void drop_oldest();
    void renew_filter();
    void drop_for_room();
    void grow(std::size_t more);
    [[nodiscard]] std::size_t home(std::uint64_t print) const noexcept { return (print * 0x9E3779B97F4A7C15ull) >> shift_; }

    // Most rows are new. A word of the filter says so of nearly all of them, and then the table, which is far away, is not asked.
    static constexpr std::size_t per_word = 8; // places of the table
    static std::uint64_t bits_of(std::uint64_t print) noexcept {
        return 1ull << (print & 63) | 1ull << (print >> 6 & 63) | 1ull << (print >> 12 & 63) | 1ull << (print >> 18 & 63);
    }
    [[nodiscard]] std::size_t word_of(std::uint64_t print) const noexcept { return home(print) / per_word; }

    std::size_t most_, chunk_;
    Instant floor_ = INT64_MIN;
    std::deque<Chunk> chunks_;
    std::unordered_map<std::uint64_t, Expected> expected_;
    std::size_t waiting_ = 0; // fingerprints of those
    std::string newest_time_; // of rows whose times are known
    std::size_t unknown_ = 0; // chunks and windows in which some are not
    bool behind_ = false;     // not everything is in the table
    std::uint32_t next_name_ = 0;
    std::size_t stored_ = 0;
    std::uint64_t dropped_ = 0;
    std::vector<std::string> deleted_;
    bool list_dirty_ = false, cut_ = false;
    Words filter_;                    // holds what is in the table, and what was erased since it was made
    Words table_;                     // open addressing; 0 is free
    std::size_t size_ = 0, used_ = 0; // of the table: words, a power of two
    std::size_t stale_ = 0;           // erased since the filter was made
    unsigned shift_ = 64;
    std::uint64_t erasures_ = 0; // chunks that were taken out of the table
};

} // namespace fluxgate::window
