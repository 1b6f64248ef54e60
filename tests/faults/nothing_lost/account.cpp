#include "account.hpp"

#include "sample_server/table.hpp"

#include <algorithm>

namespace fluxgate::nothing_lost {

namespace {

bool overlap(const Edges& a, const Edges& b) {
    return a.start < b.stop && b.start < a.stop;
}

bool within(const Edges& inner, const Edges& outer) {
    return inner.start >= outer.start && inner.stop <= outer.stop;
}

constexpr std::size_t most_violations = 8;

} // namespace

std::string text_of(Instant t) {
    return sample::time_text(sample::Time{t});
}

std::string text_of(const Edges& e) {
    return "[" + text_of(e.start) + ", " + text_of(e.stop) + ")";
}

bool Snapshot::acknowledged(const Edges& e) const {
    if (!exists) return false;
    Instant at = std::max(e.start, position);
    for (const Edges& p : passed)
        if (p.start <= at && at < p.stop) at = p.stop;
    return at >= e.stop;
}

Totals& Totals::operator+=(const Totals& other) {
    for (const auto member : {&Totals::rows, &Totals::late_rows, &Totals::late_owed, &Totals::delivered, &Totals::repeated, &Totals::repeatable,
                              &Totals::repeated_in_run, &Totals::lost, &Totals::duplicates, &Totals::cursor_ahead})
        this->*member += other.*member;
    return *this;
}

Account::Account(const Rules& rules, std::vector<Row> rows) : rules_(rules), base_(rows.size()) {
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.time < b.time; });
    rows_.reserve(rows.size());
    for (Row& row : rows) {
        if (!by_payload_.emplace(row.payload, rows_.size()).second) violation("the oracle has a row twice, which it must not: " + row.payload);
        rows_.push_back({std::move(row), Duty::base, 0, {}, 0, {}});
    }
}

void Account::violation(std::string text) {
    if (violations_.size() < most_violations) violations_.push_back("run " + std::to_string(run_) + ": " + std::move(text));
}

std::string Account::described(const Known& row) const {
    std::string out = row.row.payload;
    if (row.duty != Duty::base) out += " (inserted while the round ran)";
    if (row.seen.empty()) return out + ", never delivered";
    out += ", rowId " + row.row_id + ", delivered by";
    for (const Delivery& d : row.seen)
        out += " run " + std::to_string(d.run) + " in " + text_of(d.window);
    return out;
}

void Account::inserted(Instant time, std::string payload) {
    if (!by_payload_.emplace(payload, rows_.size()).second) violation("a row was inserted twice, which must not be: " + payload);
    rows_.push_back({{time, std::move(payload)}, Duty::fresh, 0, {}, 0, {}});
    ++totals_.late_rows;
}

void Account::begin_run() {
    ++run_;
    windows_.clear();
    came_again_.clear();
}

void Account::delivered(const Message& message, const std::string& place) {
    ++totals_.delivered;
    const auto found = by_payload_.find(message.payload);
    if (found == by_payload_.end()) return violation(place + " has a row that the server never had: " + message.payload);
    Known& row = rows_[found->second];
    if (row.seen.empty()) {
        row.row_id = message.row_id;
        row.partition = message.partition;
        if (!by_id_.emplace(message.row_id, found->second).second) {
            ++totals_.lost; // whoever drops repeated rowIds drops this row
            return violation(place + ": two rows have the rowId " + message.row_id + ": " + row.row.payload + " and " +
                             rows_[by_id_.at(message.row_id)].row.payload);
        }
        open_.push_back(found->second);
    } else if (row.row_id != message.row_id) {
        ++totals_.duplicates;
        return violation(place + " has a row again with another rowId, " + message.row_id + ": " + described(row));
    } else if (row.partition != message.partition) {
        return violation(place + " has a row again in another partition, " + std::to_string(message.partition) + " instead of " +
                         std::to_string(row.partition) + ": " + described(row));
    }
    judge_window(message, row, place);
    judge_repeat(message, row, place);
    if (!row.seen.empty() && row.seen.back().run == run_) {
        came_again_.emplace_back(found->second, place);
        ++totals_.repeated_in_run;
    } else if (!row.seen.empty()) {
        ++totals_.repeated;
    }
    row.seen.push_back({run_, message.window, false});
    if (windows_.empty() || !(windows_.back() == message.window)) {
        if (std::find(windows_.begin(), windows_.end(), message.window) == windows_.end()) windows_.push_back(message.window);
    }
}

