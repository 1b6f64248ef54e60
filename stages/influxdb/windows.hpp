// Incremental reading's bookkeeping: which windows are read, which of their batches are out, and what is stored of that. No
// network; the state is the host's.
#pragma once

#include "fluxgate/stage.hpp"
#include "settings.hpp"
#include "window/fingerprints.hpp"
#include "window/planner.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fluxgate::influxdb {

// The last whole window that could be read now, without regard to a cursor.
[[nodiscard]] window::Edges latest_window(const Incremental& incremental, std::int64_t now_ns);

// `remembered`: see MemoryBounds.
[[nodiscard]] window::Policy planner_policy(const Incremental& incremental, std::size_t remembered = window::Fingerprints::most);

// Of the state's key "cursor". Errc::state: it cannot be used.
[[nodiscard]] Result<window::Cursor> stored_cursor(std::string_view value);
// What the cursor remembers of url, organization and query.
[[nodiscard]] std::string query_identity(const Settings& settings);
// Errc::state when the cursor was written for another query than `identity`, so that going on from it would leave rows out.
[[nodiscard]] Result<void> may_go_on(const window::Cursor& cursor, std::string_view identity);

// Rule: the cursor never runs ahead of an acknowledgement. Not thread-safe.
class Windows {
public:
    using Id = window::WindowId;

    Windows(const Settings& settings, stage::Host host)
        : settings_(settings), plan_(*settings.incremental), host_(host), memory_(settings.bounds.remembered) {}

    // Loads the state and puts the cursor into it where there was none. Errc::state: it cannot be used, or the cursor was
    // written for another query (unless that is accepted).
    Result<void> open(bool accept_changed_query);
    [[nodiscard]] bool opened() const noexcept { return planner_ != nullptr; }

    [[nodiscard]] window::Planner& planner() noexcept { return *planner_; }

    // What the window's query asks for: its edges, and what look-back reads again before them.
    [[nodiscard]] window::Edges range_of(const window::Edges& window, bool look_back) const;
    // Rows that are known there are left out; null without look-back.
    [[nodiscard]] window::Fingerprints* memory() noexcept { return looks_back() ? &memory_ : nullptr; }

    // The window was read to its end, by one query if `whole`. Its dead letters are on record; what stores the cursor makes them
    // durable first (see fg_host.state_commit), so the cursor passes it when its batches are acknowledged, or at once without any.
    struct Outcome {
        std::uint64_t rows = 0; // but those that look-back suppressed
        window::Prints fingerprints;
        std::uint64_t unremembered = 0; // rows that have no fingerprint there, because there are too many
        bool whole = true;
    };
    void complete(Id id, Outcome outcome);

    // Before a batch of the window leaves: its edges are stored (Errc::state: they cannot be, and it must not). Then its sequence.
    Result<void> before_batch(Id id);
    std::uint64_t emitted(Id id);

    // The cursor moves, and is stored where that keeps rows from coming twice. A failure to store it is told, and tried again.
    void acknowledged(std::uint64_t sequence, bool delivered);

    // Stores what has moved meanwhile, empty windows too.
    Result<void> settle();

    void report(); // metrics
    // Look-back reaches less far than it is asked to, because its memory is full.
    [[nodiscard]] bool look_back_cut() const noexcept {
        return planner_ != nullptr && memory_.cut() && memory_.floor() > planner_->position() - plan_.lookback.count();
    }
    [[nodiscard]] window::Instant look_back_floor() const noexcept { return memory_.floor(); }

private:
    [[nodiscard]] bool looks_back() const noexcept { return plan_.lookback > std::chrono::nanoseconds::zero(); }
    Result<void> commit();
    void commit_or_tell();
    void remember_passed();

    const Settings& settings_;
    const Incremental plan_;
    const stage::Host host_;
    std::string identity_;
    std::unique_ptr<window::Planner> planner_;
    window::Fingerprints memory_;
    std::vector<stage::StateChange> to_erase_; // an earlier run's memory, where this one does not look back
    std::uint64_t next_sequence_ = 1;
    std::unordered_map<std::uint64_t, Id> out_; // batches by sequence
    bool store_failed_ = false;
    std::uint64_t told_dropped_ = 0;
    window::Instant began_at_ = 0;            // where the share of what is done is counted from
    std::optional<window::Instant> reported_; // the cursor, as the host knows it
};

} // namespace fluxgate::influxdb
