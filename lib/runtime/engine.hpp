// A running pipeline: one reader thread, a few workers, queues between branches.
//
//   source -> [lane of branch A, partition p] -> output
//          -> [lane of branch B, partition p] -> [lane of branch C, partition p] -> output
//
// A lane is a strand: one worker at a time runs it, so order within a partition holds and calls to an instance are
// serialised. It takes a batch from its queue, runs the branch's processors, and hands the result to its output or to the
// lanes of the branches behind. What it cannot hand on (a busy output, a full queue) it keeps, and takes nothing further.
//
// One mutex guards the queues, the ready list and the phases. No stage is called and no Token is dropped under it: both lead
// back here.
#pragma once

#include "config/pipeline_document.hpp"
#include "runtime/dead_letters.hpp"
#include "runtime/feed.hpp"
#include "runtime/graph.hpp"
#include "runtime/instances.hpp"
#include "runtime/recent.hpp"
#include "runtime/shared_batch.hpp"
#include "runtime/stage_context.hpp"
#include "runtime/state_access.hpp"
#include "runtime/tokens.hpp"

#include "fluxgate/pipeline.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fluxgate::runtime {

class Engine final : public StageOwner, public AckSink, public std::enable_shared_from_this<Engine> {
public:
    // Makes the source, starts nothing. `letters` may be given by tests; none: PipelineOptions::dead_letter_file.
    static Result<std::shared_ptr<Engine>> create(std::shared_ptr<Host::Shared> host, config::PipelineDocument document, PipelineOptions options,
                                                  std::unique_ptr<DeadLetterFile> letters = nullptr);
    // The same with a source of the host's own instead of the one that the document names.
    static Result<std::shared_ptr<Engine>> create_with(const SourceMaker& source, std::shared_ptr<Host::Shared> host,
                                                       config::PipelineDocument document, PipelineOptions options);
    ~Engine() override;

    [[nodiscard]] bool enabled() const;
    [[nodiscard]] const config::StageCatalog& catalog() const noexcept { return host_->registry; }
    [[nodiscard]] const PipelineOptions& options() const noexcept { return options_; }
    [[nodiscard]] std::uint32_t partition_count() const noexcept { return partition_count_; }

    Result<void> start();
    Result<void> stop(std::chrono::nanoseconds timeout);
    void request_stop();
    // As Pipeline::reload; the document was parsed and found valid.
    Result<ReloadReport> reload(config::PipelineDocument document, std::chrono::nanoseconds timeout);
    // As Pipeline::stalled.
    [[nodiscard]] std::optional<std::string> stalled(std::chrono::nanoseconds limit) const;
    // False when it is not finished by then.
    bool wait_until(std::optional<std::chrono::steady_clock::time_point> when);

    [[nodiscard]] PipelineState state() const;
    [[nodiscard]] std::optional<Outcome> outcome() const;
    [[nodiscard]] PipelineCounters counters() const;
    [[nodiscard]] std::vector<StageHealth> health() const;
    [[nodiscard]] PipelineStatus status() const;

    Result<void> dead_letter(StageContext& stage, const fg_dead_letter& letter) override;
    void complete(StageContext& stage, std::uint64_t token, std::int32_t outcome) override;
    void health_changed() override { changed(); }
    void noted(const StageContext& stage, LogLevel level, std::string_view event, std::string_view message,
               const std::vector<LogField>& fields) override;
    StateAccess* state_store() noexcept override { return &state_access_; }
    Result<void> keep_dead_letters() override { return letters_->sync(); }
    void cannot_go_on(StageContext& stage, const Error& why) override;
    void settled(std::uint64_t sequence, fg_outcome outcome) noexcept override;

private:
    struct Branch;
    struct Change; // engine_reload.cpp

    struct Item {
        SharedBatch batch;
        Token token;
        std::uint64_t weight = 0; // as it entered the lane
    };

