// Which stretch of time to read next, and how far the cursor may go. A state machine without I/O and without a clock: time and
// events go in, windows and the cursor come out.
#pragma once

#include "window/cursor.hpp"
#include "window/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fluxgate::window {

struct Policy {
    std::optional<Instant> stop;
    std::int64_t window = 600'000'000'000; // the longest stretch that holds rows; nanoseconds, as all of these
    std::int64_t delay = 0;
    std::int64_t align = 0; // edges are multiples of it since 1970; 0: any
    std::int64_t lookback = 0;
    std::uint32_t concurrency = 1;
    std::size_t max_waiting = 4096;              // windows that are read and wait for acknowledgement
    std::uint64_t max_waiting_rows = UINT64_MAX; // the same for their rows; those of a window may come on top
};

// What no window is cut below: align, or 1 s.
[[nodiscard]] std::int64_t smallest_window(const Policy& policy);

using WindowId = std::uint64_t;

// Windows are planned one behind the other from the cursor on, without gaps. Not thread-safe.
class Planner {
public:
    // Goes on from `cursor`: its planned windows are read again with the same edges, its passed ones are not.
    Planner(const Policy& policy, const Cursor& cursor);

    struct Step {
        enum class Kind {
            read,      // this window now counts as being read; complete() or failed() must follow
            wait,      // for a window that is being read, or (reading() == 0) for acknowledgements: too many windows or rows wait
            caught_up, // nothing to read before the next tick
            ended      // everything before Policy::stop was read
        } kind = Kind::wait;
        WindowId id = 0;
        Edges edges;
        bool look_back = false; // what lies up to Policy::lookback before it is to be read with it
    };

    // A tick begins: what lies before `now` - delay is to be read.
    void begin_tick(Instant now);

    // What to do at `now`. Look-back is asked for by the first window of a tick, and by those near enough to now that a row in
    // reach may still be late; such a window is read alone. While reading is behind by a whole window or more, the tick goes on; so it ends even
    // where rows come in as fast as they are read.
    Step next(Instant now);

    // The window was read to its end, with so many rows. `whole`: by one query; else it says nothing about how large a window may be.
    void complete(WindowId id, std::uint64_t rows, bool whole = true);

    // It was not: it will be read again.
    void failed(WindowId id);

    // Instead of failed(): it is too large, its halves will be read. False: it is as small as may be (1 s, or align), and failed.
    bool halve(WindowId id);

    // Whether halve() would find it as small as may be.
    [[nodiscard]] bool is_smallest(WindowId id) const;

    // A batch of the window left / was acknowledged. After one that was not delivered the cursor does not pass the window.
    void emitted(WindowId id);
    void settled(WindowId id, bool delivered);

    // Whether the window's edges are in a cursor that was stored. If not, they have to be before a batch of it leaves.
    [[nodiscard]] bool stored(WindowId id) const { return windows_.at(id)->stored; }

    // What is to be stored, without identity. After it was: mark_stored().
    [[nodiscard]] Cursor cursor() const;
    void mark_stored();

    // Whether the cursor moved since it was stored last: at all / past a window that had rows.
    [[nodiscard]] bool moved() const noexcept { return moved_; }
    [[nodiscard]] bool moved_past_rows() const noexcept { return moved_past_rows_; }

    // The windows that are read and acknowledged, each once.
    [[nodiscard]] std::vector<WindowId> take_passed() { return std::exchange(passed_, {}); }

    [[nodiscard]] Instant position() const noexcept { return position_; }
    [[nodiscard]] Instant edge() const noexcept { return list_.empty() ? position_ : list_.back().edges.stop; } // of what is planned
    [[nodiscard]] std::size_t reading() const noexcept { return reading_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; } // read, not passed
    [[nodiscard]] std::int64_t size() const noexcept { return size_; }      // of the next window
    [[nodiscard]] Edges edges(WindowId id) const { return windows_.at(id)->edges; }
    [[nodiscard]] bool all_read() const noexcept { return pending_ == 0 && reading_ == 0; }
    [[nodiscard]] bool all_passed() const noexcept { return list_.empty(); }

private:
    enum class State : std::uint8_t { pending, reading, complete };
    struct Window {
        WindowId id = 0;
        Edges edges;
        State state = State::pending;
        bool stored = false, had_rows = false, abandoned = false, noted = false;
        bool left = false;             // a batch of it did, in this run or an earlier one
        std::uint64_t outstanding = 0; // batches, those of failed tries included
        std::uint64_t rows = 0;        // while it is complete and not noted
    };
    using List = std::list<Window>;

    List::iterator insert(List::const_iterator before, const Edges& edges, State state);
    void set_state(Window& window, State state);
    void advance();
    [[nodiscard]] bool passed(const Window& w) const { return w.state == State::complete && w.outstanding == 0 && !w.abandoned; }
    [[nodiscard]] Instant limit(Instant upto) const;
    Step read(Window& window, Instant past);
    void withdraw(Instant past);
    void note_passed(Window& window);
    void size_after(const Window& window, std::uint64_t rows);

    Policy policy_;
    Instant position_;
    List list_; // by time
    std::unordered_map<WindowId, List::iterator> windows_;
    WindowId next_id_ = 1;
    Instant horizon_ = INT64_MIN;
    std::int64_t size_;
    std::uint32_t successes_ = 0; // at this size
    std::size_t pending_ = 0, reading_ = 0, waiting_ = 0;
    std::uint64_t waiting_rows_ = 0;
    bool moved_ = false, moved_past_rows_ = false;
    bool first_of_tick_ = true; // no window of this tick looked back yet
    WindowId looking_back_ = 0; // the window that is read with look-back
    std::vector<WindowId> passed_;
};

} // namespace fluxgate::window
