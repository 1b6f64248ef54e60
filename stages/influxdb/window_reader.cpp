#include "window_reader.hpp"

#include "config/duration.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::influxdb {

namespace {

// How old a message may become in an open block while no socket has more to give.
constexpr std::chrono::nanoseconds linger{1'000'000};
// With several lanes, deadlines are judged at least this often.
constexpr std::chrono::nanoseconds longest_wait{100'000'000};

} // namespace

WindowReader::WindowReader(const Settings& settings, stage::Host host, const std::shared_ptr<partition::Partitioner>& partitioner, Begin begin)
    : settings_(settings), host_(host), begin_(std::move(begin)), windows_(settings, host), split_(settings.incremental->read),
      loop_(std::make_shared<http::Loop>()) {
    const std::uint32_t lanes = settings.incremental->concurrency;
    for (std::uint32_t i = 0; i < lanes; ++i)
        slots_.push_back({std::make_unique<Lane>(settings, host, partitioner, loop_, lanes), 0, {}, false, std::nullopt});
}

void WindowReader::begin_tick() {
    windows_.planner().begin_tick(now());
    in_tick_ = true;
}

// The earlier of our clock and the server's.
std::int64_t WindowReader::now() const {
    return host_.wall_ns() - behind_ns_;
}

void WindowReader::keep_to_server(const Lane& lane) {
    constexpr std::int64_t worth_telling = 10'000'000'000;
    behind_ns_ = lane.server_behind_ns();
    if (behind_ns_ < worth_telling) {
        told_behind_ = false;
    } else if (!std::exchange(told_behind_, true)) {
        host_.log(FG_LOG_WARNING, "clock.differs", "the server's clock is behind ours; reading keeps to the server's",
                  {{"behind", config::format_duration(std::chrono::seconds{behind_ns_ / 1'000'000'000})}});
    }
}

bool WindowReader::reading() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.window != 0; });
}

WindowReader::Event WindowReader::work(std::int64_t deadline_ns) {
    for (Slot& slot : slots_)
        if (slot.ended)
            if (std::optional<Event> event = close(slot)) return std::move(*event);
    if (!trouble_) {
        if (std::optional<Event> event = start()) return std::move(*event);
    }
    if (trouble_) {
        for (Slot& slot : slots_)
            if (slot.window != 0 && !slot.begun) give_back(slot);
        if (!reading()) return give_up_tick();
    }
    if (std::optional<Event> event = drive(deadline_ns)) return std::move(*event);
    return {};
}

WindowReader::Event WindowReader::give_up_tick() {
    Event event = std::move(*trouble_);
    trouble_.reset();
    in_tick_ = false;
    return event;
}

// Windows for the lanes that are free, and the next parts of those that are read in parts.
std::optional<WindowReader::Event> WindowReader::start() {
    for (Slot& slot : slots_) {
        if (slot.window != 0 && slot.begun) continue;
        if (slot.window == 0) {
            const window::Planner::Step step = windows_.planner().next(now());
            using Kind = window::Planner::Step::Kind;
            if (step.kind == Kind::wait) {
                if (reading()) continue; // another may have a part to be begun
                return Event{Event::Kind::waiting, nullptr, {}, false};
            }
            if (step.kind != Kind::read) {
                in_tick_ = false;
                return Event{step.kind == Kind::ended ? Event::Kind::ended : Event::Kind::over, nullptr, {}, false};
            }
            const window::Edges range = windows_.range_of(step.edges, step.look_back);
            slot.window = step.id;
            slot.read = {step.edges, range, windows_.memory(), split_.begin(step.id, range, windows_.planner().is_smallest(step.id))};
            show(slot, step.edges);
        }
        if (!begin(slot)) return std::nullopt;
    }
    return std::nullopt;
}

// The window that a lane reads, for whoever looks; zeros: none.
void WindowReader::show(const Slot& slot, const window::Edges& edges) const {
    const std::string number = std::to_string(&slot - slots_.data());
    host_.gauge("window_start_timestamp_seconds", static_cast<double>(edges.start) / 1e9, {{"lane", number}});
    host_.gauge("window_stop_timestamp_seconds", static_cast<double>(edges.stop) / 1e9, {{"lane", number}});
}

// Sends what is to be asked next of the slot's window. False: it cannot be sent, see trouble_.
bool WindowReader::begin(Slot& slot) {
    if (slot.read.ask.begins) parts_[slot.window] = Parts{};
    slot.ended.reset();
    slot.begun = true;
    Result<void> begun = begin_(*slot.lane, slot.read);
    if (begun.ok()) return true;
    give_back(slot);
    trouble_ = Event{Event::Kind::failed, slot.lane.get(), std::move(begun).error(), false};
    return false;
}

// The window was not read to its end: it is read again.
void WindowReader::give_back(Slot& slot) {
    const Windows::Id id = std::exchange(slot.window, 0);
    slot.begun = false;
    slot.ended.reset();
    split_.failed(id);
    windows_.planner().failed(id);
    show(slot, {});
}

// What a lane's step means. Set: there is something to say at once.
std::optional<WindowReader::Event> WindowReader::ran(Slot& slot, Lane::Step step) {
    switch (step) {
    case Lane::Step::nothing:
    case Lane::Step::progressed: return std::nullopt;
    case Lane::Step::succeeded:
    case Lane::Step::failed:
        slot.ended = step;
        slot.lane->rows().batcher().flush();
        return std::nullopt;
    case Lane::Step::fatal: break;
    }
    return Event{Event::Kind::fatal, slot.lane.get(), slot.lane->error(), false};
}

// What is ready is taken at once; only when no socket has anything to give do open blocks think of leaving.
std::optional<WindowReader::Event> WindowReader::drive(std::int64_t deadline_ns) {
    const auto has_open = [](const Slot& s) { return s.window != 0 && s.begun && !s.ended && s.lane->rows().batcher().has_open(); };
    for (const bool again : {true, false}) {
        bool quiet = true;
        loop_->before_run();
        for (Slot& slot : slots_) {
            if (slot.window == 0 || !slot.begun || slot.ended) continue;
            const Lane::Step step = slot.lane->run(std::chrono::nanoseconds{0});
            quiet = quiet && step == Lane::Step::nothing;
            if (std::optional<Event> event = ran(slot, step)) return event;
        }
        if (!quiet || !reading()) return std::nullopt;
        const std::int64_t now = host_.monotonic_ns();
        bool open = false;
        std::chrono::nanoseconds wait = longest_wait;
        for (const Slot& slot : slots_) {
            if (!has_open(slot)) continue;
            open = true;
            wait = std::min(wait, linger + std::chrono::nanoseconds{slot.lane->rows().batcher().oldest_ns() - now});
        }
        if (open && (!again || wait <= std::chrono::nanoseconds::zero())) {
            for (Slot& slot : slots_)
                slot.lane->rows().batcher().flush();
        }
        if (!again || wait <= std::chrono::nanoseconds::zero()) return std::nullopt;
        const std::chrono::nanoseconds budget{std::max<std::int64_t>(0, deadline_ns - now)};
        loop_->wait(std::min(budget, wait));
        for (Slot& slot : slots_)
            slot.lane->client().waited();
        if (!open) return std::nullopt;
    }
    return std::nullopt;
}

// Every batch of the response was taken.
std::optional<WindowReader::Event> WindowReader::close(Slot& slot) {
    keep_to_server(*slot.lane);
    if (slot.ended == Lane::Step::failed) return close_failed(slot);
    const bool whole = split_.whole(slot.window);
    Parts& parts = parts_[slot.window];
    Rows& rows = slot.lane->rows();
    const RowCounts& counts = rows.counts();
    parts.outcome.rows += counts.rows - counts.suppressed;
    parts.suppressed += counts.suppressed;
    parts.outcome.whole = whole;
    keep_fingerprints(rows.take_fingerprints(), parts.outcome);
    slot.begun = false;
    slot.ended.reset();
    std::optional<window::Ask> next =
        slot.read.ask.kind == window::Ask::Kind::names ? split_.names_read(slot.window, slot.lane->names().take()) : split_.read(slot.window);
    next ? static_cast<void>(slot.read.ask = std::move(*next)) : complete(slot);
    return Event{Event::Kind::read, slot.lane.get(), {}, false};
}

// Those of all parts of a window, unless they are more than look-back remembers.
void WindowReader::keep_fingerprints(window::Prints prints, Windows::Outcome& outcome) const {
    window::Prints& all = outcome.fingerprints;
    const std::size_t together = all.list.size() + prints.list.size();
    if (outcome.unremembered != 0 || together > settings_.bounds.remembered) {
        outcome.unremembered += together;
        all = {};
    } else {
        all.append(std::move(prints));
    }
}

void WindowReader::complete(Slot& slot) {
    Parts parts = std::move(parts_.extract(slot.window).mapped());
    const std::uint64_t rows = parts.outcome.rows;
    windows_.complete(slot.window, std::move(parts.outcome));
    slot.window = 0;
    show(slot, {});
    host_.count("windows", 1, {{"outcome", "read"}});
    host_.log(FG_LOG_DEBUG, "window.read", "a window is read to its end",
              {{"start", window::format_instant(slot.read.edges.start)},
               {"stop", window::format_instant(slot.read.edges.stop)},
               {"rows", std::to_string(rows + parts.suppressed)},
               {"suppressed", std::to_string(parts.suppressed)}});
    windows_.report();
}

// After a failure that is the window's size. True: it is cut in time, or by measurement.
bool WindowReader::split(const Slot& slot, const window::Edges& edges) {
    const bool halved = windows_.planner().halve(slot.window);
    if (!halved && !split_.too_much(slot.window, slot.lane->too_many_rows())) return false;
    host_.count("windows", 1, {{"outcome", halved ? "halved" : "split"}});
    const std::string start = window::format_instant(edges.start), stop = window::format_instant(edges.stop), why = slot.lane->error().text();
    if (halved) {
        host_.log(FG_LOG_WARNING, "window.halved", "a window is too large; its halves are read instead",
                  {{"start", start}, {"stop", stop}, {"why", why}});
    } else {
        host_.log(FG_LOG_WARNING, "window.split", "a window is too large and cannot be cut smaller; it is read measurement by measurement",
                  {{"start", start}, {"stop", stop}, {"why", why}});
    }
    return true;
}

std::optional<WindowReader::Event> WindowReader::close_failed(Slot& slot) {
    const window::Edges edges = windows_.planner().edges(slot.window);
    if (slot.lane->too_early()) { // no failure: it is read when it is time
        give_back(slot);
        host_.count("windows", 1, {{"outcome", "early"}});
        return std::nullopt;
    }
    Error error = slot.lane->error();
    if (slot.lane->too_much() && split(slot, edges)) {
        slot.window = 0;
        show(slot, {});
        slot.begun = false;
        slot.ended.reset();
        // Its size is not the server's trouble: the halves are read at once.
        if (error.code == Errc::limit) return std::nullopt;
        if (!trouble_) trouble_ = Event{Event::Kind::failed, slot.lane.get(), std::move(error), true};
        return std::nullopt;
    }
    if (slot.read.ask.kind == window::Ask::Kind::part)
        error.message += slot.read.ask.measurement.empty() ? "; it was asked for the rows of measurements that have no query of their own"
                                                           : "; it was asked for the measurement \"" + slot.read.ask.measurement + "\" alone";
    give_back(slot);
    host_.count("windows", 1, {{"outcome", "failed"}});
    if (!trouble_) trouble_ = Event{Event::Kind::failed, slot.lane.get(), std::move(error), false};
    return std::nullopt;
}

Result<std::optional<fg_batch>> WindowReader::take() {
    for (Slot& slot : slots_) {
        Batcher& batcher = slot.lane->rows().batcher();
        if (!batcher.has_ready()) continue;
        if (Result<void> stored = windows_.before_batch(slot.window); !stored.ok()) return std::move(stored).error();
        std::optional<fg_batch> batch = batcher.take();
        batch->sequence = windows_.emitted(slot.window);
        return batch;
    }
    return std::optional<fg_batch>{};
}

void WindowReader::wake() noexcept {
    for (Slot& slot : slots_)
        slot.lane->client().wake();
}

void WindowReader::abort() noexcept {
    for (Slot& slot : slots_) {
        slot.lane->tell();
        slot.lane->client().abort();
        show(slot, {});
    }
}

} // namespace fluxgate::influxdb