// A restart reads exactly the windows that were planned, or parts of them, and none that was acknowledged.
void Account::judge_window(const Message& message, const Known& row, const std::string& place) {
    const Edges& w = message.window;
    if (row.row.time >= w.stop || row.row.time < w.start - rules_.lookback || !within(w, rules_.range))
        return violation(place + " has a row of another time than its window " + text_of(w) + " reads: " + row.row.payload);
    if (!state_.exists) return;
    const auto covered = [&](const Edges& e) { return overlap(w, e); };
    if (w.start < state_.position || std::any_of(state_.passed.begin(), state_.passed.end(), covered))
        return violation(place + " names the window " + text_of(w) + ", which the state, at " + text_of(state_.position) +
                         ", had as acknowledged: " + row.row.payload);
    for (const Edges& planned : state_.planned) {
        if (overlap(w, planned) && !within(w, planned))
            return violation(place + " names the window " + text_of(w) + ", and after the kill before the state said that " + text_of(planned) +
                             " is to be read again: " + row.row.payload);
    }
}

// A later run that has a window acknowledged read the rows of its time again, but not those before it that look-back had found in it.
bool Account::is_acknowledged(const Known& row, const Delivery& delivery) const {
    const bool own = row.row.time >= delivery.window.start && row.row.time < delivery.window.stop;
    return delivery.acknowledged || (own && state_.acknowledged(delivery.window));
}

// Which rows may not come again from now on.
void Account::settle_open() {
    const auto settled = [&](std::size_t i) {
        Known& row = rows_[i];
        for (Delivery& d : row.seen)
            d.acknowledged = d.acknowledged || (d.run == run_ && state_.acknowledged(d.window));
        return std::any_of(row.seen.begin(), row.seen.end(), [&](const Delivery& d) { return is_acknowledged(row, d); });
    };
    open_.erase(std::remove_if(open_.begin(), open_.end(), settled), open_.end());
    totals_.repeatable += open_.size();
}

// What was acknowledged does not come again.
void Account::judge_repeat(const Message& message, const Known& row, const std::string& place) {
    for (const Delivery& d : row.seen) {
        if (d.run == run_ && !overlap(d.window, message.window)) {
            ++totals_.duplicates;
            return violation(place + " has a row again, in another window of the same run, " + text_of(message.window) + ": " + described(row));
        }
        if (d.run == run_ || !is_acknowledged(row, d)) continue;
        ++totals_.duplicates;
        return violation(place + " has a row again though the state, at " + text_of(state_.position) +
                         " after the kill before, had it as delivered: " + described(row));
    }
}

void Account::end_run(const Snapshot& next, const RunEnd& how) {
    for (const auto& [row, place] : came_again_) {
        if (!rules_.verified && how.answer_failed) continue;
        ++totals_.duplicates;
        violation(place + " has a row twice in one run, " + (rules_.verified ? "with delivery verified" : "and no answer failed in it") + ": " +
                  described(rows_[row]));
    }
    judge_state(next);
    judge_out(next);
    judge_covered(next);
    judge_inserted(next);
    state_ = next;
    settle_open();
}

