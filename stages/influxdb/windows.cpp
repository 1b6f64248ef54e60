#include "windows.hpp"

#include "look_back.hpp"
#include "request.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fluxgate::influxdb {

namespace {

constexpr std::string_view cursor_key = "cursor";

} // namespace

window::Edges latest_window(const Incremental& incremental, std::int64_t now_ns) {
    window::Instant stop = window::plus(now_ns, -incremental.delay.count());
    if (incremental.stop) stop = std::min(stop, *incremental.stop);
    if (incremental.align > std::chrono::nanoseconds::zero()) stop = window::floor_to(stop, incremental.align.count());
    return {window::plus(stop, -incremental.window.count()), stop};
}

window::Policy planner_policy(const Incremental& incremental, std::size_t remembered) {
    window::Policy policy;
    policy.stop = incremental.stop;
    policy.window = incremental.window.count();
    policy.delay = incremental.delay.count();
    policy.align = incremental.align.count();
    policy.lookback = incremental.lookback.count();
    policy.concurrency = incremental.concurrency;
    if (policy.lookback > 0) policy.max_waiting_rows = remembered; // their fingerprints are kept until then
    return policy;
}

Result<window::Cursor> stored_cursor(std::string_view value) {
    Result<window::Cursor> cursor = window::parse_cursor(value);
    if (!cursor.ok()) return Error{Errc::state, "the stored cursor cannot be used: " + cursor.error().message};
    return cursor;
}

std::string query_identity(const Settings& settings) {
    return window::identity_of(address(settings.url), settings.organization, settings.query);
}

Result<void> may_go_on(const window::Cursor& cursor, std::string_view identity) {
    if (cursor.identity.empty() || cursor.identity == identity) return {};
    return Error{Errc::state, "the stored cursor, " + window::format_instant(cursor.position) +
                                  ", was written for another url, organization or query: rows that the new query finds before it would never be "
                                  "read. Set where to begin with `fluxgate cursor set`, or go on from it with `fluxgate run --accept-changed-query`"};
}

Result<void> Windows::open(bool accept_changed_query) {
    auto stored = host_.state_get(cursor_key);
    if (!stored.ok()) return std::move(stored).error();
    identity_ = query_identity(settings_);
    window::Cursor cursor;
    if (stored->exists()) {
        Result<window::Cursor> parsed = stored_cursor(stored->value());
        if (!parsed.ok()) return std::move(parsed).error();
        cursor = std::move(*parsed);
        if (Result<void> able = may_go_on(cursor, identity_); !able.ok() && !accept_changed_query) return able;
        if (!cursor.identity.empty() && cursor.identity != identity_)
            host_.log(FG_LOG_WARNING, "cursor.adopted", "url, organization or query changed; reading goes on from the cursor as asked",
                      {{"cursor", window::format_instant(cursor.position)}});
    } else {
        cursor.position = plan_.start.value_or(window::plus(host_.wall_ns(), -plan_.past.count()));
    }
    auto planner = std::make_unique<window::Planner>(planner_policy(plan_, settings_.bounds.remembered), cursor);
    if (looks_back()) {
        const window::Cursor* const known = stored->exists() ? &cursor : nullptr;
        if (Result<void> loaded = load_memory(host_, known, identity_, planner->position(), memory_); !loaded.ok()) return loaded;
    } else {
        auto erased = memory_erased(host_);
        if (!erased.ok()) return std::move(erased).error();
        to_erase_ = *std::move(erased);
    }
    cursor.position = planner->position();
    planner_ = std::move(planner);
    began_at_ = std::min(plan_.start.value_or(cursor.position), cursor.position);
    if (Result<void> kept = commit(); !kept.ok()) { // also shows at once when nothing can be stored
        planner_.reset();
        return kept;
    }
    host_.log(FG_LOG_INFO, "cursor.opened",
              stored->exists() ? "reading goes on from the cursor" : "there is no cursor; reading begins at incremental.start",
              {{"cursor", window::format_instant(cursor.position)}, {"planned", std::to_string(cursor.planned.size())}});
    report();
    return {};
}

window::Edges Windows::range_of(const window::Edges& window, bool look_back) const {
    return look_back ? look_back_range(window, plan_.lookback.count(), memory_) : window;
}

