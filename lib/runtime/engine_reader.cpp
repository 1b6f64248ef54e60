// The reader thread: calls the source while there is room, gives it its acknowledgements, and leads the end.
#include "runtime/engine.hpp"

#include <exception>
#include <utility>

namespace fluxgate::runtime {

using std::chrono::steady_clock;

namespace {
// A source that failed ends the pipeline; what it delivered before gets this long.
constexpr std::chrono::seconds drain_after_failure{30};
} // namespace

void Engine::read() {
    try {
        read_batches();
        refuse_change();
        {
            const std::scoped_lock lock{mutex_};
            state_ = PipelineState::draining;
            phase_ = Phase::draining;
        }
        changed();
        const bool delivered = await(Phase::draining, [this] { return items_ == 0; });
        if (delivered) await(Phase::flushing, [this] { return lanes_flushed_ == lanes_; });
        close_lanes();
    } catch (const std::exception& e) {
        fail(document_.input.id, {Errc::internal, std::string{"the host failed: "} + e.what()});
        refuse_change();
        close_lanes();
    }
    close_source();
    finish({Ending::ended, {}, std::nullopt});
}

bool Engine::room_locked() const {
    for (const std::size_t first : graph_.first)
        if (branches_[first]->full > 0 || branches_[first]->bytes >= document_.queue_total_bytes) return false;
    return true;
}

void Engine::read_batches() {
    std::vector<Ack> acks;
    for (;;) {
        acks.clear(); // keeps its memory for the next ones
        bool room = false;
        bool change = false;
        {
            std::unique_lock lock{mutex_};
            reader_waits();
            reader_cv_.wait(lock, [this] { return stop_requested_ || aborting_ || change_ || !acks_.empty() || room_locked(); });
            reader_works();
            if (stop_requested_ || aborting_) return;
            room = room_locked();
            change = change_ != nullptr;
            acks.swap(acks_);
        }
        deliver_acks(acks);
        if (change) take_change();
        if (change || !room) continue;
        fg_batch raw{};
        auto answer = source_->next(longest_next_ns, raw);
        if (!answer.ok()) {
            const std::scoped_lock lock{mutex_};
            // Cancelled because we asked for it.
            if ((stop_requested_ || aborting_) && answer.error().code == Errc::cancelled) return;
            host_->log(LogLevel::error, "source.failed", answer.error().text(), {{"pipeline", options_.id}, {"stage", document_.input.id}});
            const Error shown = host_->redacted(answer.error());
            recent_.add({host_->wall_ns(), LogLevel::error, document_.input.id, "source.failed", shown.message, shown.server_text});
            if (!why_ || why_->how == Ending::stopped) why_ = Outcome{Ending::failed, document_.input.id, answer.error()};
            drain_until_ = steady_clock::now() + drain_after_failure;
            return;
        }
        if (*answer == SourceAnswer::ended) return;
        if (*answer == SourceAnswer::batch && !take_batch(raw)) return;
    }
}

// Into the queue of every branch that the source feeds. False when the pipeline is being given up.
bool Engine::take_batch(const fg_batch& raw) {
    const SharedBatch batch{raw};
    const std::uint64_t weight = weight_of(raw);
    {
        const std::scoped_lock lock{count_mutex_};
        ++totals_.batches;
        totals_.messages += raw.count;
    }
    stats_[0]->out.fetch_add(raw.count, std::memory_order_relaxed);
    Token token{*this, raw.sequence};

    const std::scoped_lock lock{mutex_};
    ++outstanding_;
    if (aborting_) return false; // `token` is older than the lock, so it is dropped, and the batch thereby abandoned, after it
    for (std::size_t i = graph_.first.size(); i-- > 1;)
        push_locked(*branches_[graph_.first[i]]->lanes[raw.partition], {batch, token.share(), weight});
    push_locked(*branches_[graph_.first.front()]->lanes[raw.partition], {batch, std::move(token), weight}); // a source has a successor
    return true;
}

void Engine::deliver_acks(std::vector<Ack>& acks) {
    if (acks.empty()) return;
    // What the acknowledgements cover must be durable first, the source's own dead letters too.
    auto durable = letters_->sync();
    if (!durable.ok()) {
        fail(document_.input.id, durable.error());
        for (Ack& ack : acks)
            ack.outcome = FG_ABANDONED;
    }
    for (const Ack& ack : acks) {
        {
            const std::scoped_lock lock{count_mutex_};
            ++(ack.outcome == FG_DELIVERED ? totals_.batches_delivered : totals_.batches_abandoned);
        }
        auto taken = source_->acknowledge(ack.sequence, ack.outcome);
        // A store that fails once fails for every acknowledgement after it; once is news.
        if (!taken.ok() && !gave_up_.exchange(true)) fail(document_.input.id, taken.error());
    }
    const std::scoped_lock lock{mutex_};
    outstanding_ -= acks.size();
}

// Enters the phase and delivers acknowledgements until `done` (under the mutex). False when the pipeline is given up.
template <class Done>
bool Engine::await(Phase phase, Done done) {
    {
        const std::scoped_lock lock{mutex_};
        phase_ = phase;
        for (const auto& branch : branches_)
            for (const auto& lane : branch->lanes)
                schedule_locked(*lane);
    }
    for (;;) {
        std::vector<Ack> acks;
        bool over = false;
        {
            std::unique_lock lock{mutex_};
            reader_waits();
            const auto something = [&] { return aborting_ || !acks_.empty() || done(); };
            if (!drain_until_)
                reader_cv_.wait(lock, something);
            else if (!reader_cv_.wait_until(lock, *drain_until_, something))
                abort_locked(false);
            reader_works();
            if (aborting_) return false;
            over = done();
            acks.swap(acks_);
        }
        deliver_acks(acks);
        if (over) return true;
    }
}

// Every lane gives up what it still has and releases its instances; then nothing can be owed any more.
void Engine::close_lanes() {
    {
        const std::scoped_lock lock{mutex_};
        phase_ = Phase::closing;
        for (const auto& branch : branches_)
            for (const auto& lane : branch->lanes)
                schedule_locked(*lane);
    }
    for (;;) {
        std::vector<Ack> acks;
        bool over = false;
        {
            std::unique_lock lock{mutex_};
            reader_waits();
            reader_cv_.wait(lock, [this] { return !acks_.empty() || lanes_closed_ == lanes_; });
            reader_works();
            over = lanes_closed_ == lanes_ && acks_.empty();
            acks.swap(acks_);
        }
        if (over) return;
        deliver_acks(acks);
    }
}

void Engine::close_source() {
    const std::string& id = document_.input.id;
    auto durable = letters_->sync();
    if (!durable.ok()) fail(id, durable.error());
    auto stopped = source_->stop();
    if (!stopped.ok()) fail(id, stopped.error());
    std::unique_ptr<SourceInstance> gone; // released outside the lock: whoever cancels must not wait for it
    const std::scoped_lock lock{source_mutex_};
    gone = std::move(source_);
}

} // namespace fluxgate::runtime
