// The books of one round: every row that the server has, every delivery of it, and what the state said after each kill. Pure:
// no files, no processes, no clock. It knows nothing of the product but what is promised of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fluxgate::nothing_lost {

using Instant = std::int64_t; // nanoseconds since 1970 UTC

struct Edges {
    Instant start = 0, stop = 0; // half-open
    friend bool operator==(const Edges& a, const Edges& b) { return a.start == b.start && a.stop == b.stop; }
};

std::string text_of(Instant t);
std::string text_of(const Edges& e);

// The cursor as it lay on disk after a kill.
struct Snapshot {
    bool exists = false; // false: there is none yet, and nothing counts as delivered
    Instant position = 0;
    std::vector<Edges> planned, passed; // by time

    // Whether the state says that this stretch is delivered and acknowledged.
    [[nodiscard]] bool acknowledged(const Edges& e) const;
    [[nodiscard]] bool acknowledged(Instant t) const { return acknowledged(Edges{t, t + 1}); }
};

// A message as it was found in a final file, or read from the pipe.
struct Message {
    std::string payload; // without _start and _stop
    std::string row_id;
    Edges window;
    std::uint32_t partition = 0;
};

struct Row {
    Instant time = 0;
    std::string payload;
};

struct Rules {
    Edges range;           // incremental.start and .stop
    Instant lookback = 0;  // nanoseconds
    bool verified = false; // delivery
};

// How a run ended.
struct RunEnd {
    bool answer_failed = false; // the program told of an answer that could not be used
};

struct Totals {
    std::uint64_t rows = 0, late_rows = 0; // that the server had for the range / of these, inserted during the round
    std::uint64_t late_owed = 0;           // late rows that had to be delivered
    std::uint64_t delivered = 0;           // messages
    std::uint64_t repeated = 0;            // messages of rows that an earlier run had delivered
    std::uint64_t repeatable = 0;          // at most so many: rows that were out and not acknowledged, summed over the kills
    std::uint64_t repeated_in_run = 0;     // messages of rows that the same run had delivered, of answers that failed
    std::uint64_t lost = 0, duplicates = 0, cursor_ahead = 0;
    Totals& operator+=(const Totals& other);
};

class Account {
public:
    Account(const Rules& rules, std::vector<Row> rows);

    // A row that the server has from now on.
    void inserted(Instant time, std::string payload);

    void begin_run();
    // `place`: where it was found, for people.
    void delivered(const Message& message, const std::string& place);
    // The process is gone, all that it delivered was told, and this is the state that it left.
    void end_run(const Snapshot& state, const RunEnd& how);
    // The last run ended by itself, at incremental.stop.
    void finish();

    // What broke a rule, in words. The round need not go on after the first.
    [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }
    // What somebody who looks from outside found.
    void violation(std::string text);
    [[nodiscard]] Totals totals() const;
    [[nodiscard]] const Snapshot& state() const noexcept { return state_; }
    [[nodiscard]] std::uint32_t run() const noexcept { return run_; }

private:
    struct Delivery {
        std::uint32_t run = 0;
        Edges window;
        bool acknowledged = false; // by the end of that run
    };
    // What is owed of a row that was inserted while the round ran.
    enum class Duty {
        base,     // it was there before: owed as soon as the state covers its time
        fresh,    // nobody can say yet whether a query still had to find it
        ordinary, // the state did not cover its time when it was there: owed as soon as it does
        late,     // it lay in reach of look-back: owed as soon as the cursor moves on from `from`
        excused   // too late for look-back
    };
    struct Known {
        Row row;
        Duty duty = Duty::base;
        Instant from = 0; // Duty::late
        std::string row_id;
        std::uint32_t partition = 0;
        std::vector<Delivery> seen;
    };

    [[nodiscard]] bool is_acknowledged(const Known& row, const Delivery& delivery) const;
    void settle_open();
    void judge_window(const Message& message, const Known& row, const std::string& place);
    void judge_repeat(const Message& message, const Known& row, const std::string& place);
    void judge_state(const Snapshot& next);
    void judge_out(const Snapshot& next);
    void judge_covered(const Snapshot& next);
    void judge_inserted(const Snapshot& next);
    void miss(const Known& row, const Snapshot& next);
    std::string described(const Known& row) const;

    const Rules rules_;
    std::vector<Known> rows_; // those of the beginning by time, then the inserted ones
    std::size_t base_;        // how many of the first
    std::unordered_map<std::string, std::size_t> by_payload_, by_id_;
    Snapshot state_;
    std::uint32_t run_ = 0;
    std::size_t checked_ = 0;                                     // rows of the beginning before state_.position
    std::vector<std::size_t> open_;                               // delivered and not acknowledged
    std::vector<Edges> windows_;                                  // that messages of this run name
    std::vector<std::pair<std::size_t, std::string>> came_again_; // in this run: row, place
    Totals totals_;
    std::vector<std::string> violations_;
};

} // namespace fluxgate::nothing_lost
