// How a window is read that is too large and cannot be cut smaller in time: measurement by measurement. A policy without I/O:
// what happened goes in, what to ask for comes out.
#pragma once

#include "window/instant.hpp"
#include "window/planner.hpp"
#include "window/query.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace fluxgate::window {

// The parts of what `read` asks for, by these measurements of it: each row is in exactly one. Without `read.measurements` one
// part more takes the rows of any other measurement, for the list may be cut short, and be out of date.
[[nodiscard]] std::vector<ReadSpec> parts_of(const ReadSpec& read, const std::vector<std::string>& measurements);

// Whether parts_of() would be several.
[[nodiscard]] bool is_divisible(const ReadSpec& read);

// What to send next of a window.
struct Ask {
    enum class Kind {
        whole, // the document's query
        names, // which measurements there are; the answer belongs to Split::names_read()
        part   // the rows of one measurement, or of those that have no part of their own
    } kind = Kind::whole;
    std::string query;       // of names and part
    std::string measurement; // of a part; empty: of all others
    bool begins = true;      // nothing of the window was read before it
    bool counts_on = false;  // identical rows are counted on from the part before it
};

// Every window that is read passes through here: begin(), then read() or names_read() until it is complete, or failed() or
// too_much(). A window of which a part failed is taken up where it failed; but from its beginning, when rows of several parts may
// be identical (`columns` leaves _measurement out), for their counts are lost, or when its range is another one. Not thread-safe.
class Split {
public:
    static constexpr std::size_t most_names = 256;      // that are parts of their own
    static constexpr std::uint32_t first_pause = 4;     // windows that are read in parts before one is tried whole again
    static constexpr std::uint32_t longest_pause = 256; // it doubles with each failure, for a try may cost a time-out

    // Without `read`, windows are read whole and never split.
    explicit Split(std::optional<ReadSpec> read);

    // The window is about to be read. `smallest`: it cannot be cut in time.
    [[nodiscard]] Ask begin(WindowId id, const Edges& range, bool smallest);

    // What was asked for was read to its end. Nothing: the window is complete.
    [[nodiscard]] std::optional<Ask> read(WindowId id);
    [[nodiscard]] Ask names_read(WindowId id, std::vector<std::string> names);

    // It was not.
    void failed(WindowId id);

    // It was not, for its size or the time that it takes, and the window cannot be cut. `rows`: it has too many distinct ones, and
    // they are counted over all parts unless rows of different measurements differ. True: it will be read in parts; false: failed.
    bool too_much(WindowId id, bool rows);

    // Whether the window is read whole, which says something about the size that can be.
    [[nodiscard]] bool whole(WindowId id) const;

private:
    struct Window {
        Edges range;
        Ask::Kind kind = Ask::Kind::whole;
        bool indivisible = false; // it was tried: it has one measurement
        std::vector<ReadSpec> parts;
        std::size_t next = 0; // part
    };
    [[nodiscard]] Ask ask(const Window& window) const;
    void into_parts(Window& window) const;

    std::optional<ReadSpec> read_;
    bool divisible_ = false; // `read` names no measurement, or several
    bool separate_ = false;  // rows of different measurements differ
    bool in_force_ = false;
    std::uint32_t pause_ = first_pause, left_ = 0;
    std::unordered_map<WindowId, Window> windows_;
};

} // namespace fluxgate::window
