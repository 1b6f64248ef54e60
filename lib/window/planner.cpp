#include "window/planner.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

namespace fluxgate::window {

namespace {

constexpr std::int64_t second = 1'000'000'000, day = 86'400 * second;
constexpr std::int64_t most_growth = 64;
constexpr std::uint32_t successes_to_grow = 4; // windows of a size that must succeed before a larger one is tried again

} // namespace

// The cursor's lists may leave stretches out (a person may have written them); those are read like planned ones.
Planner::Planner(const Policy& policy, const Cursor& cursor) : policy_(policy), position_(cursor.position), size_(policy.window) {
    if (policy_.align > 0) {
        size_ = policy_.window = std::max(floor_to(policy_.window, policy_.align), policy_.align);
        if (policy_.stop) policy_.stop = floor_to(*policy_.stop, policy_.align);
        if (cursor.planned.empty() && cursor.passed.empty()) position_ = floor_to(position_, policy_.align);
    }
    struct Known {
        Edges edges;
        State state;
    };
    std::vector<Known> known;
    for (const Edges& e : cursor.planned)
        known.push_back({e, State::pending});
    for (const Edges& e : cursor.passed)
        known.push_back({e, State::complete});
    std::sort(known.begin(), known.end(), [](const Known& a, const Known& b) { return a.edges.start < b.edges.start; });
    const auto restore = [this](const Edges& edges, State state) {
        const auto window = insert(list_.end(), edges, state);
        window->stored = window->left = true;
    };
    for (const Known& k : known) {
        if (k.edges.start > edge()) restore({edge(), k.edges.start}, State::pending);
        restore(k.edges, k.state);
    }
    advance();
}

Planner::List::iterator Planner::insert(List::const_iterator before, const Edges& edges, State state) {
    const auto at = list_.insert(before, Window{next_id_++, edges, State::pending, false, false, false, false, false, 0, 0});
    windows_[at->id] = at;
    ++pending_;
    set_state(*at, state);
    return at;
}

void Planner::set_state(Window& window, State state) {
    const auto counter = [this](State s) -> std::size_t& { return s == State::pending ? pending_ : s == State::reading ? reading_ : waiting_; };
    --counter(window.state);
    window.state = state;
    ++counter(state);
}

std::int64_t smallest_window(const Policy& policy) {
    return policy.align > 0 ? policy.align : second;
}

Instant Planner::limit(Instant upto) const {
    return policy_.stop ? std::min(upto, *policy_.stop) : upto;
}

// A clock that went back does not take back what was to be read; a window is not read before its end has passed anyway.
void Planner::begin_tick(Instant now) {
    horizon_ = plus(now, -policy_.delay);
    first_of_tick_ = true;
}

// A row that comes up to `lookback` late is looked for until it cannot be promised any more.
Planner::Step Planner::read(Window& window, Instant past) {
    const bool near = plus(window.edges.stop, policy_.lookback) >= past;
    const bool look_back = policy_.lookback > 0 && (first_of_tick_ || near);
    if ((look_back && reading_ != 0) || waiting_rows_ >= policy_.max_waiting_rows) return {};
    if (look_back) looking_back_ = window.id;
    first_of_tick_ = false;
    set_state(window, State::reading);
    return {Step::Kind::read, window.id, window.edges, look_back};
}

// Windows that were planned by a clock which was ahead, and of which nothing left, are planned anew when it is time.
void Planner::withdraw(Instant past) {
    while (!list_.empty() && list_.back().state == State::pending && !list_.back().left && list_.back().edges.stop > past) {
        --pending_;
        windows_.erase(list_.back().id);
        list_.pop_back();
    }
}

Planner::Step Planner::next(Instant now) {
    if (reading_ >= policy_.concurrency || looking_back_ != 0) return {};
    const Step nothing{reading_ != 0 ? Step::Kind::wait : Step::Kind::caught_up, 0, {}, false};
    const Instant past = plus(now, -policy_.delay);
    withdraw(past);
    if (pending_ != 0) {
        const auto ready =
            std::find_if(list_.begin(), list_.end(), [&](const Window& w) { return w.state == State::pending && w.edges.stop <= past; });
        return ready != list_.end() ? read(*ready, past) : nothing; // what was planned before the clock went back comes first
    }
    const Instant begin = edge();
    if (policy_.stop && begin >= *policy_.stop) return reading_ != 0 ? nothing : Step{Step::Kind::ended, 0, {}, false};
    if (waiting_ >= policy_.max_waiting) return {};
    horizon_ = std::min(horizon_, past);
    if (plus(begin, policy_.window) <= limit(past)) horizon_ = past;
    Instant end = std::min(plus(begin, size_), limit(horizon_));
    if (policy_.align > 0) end = floor_to(end, policy_.align);
    if (end <= begin) return nothing;
    return read(*insert(list_.end(), {begin, end}, State::pending), past);
}

void Planner::size_after(const Window& window, std::uint64_t rows) {
    const std::int64_t length = window.edges.stop - window.edges.start;
    if (rows != 0 && size_ > policy_.window) {
        size_ = policy_.window;
        successes_ = 0;
    }
    if (length < size_) return; // shorter for another reason: it says nothing about this size
    if (size_ < policy_.window) {
        if (++successes_ < successes_to_grow) return;
        successes_ = 0;
        size_ = std::min(size_ * 2, policy_.window);
    } else if (rows == 0) {
        // An aligned size stays a multiple of align: it is one from the start, and the bounds are whole numbers of it.
        const std::int64_t bound =
            std::max(policy_.window, std::min(policy_.window > INT64_MAX / most_growth ? INT64_MAX : policy_.window * most_growth, day));
        size_ = size_ > bound / 2 ? bound : size_ * 2;
        if (policy_.align > 0) size_ = floor_to(size_, policy_.align);
    }
}

void Planner::complete(WindowId id, std::uint64_t rows, bool whole) {
    Window& window = *windows_.at(id);
    if (whole) size_after(window, rows);
    window.had_rows = window.had_rows || rows != 0;
    set_state(window, State::complete);
    waiting_rows_ += window.rows = rows;
    if (looking_back_ == id) looking_back_ = 0;
    note_passed(window);
    advance();
}

void Planner::failed(WindowId id) {
    set_state(*windows_.at(id), State::pending);
    if (looking_back_ != id) return;
    looking_back_ = 0;
    first_of_tick_ = true;
}

bool Planner::is_smallest(WindowId id) const {
    const Edges edges = windows_.at(id)->edges;
    return edges.stop - edges.start <= smallest_window(policy_);
}

bool Planner::halve(WindowId id) {
    const auto window = windows_.at(id);
    failed(id);
    const Edges whole = window->edges;
    const std::int64_t length = whole.stop - whole.start, least = smallest_window(policy_);
    if (is_smallest(id)) return false;
    std::int64_t half = std::max(length / 2, least);
    half = policy_.align > 0 ? std::max(floor_to(half, policy_.align), policy_.align) : half > 2 * second ? floor_to(half, second) : half;
    window->edges.stop = whole.start + half;
    window->stored = false;
    insert(std::next(window), {window->edges.stop, whole.stop}, State::pending)->left = window->left;
    size_ = std::max(std::min(size_, half), least);
    successes_ = 0;
    return true;
}

void Planner::emitted(WindowId id) {
    Window& window = *windows_.at(id);
    window.had_rows = window.left = true;
    ++window.outstanding;
}

void Planner::settled(WindowId id, bool delivered) {
    Window& window = *windows_.at(id);
    --window.outstanding;
    if (!delivered) window.abandoned = true;
    note_passed(window);
    advance();
}

// Beyond a gap nothing moves the position, but what is passed there need not be read again after a restart.
void Planner::note_passed(Window& window) {
    if (!passed(window) || std::exchange(window.noted, true)) return;
    moved_ = true;
    moved_past_rows_ = moved_past_rows_ || window.had_rows;
    waiting_rows_ -= window.rows;
    passed_.push_back(window.id);
}

void Planner::advance() {
    while (!list_.empty() && passed(list_.front())) {
        const Window& front = list_.front();
        position_ = front.edges.stop;
        moved_ = true;
        moved_past_rows_ = moved_past_rows_ || front.had_rows;
        --waiting_;
        windows_.erase(front.id);
        list_.pop_front();
    }
}

Cursor Planner::cursor() const {
    Cursor out;
    out.position = position_;
    for (const Window& w : list_) {
        if (!passed(w)) {
            out.planned.push_back(w.edges);
        } else if (!out.passed.empty() && out.passed.back().stop == w.edges.start) {
            out.passed.back().stop = w.edges.stop;
        } else {
            out.passed.push_back(w.edges);
        }
    }
    return out;
}

void Planner::mark_stored() {
    for (Window& w : list_)
        w.stored = true;
    moved_ = moved_past_rows_ = false;
}

} // namespace fluxgate::window