void Windows::complete(Id id, Outcome outcome) {
    if (looks_back()) {
        if (outcome.unremembered != 0) memory_.leave_out(planner_->edges(id).stop, outcome.unremembered);
        memory_.expect(id, planner_->edges(id), std::move(outcome.fingerprints));
    }
    planner_->complete(id, outcome.rows, outcome.whole);
    remember_passed();
    if (planner_->moved_past_rows()) commit_or_tell();
}

Result<void> Windows::before_batch(Id id) {
    if (planner_->stored(id)) return {};
    return commit();
}

std::uint64_t Windows::emitted(Id id) {
    planner_->emitted(id);
    out_[next_sequence_] = id;
    return next_sequence_++;
}

void Windows::acknowledged(std::uint64_t sequence, bool delivered) {
    const auto batch = out_.find(sequence);
    if (batch == out_.end()) return; // the host answers each batch once; another answer changes nothing
    const Id id = batch->second;
    out_.erase(batch);
    planner_->settled(id, delivered);
    remember_passed();
    if (planner_->moved_past_rows()) commit_or_tell();
    if (reported_ != planner_->position()) report();
}

// The fingerprints of windows that the cursor has passed, or may pass when a gap before them closes.
void Windows::remember_passed() {
    if (!looks_back()) return;
    for (const Id id : planner_->take_passed())
        memory_.add(id);
    memory_.forget_before(window::plus(planner_->position(), -plan_.lookback.count()));
    if (memory_.dropped() == told_dropped_) return;
    host_.count("lookback_fingerprints_dropped", static_cast<double>(memory_.dropped() - told_dropped_));
    if (told_dropped_ == 0)
        host_.log(FG_LOG_WARNING, "lookback.full", "the memory of look-back is full: it reaches less far back than lookback asks for",
                  {{"remembered", std::to_string(memory_.size())}, {"reachesBackTo", window::format_instant(memory_.floor())}});
    told_dropped_ = memory_.dropped();
}

Result<void> Windows::commit() {
    window::Cursor cursor = planner_->cursor();
    cursor.identity = identity_;
    std::vector<stage::StateChange> changes;
    changes.push_back({std::string{cursor_key}, window::cursor_text(cursor, host_.wall_ns())});
    if (looks_back()) {
        std::vector<stage::StateChange> remembered = memory_changes(memory_);
        std::move(remembered.begin(), remembered.end(), std::back_inserter(changes));
    }
    changes.insert(changes.end(), to_erase_.begin(), to_erase_.end());
    Result<void> kept = host_.state_commit(changes);
    host_.count("state_commits", 1, {{"outcome", kept.ok() ? "stored" : "failed"}});
    if (!kept.ok()) {
        if (!std::exchange(store_failed_, true)) host_.log(FG_LOG_ERROR, "cursor.not_stored", kept.error().message, {});
        host_.set_health(FG_HEALTH_NEEDS_ATTENTION, "state", "the cursor cannot be stored and stands still: " + kept.error().message);
        return kept;
    }
    if (std::exchange(store_failed_, false)) host_.log(FG_LOG_INFO, "cursor.stored", "the cursor can be stored again", {});
    planner_->mark_stored();
    memory_.mark_stored();
    to_erase_.clear();
    return {};
}

// What is not stored now is stored with the next commit; until then a restart reads again.
void Windows::commit_or_tell() {
    (void)commit();
}

Result<void> Windows::settle() {
    if (planner_ == nullptr) return {};
    remember_passed();
    report();
    if (!planner_->moved() && !store_failed_) return {}; // batches that are held back because nothing can be stored are no good end
    return commit();
}

void Windows::report() {
    const auto seconds = [](std::int64_t ns) { return static_cast<double>(ns) / 1e9; };
    const window::Instant position = planner_->position();
    reported_ = position;
    host_.gauge("cursor_timestamp_seconds", seconds(position));
    host_.gauge("cursor_start_timestamp_seconds", seconds(began_at_));
    if (plan_.stop) host_.gauge("cursor_stop_timestamp_seconds", seconds(*plan_.stop));
    const window::Instant until = std::min(host_.wall_ns(), plan_.stop.value_or(INT64_MAX)); // nothing behind it will be read
    host_.gauge("cursor_lag_seconds", std::max(0.0, seconds(until) - seconds(position)));
    host_.gauge("windows_waiting", static_cast<double>(planner_->waiting()));
    host_.gauge("window_seconds", static_cast<double>(planner_->size()) / 1e9);
    if (looks_back()) host_.gauge("lookback_fingerprints", static_cast<double>(memory_.size()));
}

} // namespace fluxgate::influxdb