    struct Lane {
        Lane(Branch& b, std::uint32_t p) : branch(b), partition(p) {}
        Branch& branch;
        const std::uint32_t partition;
        // Guarded by mutex_.
        std::deque<Item> queue;
        std::uint64_t bytes = 0; // of the queue and of the batch in hand
        bool ready = false, running = false, again = false, closed = false, flushed = false, busy = false;
        bool retiring = false; // to be flushed now, for a reload
        std::optional<std::int64_t> wake_at;
        // The strand's own.
        std::vector<std::unique_ptr<ProcessorInstance>> processors; // by place in the branch; made when first needed
        std::unique_ptr<OutputInstance> output;                     // made when first needed
        std::optional<Item> pending;                                // processed, not handed on
        std::size_t handed = 0;                                     // of `pending`: to how many branches
        bool unpolled = false;                                      // written since the last poll
        std::int64_t next_poll = 0;
    };

    struct Branch {
        BranchPlan plan;
        std::vector<std::unique_ptr<Lane>> lanes; // by partition
        bool ends_in_output = false;
        // Guarded by mutex_.
        std::uint64_t bytes = 0;
        std::uint64_t items = 0;    // in all lanes
        std::uint32_t full = 0;     // lanes without room
        std::vector<Lane*> waiting; // lanes that wait for room here
    };

    struct StageStats {
        std::atomic<std::uint64_t> in{0}, out{0}, dropped{0}, made{0}, dead_letters{0}, abandoned{0}, failed{0};
    };

    struct Ack {
        std::uint64_t sequence;
        fg_outcome outcome;
    };

    enum class Phase { reading, draining, flushing, closing };
    enum class Step { progress, idle, blocked };

    Engine(std::shared_ptr<Host::Shared> host, config::PipelineDocument document, PipelineOptions options, std::unique_ptr<DeadLetterFile> letters);

    // engine.cpp: making, ending, counting
    static Result<std::shared_ptr<Engine>> make(std::shared_ptr<Host::Shared> host, config::PipelineDocument document, PipelineOptions options,
                                                std::unique_ptr<DeadLetterFile> letters, const SourceMaker& source);
    Result<void> build(const SourceMaker& maker);
    Result<std::unique_ptr<SourceInstance>> make_source();
    void fail(const std::string& stage, Error error, bool cancel = true);
    void end_quietly(const std::string& stage, const Error& error);
    void abort(Outcome why, bool flush, bool cancel = true);
    void abort_locked(bool flush);
    void cancel_source();
    void finish(Outcome fallback);
    void changed();
    void join_threads();
    void leave_threads();
    [[nodiscard]] std::string who_is_inside() const;
    StageContext& new_context(const std::string& stage, std::optional<std::uint32_t> partition);
    void drop_contexts(const std::vector<const StageContext*>& gone);
    [[nodiscard]] std::shared_ptr<StageStats> stats_locked(const std::string& stage) const;
    [[nodiscard]] static StageStats& stats_of(const StageContext& stage) { return *static_cast<StageStats*>(stage.account.get()); }

    // engine_reader.cpp: the reader thread
    void read();
    void read_batches();
    bool take_batch(const fg_batch& raw);
    void deliver_acks(std::vector<Ack>& acks);
    template <class Done>
    bool await(Phase phase, Done done);
    void close_lanes();
    void close_source();
    [[nodiscard]] bool room_locked() const;
    void reader_waits() noexcept { reader_since_.store(0, std::memory_order_relaxed); }
    void reader_works() noexcept { reader_since_.store(host_->monotonic_ns(), std::memory_order_relaxed); }

    // engine_reload.cpp: from one document to the next
    Result<std::shared_ptr<Change>> prepare(config::PipelineDocument document, std::chrono::nanoseconds timeout);
    Result<void> prepare_source(Change& change);
    Result<void> ask_plan(const std::shared_ptr<const StageType>& type, StageContext& context, const config::StageNode& node);
    [[nodiscard]] ReloadReport report_of(const Change& change) const;
    Result<void> wait_for_reader(const std::shared_ptr<Change>& change);
    void take_change();
    Result<void> apply(Change& change);
    Result<void> empty_lanes(Change& change);
    template <class Done>
    Result<void> await_change(const Change& change, const char* what, Done done);
    Result<void> pause_lanes(const Change& change);
    void swap_locked(Change& change);
    void forget_locked(Lane& lane);
    void release_gone(Change& change);
    void refuse_change();
    [[nodiscard]] std::string who_holds_locked(const Change& change) const;