// The state only moves on, and has no hole between what is passed and what is planned.
void Account::judge_state(const Snapshot& next) {
    if (state_.exists && !next.exists) return violation("the state is gone");
    if (!next.exists) return;
    if (state_.exists && next.position < state_.position)
        violation("the cursor went back, from " + text_of(state_.position) + " to " + text_of(next.position));
    for (const Edges& p : state_.passed)
        if (!next.acknowledged(p)) violation("the state had " + text_of(p) + " as acknowledged, and has it so no more");
    std::vector<Edges> all = next.planned;
    all.insert(all.end(), next.passed.begin(), next.passed.end());
    std::sort(all.begin(), all.end(), [](const Edges& a, const Edges& b) { return a.start < b.start; });
    Instant edge = next.position;
    for (const Edges& e : all) {
        if (e.start != edge) violation("the state leaves out " + text_of(Edges{edge, e.start}));
        edge = e.stop;
    }
}

// The edges of a window are stored before its first row leaves.
void Account::judge_out(const Snapshot& next) {
    const auto is_edge = [&](Instant t, Instant Edges::*side) {
        if (next.acknowledged(t - (side == &Edges::stop ? 1 : 0))) return true;
        return std::any_of(next.planned.begin(), next.planned.end(), [&](const Edges& e) { return e.*side == t; });
    };
    for (const Edges& w : windows_)
        if (!next.exists || !is_edge(w.start, &Edges::start) || !is_edge(w.stop, &Edges::stop))
            violation("rows of the window " + text_of(w) + " were delivered, and the state, at " + text_of(next.position) +
                      ", neither has it as acknowledged nor says that it is to be read again");
}

void Account::miss(const Known& row, const Snapshot& next) {
    ++totals_.cursor_ahead;
    violation("the state, at " + text_of(next.position) + ", is ahead of what is delivered: " + described(row));
}

// No row that the state covers is missing.
void Account::judge_covered(const Snapshot& next) {
    if (!next.exists) return;
    for (; checked_ < base_ && rows_[checked_].row.time < next.position; ++checked_)
        if (rows_[checked_].seen.empty()) miss(rows_[checked_], next);
    const auto before = [](const Known& row, Instant t) { return row.row.time < t; };
    const auto base_end = rows_.begin() + static_cast<std::ptrdiff_t>(base_);
    for (const Edges& p : next.passed)
        for (auto row = std::lower_bound(rows_.begin(), base_end, p.start, before); row != base_end && row->row.time < p.stop; ++row)
            if (row->seen.empty()) miss(*row, next);
}

// Rows that were inserted: which of them had to be found, and which have to be from now on. The next run begins after this, so
// whatever it asks for first it finds them there.
void Account::judge_inserted(const Snapshot& next) {
    for (std::size_t i = base_; i < rows_.size(); ++i) {
        Known& row = rows_[i];
        const Instant t = row.row.time;
        if (!row.seen.empty() || row.duty == Duty::excused) continue;
        if (row.duty == Duty::late && next.exists && next.position > row.from) miss(row, next);
        if (row.duty == Duty::ordinary && next.acknowledged(t)) miss(row, next);
        if (row.duty != Duty::fresh) continue;
        if (!next.acknowledged(t)) {
            row.duty = Duty::ordinary;
        } else if (t < next.position && next.position < rules_.range.stop && t >= next.position - rules_.lookback) {
            row.duty = Duty::late; // the first window of the next run looks back as far as that
            row.from = next.position;
        } else if (t < next.position) {
            row.duty = Duty::excused;
        }
    }
}

void Account::finish() {
    if (!state_.exists || state_.position != rules_.range.stop || !state_.planned.empty() || !state_.passed.empty())
        violation("the program ended by itself with the cursor at " + (state_.exists ? text_of(state_.position) : "nothing") +
                  " and not at incremental.stop, " + text_of(rules_.range.stop));
    for (const Known& row : rows_) {
        const bool owed = row.duty == Duty::base || row.duty == Duty::ordinary || (row.duty == Duty::late && row.from < rules_.range.stop);
        totals_.late_owed += row.duty != Duty::base && (owed || !row.seen.empty()) ? 1u : 0u;
        if (!owed || !row.seen.empty()) continue;
        ++totals_.lost;
        violation("lost: " + described(row));
    }
}

Totals Account::totals() const {
    Totals out = totals_;
    out.rows = rows_.size();
    return out;
}

} // namespace fluxgate::nothing_lost
