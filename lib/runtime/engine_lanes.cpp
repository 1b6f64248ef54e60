// The workers: lanes as strands, processors, outputs and what they do when they cannot go on.
#include "runtime/engine.hpp"

#include <algorithm>
#include <exception>

namespace fluxgate::runtime {

namespace {
constexpr std::int64_t ms = 1'000'000;
constexpr int steps_in_a_row = 16;                // then other lanes have their turn
constexpr std::int64_t poll_at_least = 1000 * ms; // the contract of poll
constexpr std::int64_t poll_wait = 10 * ms;       // how long a poll may wait when no other lane has work
constexpr std::int64_t poll_pause = 1 * ms;       // the least time between two polls
constexpr std::int64_t busy_at_most = 100 * ms;   // until a busy output is asked again
constexpr std::int64_t flush_slice = 1000 * ms;   // how long one flush may take before others have their turn
} // namespace

void Engine::work() {
    std::unique_lock lock{mutex_};
    while (!workers_stop_) {
        const std::int64_t now = host_->monotonic_ns();
        while (!timers_.empty() && timers_.begin()->first <= now)
            schedule_locked(*timers_.begin()->second);
        if (paused_) {
            work_cv_.wait(lock);
            continue;
        }
        if (ready_.empty()) {
            if (timers_.empty())
                work_cv_.wait(lock);
            else
                work_cv_.wait_for(lock, std::chrono::nanoseconds{timers_.begin()->first - now});
            continue;
        }
        Lane& lane = *ready_.front();
        ready_.pop_front();
        lane.ready = false;
        lane.running = true;
        ++running_;
        const bool others = !ready_.empty();
        lock.unlock();
        try {
            run_lane(lane, others);
        } catch (const std::exception& e) {
            fail(node_of(lane.branch, 0).id, {Errc::internal, std::string{"the host failed: "} + e.what()});
        }
        lock.lock();
        lane.running = false;
        --running_;
        if (paused_) reader_cv_.notify_one();
        if (std::exchange(lane.again, false)) schedule_locked(lane);
    }
}

void Engine::schedule_locked(Lane& lane) {
    if (lane.wake_at) {
        timers_.erase({*lane.wake_at, &lane});
        lane.wake_at.reset();
    }
    if (lane.closed || lane.ready) return;
    if (lane.running) {
        lane.again = true;
        return;
    }
    lane.ready = true;
    ready_.push_back(&lane);
    work_cv_.notify_one();
}

void Engine::wake_at_locked(Lane& lane, std::int64_t when) {
    if (lane.wake_at) timers_.erase({*lane.wake_at, &lane});
    lane.wake_at = when;
    timers_.insert({when, &lane});
    // A worker that sleeps towards a later time must learn of an earlier one.
    if (timers_.begin()->second == &lane) work_cv_.notify_one();
}

void Engine::run_lane(Lane& lane, bool others) {
    Step last = Step::progress;
    for (int i = 0; i < steps_in_a_row && last == Step::progress && !aborting_; ++i)
        last = step(lane, others);
    Phase phase{};
    bool retiring = false;
    {
        const std::scoped_lock lock{mutex_};
        phase = phase_;
        retiring = lane.retiring;
        lane.busy = last == Step::blocked && lane.output != nullptr;
    }
    if (aborting_ || phase == Phase::closing) return close(lane);
    if (lane.output && (lane.unpolled || lane.next_poll <= host_->monotonic_ns()) && last != Step::blocked) {
        if (!poll(lane, others || last == Step::progress || lane.unpolled ? 0 : poll_wait)) return;
    }
    if ((phase == Phase::flushing || retiring) && last == Step::idle) flush(lane);
    rest(lane, last);
}

// When the lane runs next.
void Engine::rest(Lane& lane, Step last) {
    const std::int64_t now = host_->monotonic_ns();
    const std::scoped_lock lock{mutex_};
    if (aborting_ || last == Step::progress) return schedule_locked(lane);
    if (!lane.output) return; // a push, room downstream or a phase schedules it
    const std::int64_t latest = now + (lane.busy ? busy_at_most : poll_at_least);
    wake_at_locked(lane, std::clamp(lane.next_poll, now + poll_pause, latest));
}

Engine::Step Engine::step(Lane& lane, bool others) {
    if (!lane.pending && !take(lane)) return Step::idle;
    if (!lane.pending) return Step::progress;
    return lane.branch.ends_in_output ? write(lane, others) : hand_on(lane);
}

// The next batch through the processors into `pending`, unless nothing of it is left. False when the queue is empty.
bool Engine::take(Lane& lane) {
    Item item;
    {
        const std::scoped_lock lock{mutex_};
        if (lane.queue.empty()) return false;
        item = std::move(lane.queue.front());
        lane.queue.pop_front();
    }
    const std::uint64_t weight = item.weight;
    if (process(lane, item)) {
        lane.handed = 0;
        lane.pending.emplace(std::move(item));
        return true;
    }
    item = Item{};
    leave(lane, weight);
    return true;
}

bool Engine::process(Lane& lane, Item& item) {
    const std::size_t count = lane.branch.plan.stages.size() - (lane.branch.ends_in_output ? 1 : 0);
    for (std::size_t at = 0; at < count; ++at) {
        if (!run_processor(lane, at, item)) return false;
        if (item.batch->count == 0) {
            item.token.settle(FG_DELIVERED);
            return false;
        }
    }
    return true;
}

// Replaces the item's batch by what the stage makes of it. False when the stage failed.
bool Engine::run_processor(Lane& lane, std::size_t at, Item& item) {
    const config::StageNode& node = node_of(lane.branch, at);
    StageStats& stats = *stats_[lane.branch.plan.stages[at] + 1];
    if (lane.processors.size() <= at) lane.processors.resize(at + 1);
    if (!lane.processors[at]) {
        auto made =
            ProcessorInstance::create(types_[lane.branch.plan.stages[at]], new_context(node.id, lane.partition), config_of(node, lane.partition));
        if (!made.ok()) {
            fail(node.id, std::move(made).error());
            return false;
        }
        lane.processors[at] = std::move(*made);
    }
    ProcessorInstance& stage = *lane.processors[at];
    const std::uint64_t in = item.batch->count, dead_before = stage.context().dead_letters.load(std::memory_order_relaxed);
    stats.in.fetch_add(in, std::memory_order_relaxed);
    fg_batch raw{};
    auto done = stage.process(*item.batch, raw);
    const std::uint64_t dead = stage.context().dead_letters.load(std::memory_order_relaxed) - dead_before;
    if (!done.ok()) {
        stats.failed.fetch_add(in - std::min(in, dead), std::memory_order_relaxed);
        fail(node.id, std::move(done).error());
        return false;
    }
    item.batch = SharedBatch{raw};
    const std::uint64_t accounted = raw.count + dead;
    stats.out.fetch_add(raw.count, std::memory_order_relaxed);
    stats.dropped.fetch_add(in - std::min(in, accounted), std::memory_order_relaxed);
    stats.made.fetch_add(accounted - std::min(in, accounted), std::memory_order_relaxed);
    return true;
}

bool Engine::make_output(Lane& lane) {
    const std::size_t at = lane.branch.plan.stages.size() - 1;
    const config::StageNode& node = node_of(lane.branch, at);
    StageContext& context = new_context(node.id, lane.partition);
    context.place = &lane;
    auto made = OutputInstance::create(types_[lane.branch.plan.stages[at]], context, config_of(node, lane.partition));
    if (!made.ok()) {
        output_failed(lane, std::move(made).error());
        return false;
    }
    lane.output = std::move(*made);
    lane.next_poll = host_->monotonic_ns() + poll_at_least;
    return true;
}

void Engine::output_failed(Lane& lane, Error error) {
    if (lane.output) lane.output->broken = true;
    const std::string& id = node_of(lane.branch, lane.branch.plan.stages.size() - 1).id;
    if (error.code == Errc::output_closed)
        end_quietly(id, error);
    else
        fail(id, std::move(error));
}

Engine::Step Engine::write(Lane& lane, bool others) {
    if (!lane.output && !make_output(lane)) return Step::blocked;
    std::optional<bool> taken = write_once(lane);
    if (taken && !*taken) { // busy: let it work, ask once more
        if (!poll(lane, others ? 0 : poll_wait)) return Step::blocked;
        taken = write_once(lane);
    }
    if (!taken || !*taken) return Step::blocked;
    const std::uint64_t weight = lane.pending->weight;
    lane.pending->token.settle(FG_DELIVERED); // the output's share decides now
    lane.pending.reset();
    lane.unpolled = true;
    leave(lane, weight);
    return Step::progress;
}

// True: taken, false: busy, none: failed.
std::optional<bool> Engine::write_once(Lane& lane) {
    const Item& item = *lane.pending;
    StageContext& context = lane.output->context();
    const std::uint32_t count = item.batch->count;
    const std::uint64_t number = tokens_.open({&context, item.token.share(), item.batch->sequence, count, 0});
    fg_batch lent = item.batch.lend();
    auto taken = lane.output->write(lent, number);
    if (taken.ok() && *taken) {
        stats_[lane.branch.plan.stages.back() + 1]->in.fetch_add(count, std::memory_order_relaxed);
        return true;
    }
    if (lent.release != nullptr) lent.release(&lent);
    std::optional<OutputTokens::Open> back = tokens_.close(number, &context);
    if (back)
        back->token.settle(FG_DELIVERED); // this share was never used; the item's own still holds the batch
    else if (taken.ok())
        taken = Error{Errc::plugin, "the stage broke its contract: write answered busy for a batch whose token it completed"};
    if (taken.ok()) return false;
    output_failed(lane, std::move(taken).error());
    return std::nullopt;
}

// To every branch behind, each as soon as it has room.
Engine::Step Engine::hand_on(Lane& lane) {
    Item& item = *lane.pending;
    const std::vector<std::size_t>& next = lane.branch.plan.next;
    while (lane.handed < next.size()) {
        Branch& branch = *branches_[next[lane.handed]];
        Lane& target = *branch.lanes[lane.partition];
        Item share{item.batch, item.token.share(), weight_of(*item.batch)};
        const std::scoped_lock lock{mutex_};
        if (aborting_) return Step::blocked; // `share` is dropped after the lock, and the batch thereby abandoned
        if (!has_room_locked(target)) {
            if (std::find(branch.waiting.begin(), branch.waiting.end(), &lane) == branch.waiting.end()) branch.waiting.push_back(&lane);
            share.token.settle(FG_DELIVERED); // never used; the item's own still holds the batch
            break;
        }
        push_locked(target, std::move(share));
        ++lane.handed;
    }
    if (lane.handed < next.size()) return Step::blocked;
    const std::uint64_t weight = item.weight;
    item.token.settle(FG_DELIVERED); // the branches' shares decide now
    lane.pending.reset();
    leave(lane, weight);
    return Step::progress;
}

bool Engine::has_room_locked(const Lane& lane) const {
    return lane.bytes < document_.queue_max_bytes && lane.branch.bytes < document_.queue_total_bytes;
}

void Engine::push_locked(Lane& lane, Item item) {
    const std::uint64_t before = lane.bytes;
    lane.bytes += item.weight;
    lane.branch.bytes += item.weight;
    ++items_;
    ++lane.branch.items;
    if (before < document_.queue_max_bytes && lane.bytes >= document_.queue_max_bytes) ++lane.branch.full;
    lane.queue.push_back(std::move(item));
    {
        const std::scoped_lock counting{count_mutex_};
        totals_.max_queue_bytes = std::max(totals_.max_queue_bytes, lane.bytes);
    }
    schedule_locked(lane);
}

// A batch is done with in this lane: its room is free.
void Engine::leave(Lane& lane, std::uint64_t weight) {
    const std::scoped_lock lock{mutex_};
    const std::uint64_t before = lane.bytes;
    lane.bytes -= weight;
    lane.branch.bytes -= weight;
    --items_;
    --lane.branch.items;
    if (before >= document_.queue_max_bytes && lane.bytes < document_.queue_max_bytes) --lane.branch.full;
    for (Lane* waiting : std::exchange(lane.branch.waiting, {}))
        schedule_locked(*waiting);
    reader_cv_.notify_one();
}

// False when the output failed.
bool Engine::poll(Lane& lane, std::int64_t timeout_ns) {
    lane.unpolled = false;
    std::int64_t next = host_->monotonic_ns() + poll_at_least;
    auto done = lane.output->poll(timeout_ns, next);
    const std::int64_t now = host_->monotonic_ns();
    lane.next_poll = std::clamp(next, now + poll_pause, now + poll_at_least);
    if (done.ok()) return true;
    output_failed(lane, std::move(done).error());
    return false;
}

// The lane has handed everything on, and nothing more will come (for a reload: not before it is over).
void Engine::flush(Lane& lane) {
    if (lane.flushed) return;
    if (lane.output) {
        auto all = lane.output->flush(host_->monotonic_ns() + flush_slice);
        if (all.ok() && *all && tokens_.count(&lane.output->context()) > 0)
            all = Error{Errc::plugin, "the stage broke its contract: flush answered that all is done, but " +
                                          std::to_string(tokens_.count(&lane.output->context())) + " batches are not completed"};
        if (!all.ok()) return output_failed(lane, std::move(all).error());
        if (!*all) {
            lane.next_poll = 0; // again soon
            return;
        }
    }
    const std::scoped_lock lock{mutex_};
    if (phase_ != Phase::flushing && !lane.retiring) return; // the reload was given up meanwhile
    lane.flushed = true;
    ++lanes_flushed_;
    reader_cv_.notify_one();
}

// Gives up what is left, releases the instances. What the output had taken is completed or abandoned afterwards.
void Engine::close(Lane& lane) {
    std::deque<Item> queue;
    std::uint64_t weight = 0;
    bool try_flush = false;
    {
        const std::scoped_lock lock{mutex_};
        if (lane.closed) return;
        queue.swap(lane.queue);
        for (const Item& item : queue)
            weight += item.weight;
        if (lane.pending) weight += lane.pending->weight;
        const std::size_t count = queue.size() + (lane.pending ? 1u : 0u);
        items_ -= count;
        lane.branch.items -= count;
        lane.bytes -= weight;
        lane.branch.bytes -= weight;
        try_flush = aborting_ && flush_on_abort_;
    }
    lane.pending.reset(); // abandons
    queue.clear();
    if (lane.output) {
        if (try_flush && !lane.output->broken) {
            auto all = lane.output->flush(host_->monotonic_ns() + flush_slice);
            if (!all.ok()) lane.output->context().log(LogLevel::warning, "output.flush", all.error().text());
        }
        StageContext& context = lane.output->context();
        lane.output.reset();
        StageStats& stats = *stats_[lane.branch.plan.stages.back() + 1];
        for (OutputTokens::Open& left : tokens_.close_all(&context)) {
            stats.abandoned.fetch_add(left.messages - std::min(left.messages, left.dead_letters), std::memory_order_relaxed);
            left.token.settle(FG_ABANDONED);
        }
    }
    lane.processors.clear();
    const std::scoped_lock lock{mutex_};
    lane.closed = true;
    if (lane.wake_at) timers_.erase({*lane.wake_at, &lane});
    lane.wake_at.reset();
    ++lanes_closed_;
    reader_cv_.notify_one();
}

} // namespace fluxgate::runtime