    // engine_lanes.cpp: the workers
    void work();
    void run_lane(Lane& lane, bool others);
    Step step(Lane& lane, bool others);
    bool take(Lane& lane);
    bool process(Lane& lane, Item& item);
    bool run_processor(Lane& lane, std::size_t at, Item& item);
    Step write(Lane& lane, bool others);
    std::optional<bool> write_once(Lane& lane);
    bool make_output(Lane& lane);
    Step hand_on(Lane& lane);
    bool poll(Lane& lane, std::int64_t timeout_ns);
    void flush(Lane& lane);
    void close(Lane& lane);
    void rest(Lane& lane, Step last);
    void output_failed(Lane& lane, Error error);
    void push_locked(Lane& lane, Item item);
    void leave(Lane& lane, std::uint64_t weight);
    void schedule_locked(Lane& lane);
    void wake_at_locked(Lane& lane, std::int64_t when);
    [[nodiscard]] bool has_room_locked(const Lane& lane) const;
    [[nodiscard]] PipelineCounters totals() const; // without what count_locked adds
    void count_locked(PipelineCounters& out) const;
    [[nodiscard]] std::vector<StageHealth> health_locked() const;
    [[nodiscard]] const config::StageNode& node_of(const Branch& branch, std::size_t at) const { return document_.stages[branch.plan.stages[at]]; }
    [[nodiscard]] InstanceConfig config_of(const config::StageNode& node, std::uint32_t partition) const;

    const std::shared_ptr<Host::Shared> host_;
    // Written by the reader under mutex_ while no lane runs; so lanes and the reader read it freely, others under mutex_. The same
    // holds for graph_, types_, branches_ and stats_.
    config::PipelineDocument document_;
    const PipelineOptions options_;
    const std::unique_ptr<DeadLetterFile> letters_;
    bool fed_ = false;         // the source is the host's own
    StateAccess state_access_; // its lock goes with the engine
    Recent recent_;
    Graph graph_;
    std::vector<std::shared_ptr<const StageType>> types_; // of document_.stages
    std::vector<std::unique_ptr<Branch>> branches_;
    std::atomic<std::uint32_t> partition_count_{1};

    // [0] is the source, then in document order.
    std::vector<std::shared_ptr<StageStats>> stats_;
    std::vector<std::atomic<std::uint64_t>> delivered_; // by partition, as many as there may ever be
    OutputTokens tokens_;

    mutable std::mutex mutex_;
    std::condition_variable reader_cv_, work_cv_, done_cv_;
    std::vector<std::unique_ptr<StageContext>> contexts_;
    std::deque<Lane*> ready_;
    std::set<std::pair<std::int64_t, Lane*>> timers_;
    std::vector<Ack> acks_;
    std::uint64_t outstanding_ = 0; // source batches not settled
    std::uint64_t items_ = 0;       // in all lanes
    std::size_t lanes_ = 0, lanes_closed_ = 0, lanes_flushed_ = 0;
    Phase phase_ = Phase::reading;
    bool started_ = false, stop_requested_ = false, workers_stop_ = false, flush_on_abort_ = false;
    bool paused_ = false;      // no lane is begun
    std::size_t running_ = 0;  // lanes that run
    bool reader_left_ = false; // it asks the source no more, so nothing can be changed
    std::shared_ptr<Change> change_;
    std::condition_variable change_cv_;
    std::atomic<std::int64_t> reader_since_{0}; // when the reader began what it does now; 0: it waits for others
    std::atomic<bool> left_{false};             // a thread was left behind
    std::atomic<bool> aborting_{false};         // written under mutex_
    std::atomic<bool> gave_up_{false};          // said once that it cannot go on
    std::optional<std::chrono::steady_clock::time_point> drain_until_;
    std::optional<Outcome> why_; // decided before the end
    std::optional<Outcome> outcome_;
    PipelineState state_ = PipelineState::created;
    std::size_t threads_inside_ = 0;
    std::int64_t started_wall_ns_ = 0;

    mutable std::mutex count_mutex_;
    PipelineCounters totals_; // of what is not an atomic

    std::mutex source_mutex_; // cancel against release
    std::unique_ptr<SourceInstance> source_;

    std::mutex reload_mutex_; // one reload at a time
    std::mutex change_mutex_;
    std::mutex join_mutex_;
    std::vector<std::thread> threads_;
};

} // namespace fluxgate::runtime
