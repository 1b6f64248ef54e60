// Reload: from one document to the next, losing nothing.
//
//   who calls:  what differs -> a changed source is made and asked whether it could go on -> handed to the reader
//   the reader: asks the source no more -> branches that change run empty -> outputs that go are flushed -> no lane runs
//               -> the new graph takes over the lanes and instances that stay -> the others are released
//
// Nothing is given up before the graph is exchanged: what goes wrong until then leaves the old document running.
#include "runtime/document_diff.hpp"
#include "runtime/engine.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace fluxgate::runtime {

using std::chrono::steady_clock;

namespace {
constexpr std::chrono::seconds ask_source_at_most{5};  // whether it could go on from what is remembered
constexpr std::chrono::seconds pause_at_most{5};       // for entries that are running; the contract gives them one second
constexpr std::chrono::seconds reader_may_be_late{10}; // beyond the deadline, until nobody waits for it any more

Error ending() {
    return {Errc::cancelled, "the document was not taken over: the pipeline is ending"};
}

std::string joined(const std::vector<std::string>& ids) {
    std::string out;
    for (const std::string& id : ids)
        out += (out.empty() ? "" : ",") + id;
    return out;
}
} // namespace

struct Engine::Change {
    config::PipelineDocument document;
    std::vector<std::shared_ptr<const StageType>> types;
    Graph graph;
    DocumentDiff what;
    std::unique_ptr<SourceInstance> source; // none: the old one stays
    const StageContext* source_context = nullptr;
    std::uint32_t partitions = 1;
    steady_clock::time_point until;
    // Under the mutex.
    std::optional<Result<void>> answer;
    // The reader's own: what is released when the new graph stands.
    std::vector<std::unique_ptr<Branch>> old_branches;
    std::vector<std::unique_ptr<ProcessorInstance>> old_processors;
    std::vector<std::unique_ptr<OutputInstance>> old_outputs;

    [[nodiscard]] bool keeps(std::size_t old_branch) const {
        return std::find(what.kept.begin(), what.kept.end(), std::optional{old_branch}) != what.kept.end();
    }
};

Result<ReloadReport> Engine::reload(config::PipelineDocument document, std::chrono::nanoseconds timeout) {
    const std::scoped_lock one_at_a_time{reload_mutex_};
    auto prepared = prepare(std::move(document), timeout);
    if (!prepared.ok()) return std::move(prepared).error();
    const std::shared_ptr<Change>& change = *prepared;
    const ReloadReport report = report_of(*change);
    const Result<void> done = wait_for_reader(change);
    if (!done.ok()) {
        const bool mine = change.use_count() == 1; // else the reader still has it
        if (mine && change->source) {
            change->source.reset();
            drop_contexts({change->source_context});
        }
        return host_->redacted(done.error());
    }
    const std::string kept = joined(report.kept), replaced = joined(report.replaced), added = joined(report.added), removed = joined(report.removed);
    host_->log(LogLevel::info, "pipeline.reloaded", "the new document runs",
               {{"pipeline", options_.id}, {"kept", kept}, {"replaced", replaced}, {"added", added}, {"removed", removed}});
    return report;
}

// On the caller's thread. The reader changes the document in a reload only, and there is one at a time.
Result<std::shared_ptr<Engine::Change>> Engine::prepare(config::PipelineDocument document, std::chrono::nanoseconds timeout) {
    if (fed_) return Error{Errc::invalid_argument, "a pipeline that is fed has no source, and takes no other document"};
    if (!document.enabled)
        return Error{Errc::configuration, "the new document says \"enabled\": false; stop the pipeline instead. The old document goes on"};
    {
        const std::scoped_lock lock{mutex_};
        if (state_ != PipelineState::running || reader_left_) return ending();
    }
    auto change = std::make_shared<Change>();
    change->until = steady_clock::now() + std::min<std::chrono::nanoseconds>(timeout, std::chrono::hours{24});
    for (const config::StageNode& node : document.stages) {
        auto type = host_->registry.find(node.type);
        if (!type) return Error{Errc::unknown_stage, "no plugin offers the stage type \"" + node.type + "\" of the stage \"" + node.id + "\""};
        change->types.push_back(std::move(type));
    }
    change->graph = cut_into_branches(document);
    change->document = std::move(document);
    change->what = diff(document_, graph_, change->document, change->graph);
    change->partitions = partition_count_;
    if (!change->what.same_source) {
        auto made = prepare_source(*change);
        if (!made.ok()) return std::move(made).error();
        if (change->partitions != partition_count_) change->what = nothing_stays(change->what);
    }
    return change;
}

// The new source is made, once for itself and once to be asked for its plan, which stores nothing: a cursor that it may not go on
// from shows there.
Result<void> Engine::prepare_source(Change& change) {
    const config::StageNode& node = change.document.input;
    const auto type = host_->registry.find(node.type);
    if (!type) return Error{Errc::unknown_stage, "no plugin offers the stage type \"" + node.type + "\" of the stage \"" + node.id + "\""};
    StageContext& asked_context = new_context(node.id, std::nullopt);
    Result<void> able = ask_plan(type, asked_context, node);
    drop_contexts({&asked_context});
    if (!able.ok()) return able;

    StageContext& context = new_context(node.id, std::nullopt);
    auto made = SourceInstance::create(type, context, config_of(node, 0));
    if (!made.ok()) {
        drop_contexts({&context});
        return std::move(made).error();
    }
    change.source_context = &context;
    change.partitions = (*made)->partition_count();
    change.source = std::move(*made);
    return {};
}

Result<void> Engine::ask_plan(const std::shared_ptr<const StageType>& type, StageContext& context, const config::StageNode& node) {
    auto made = SourceInstance::create(type, context, config_of(node, 0));
    if (!made.ok()) return std::move(made).error();
    const auto enough = [](void*, fg_text) -> std::int32_t { return 1; };
    const std::int64_t by = host_->monotonic_ns() + std::chrono::nanoseconds{ask_source_at_most}.count();
    Result<void> able = (*made)->plan(by, enough, nullptr);
    if (!able.ok() && (able.error().code == Errc::cancelled || able.error().code == Errc::not_implemented)) able = {};
    Result<void> stopped = (*made)->stop();
    return able.ok() ? std::move(stopped) : std::move(able);
}

ReloadReport Engine::report_of(const Change& change) const {
    ReloadReport out;
    (change.what.same_source ? out.kept : out.replaced).push_back(change.document.input.id);
    std::set<std::string_view> before;
    for (const config::StageNode& node : document_.stages)
        before.insert(node.id);
    for (const config::StageNode& node : change.document.stages) {
        const bool known = before.erase(node.id) != 0;
        (!known ? out.added : change.what.same.count(node.id) != 0 ? out.kept : out.replaced).push_back(node.id);
    }
    for (const config::StageNode& node : document_.stages)
        if (before.count(node.id) != 0) out.removed.push_back(node.id);
    return out;
}

Result<void> Engine::wait_for_reader(const std::shared_ptr<Change>& change) {
    {
        const std::scoped_lock lock{mutex_};
        if (reader_left_ || stop_requested_ || aborting_) return ending();
        change_ = change;
        reader_cv_.notify_all();
    }
    {
        const std::scoped_lock lock{source_mutex_};
        if (source_) source_->wake();
    }
    std::unique_lock lock{mutex_};
    const auto answered = [&] { return change->answer.has_value() || left_; };
    if (change_cv_.wait_until(lock, change->until + reader_may_be_late, answered)) return change->answer ? *change->answer : Result<void>{ending()};
    if (change_ != change) change_cv_.wait(lock, answered); // it is at it, and nothing in there waits for long
    if (change->answer) return *change->answer;
    if (left_) return ending();
    change_.reset();
    return Error{Errc::timeout, "the document was not taken over: the source has not returned in time. The old document goes on"};
}

// By the reader.
void Engine::take_change() {
    std::shared_ptr<Change> change;
    {
        const std::scoped_lock lock{mutex_};
        change = std::move(change_);
        change_.reset();
    }
    if (!change) return;
    Result<void> done = apply(*change);
    if (done.ok()) {
        release_gone(*change);
        changed();
    }
    const std::scoped_lock lock{mutex_};
    change->answer = std::move(done);
    change.reset(); // before its caller looks who has it
    change_cv_.notify_all();
}

// The reader will take none any more.
void Engine::refuse_change() {
    const std::scoped_lock lock{mutex_};
    reader_left_ = true;
    if (change_) change_->answer = ending();
    change_.reset();
    change_cv_.notify_all();
}

Result<void> Engine::apply(Change& change) {
    Result<void> ready = empty_lanes(change);
    if (ready.ok()) ready = pause_lanes(change);
    const std::scoped_lock sources{source_mutex_};
    const std::scoped_lock lock{mutex_};
    if (ready.ok() && (stop_requested_ || aborting_)) ready = ending();
    if (ready.ok()) swap_locked(change);
    for (const auto& branch : branches_)
        for (const auto& lane : branch->lanes)
            lane->retiring = lane->flushed = false;
    lanes_flushed_ = 0;
    paused_ = false;
    work_cv_.notify_all();
    return ready;
}

// What changes holds nothing any more, and what goes has made durable what it took. For another source that is everything: the
// old one must have every batch of its own acknowledged.
Result<void> Engine::empty_lanes(Change& change) {
    const auto empty = [&] {
        for (std::size_t i = 0; i < branches_.size(); ++i)
            if (branches_[i]->items != 0 && (change.source || !change.keeps(i))) return false;
        return true;
    };
    Result<void> done = await_change(change, "what is in flight was not delivered", empty);
    if (!done.ok()) return done;
    std::size_t wanted = 0;
    {
        const std::scoped_lock lock{mutex_};
        for (std::size_t i = 0; i < branches_.size(); ++i) {
            const Branch& branch = *branches_[i];
            const bool goes =
                branch.ends_in_output && !change.keeps(i) && change.what.same.count(node_of(branch, branch.plan.stages.size() - 1).id) == 0;
            if (!goes && !change.source) continue;
            for (const auto& lane : branch.lanes) {
                lane->retiring = true;
                ++wanted;
                schedule_locked(*lane);
            }
        }
    }
    return await_change(change, "what was written was not made durable",
                        [&] { return lanes_flushed_ == wanted && (!change.source || outstanding_ == 0); });
}

// Delivers acknowledgements until `done` (under the mutex), which is refused when the time is up or the pipeline ends.
template <class Done>
Result<void> Engine::await_change(const Change& change, const char* what, Done done) {
    for (;;) {
        std::vector<Ack> acks;
        bool over = false;
        {
            std::unique_lock lock{mutex_};
            reader_waits();
            const auto something = [&] { return stop_requested_ || aborting_ || !acks_.empty() || done(); };
            const bool in_time = reader_cv_.wait_until(lock, change.until, something);
            reader_works();
            if (stop_requested_ || aborting_) return ending();
            if (!in_time)
                return Error{Errc::timeout, std::string{"the document was not taken over: "} + what + " in time" + who_holds_locked(change) +
                                                ". The old document goes on; try again later, or restart: what is not delivered is read again"};
            over = done();
            acks.swap(acks_);
        }
        deliver_acks(acks);
        if (over) return {};
    }
}

std::string Engine::who_holds_locked(const Change& change) const {
    std::string out;
    for (std::size_t i = 0; i < branches_.size(); ++i) {
        const Branch& branch = *branches_[i];
        if (change.keeps(i) && !change.source) continue;
        const auto unflushed =
            std::count_if(branch.lanes.begin(), branch.lanes.end(), [](const auto& lane) { return lane->retiring && !lane->flushed; });
        if (branch.items == 0 && unflushed == 0) continue;
        out += (out.empty() ? ": the stage \"" : ", the stage \"") + node_of(branch, branch.plan.stages.size() - 1).id + "\" " +
               (branch.items != 0 ? "has " + std::to_string(branch.items) + " batches before it"
                                  : "has not flushed " + std::to_string(unflushed) + " partitions");
    }
    return out;
}

Result<void> Engine::pause_lanes(const Change& change) {
    std::unique_lock lock{mutex_};
    paused_ = true;
    const auto most = std::max(change.until, steady_clock::now() + pause_at_most);
    if (reader_cv_.wait_until(lock, most, [this] { return running_ == 0 || stop_requested_ || aborting_; })) return {};
    return Error{Errc::timeout, "the document was not taken over: a stage has not returned in time. The old document goes on"};
}

// No lane runs. What stays of a branch that changes are single instances: they move into the new branch's lanes.
void Engine::swap_locked(Change& change) {
    std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<ProcessorInstance>> processors;
    std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<OutputInstance>> outputs;
    for (std::size_t i = 0; i < branches_.size(); ++i) {
        if (change.keeps(i)) continue;
        for (const auto& lane : branches_[i]->lanes) {
            forget_locked(*lane);
            for (std::size_t at = 0; at < lane->processors.size(); ++at)
                if (lane->processors[at]) processors[{node_of(*branches_[i], at).id, lane->partition}] = std::move(lane->processors[at]);
            if (lane->output) outputs[{node_of(*branches_[i], branches_[i]->plan.stages.size() - 1).id, lane->partition}] = std::move(lane->output);
        }
    }

    std::vector<std::shared_ptr<StageStats>> stats{stats_[0]};
    std::set<std::string_view> before;
    for (const config::StageNode& node : document_.stages)
        before.insert(node.id);
    for (const config::StageNode& node : change.document.stages)
        stats.push_back(before.count(node.id) != 0 ? stats_locked(node.id) : std::make_shared<StageStats>());

    std::vector<std::unique_ptr<Branch>> branches;
    for (std::size_t i = 0; i < change.graph.branches.size(); ++i) {
        if (change.what.kept[i]) {
            branches.push_back(std::move(branches_[*change.what.kept[i]]));
            branches.back()->plan = change.graph.branches[i];
            continue;
        }
        auto branch = std::make_unique<Branch>();
        branch->plan = change.graph.branches[i];
        branch->ends_in_output = change.types[branch->plan.stages.back()]->info.kind == FG_KIND_OUTPUT;
        for (std::uint32_t p = 0; p < change.partitions; ++p) {
            branch->lanes.push_back(std::make_unique<Lane>(*branch, p));
            Lane& lane = *branch->lanes.back();
            for (std::size_t at = 0; at < branch->plan.stages.size(); ++at) {
                const std::string& id = change.document.stages[branch->plan.stages[at]].id;
                if (change.what.same.count(id) == 0) continue;
                if (const auto found = outputs.find({id, p}); found != outputs.end()) {
                    lane.output = std::move(found->second);
                    lane.output->context().place = &lane;
                    outputs.erase(found);
                    schedule_locked(lane); // its polls go on
                } else if (const auto one = processors.find({id, p}); one != processors.end()) {
                    lane.processors.resize(std::max(lane.processors.size(), at + 1));
                    lane.processors[at] = std::move(one->second);
                    processors.erase(one);
                }
            }
        }
        branches.push_back(std::move(branch));
    }
    change.old_branches = std::exchange(branches_, std::move(branches));
    for (auto& [key, instance] : processors)
        change.old_processors.push_back(std::move(instance));
    for (auto& [key, instance] : outputs)
        change.old_outputs.push_back(std::move(instance));

    document_ = std::move(change.document);
    types_ = std::move(change.types);
    graph_ = std::move(change.graph);
    stats_ = std::move(stats);
    partition_count_ = change.partitions;
    if (change.source) std::swap(source_, change.source);
    lanes_ = branches_.size() * change.partitions;
    for (const auto& branch : branches_) {
        branch->full = 0; // the bounds may be others now
        for (const auto& lane : branch->lanes)
            branch->full += lane->bytes >= document_.queue_max_bytes ? 1u : 0u;
        for (Lane* waiting : std::exchange(branch->waiting, {}))
            schedule_locked(*waiting);
    }
}

// The lane is about to go: nobody may find it any more.
void Engine::forget_locked(Lane& lane) {
    if (lane.wake_at) timers_.erase({*lane.wake_at, &lane});
    lane.wake_at.reset();
    ready_.erase(std::remove(ready_.begin(), ready_.end(), &lane), ready_.end());
    for (const auto& branch : branches_)
        branch->waiting.erase(std::remove(branch->waiting.begin(), branch->waiting.end(), &lane), branch->waiting.end());
    if (lane.output) lane.output->context().place = nullptr;
}

// By the reader, before the source is asked again: the new instances of a stage are made after its old ones are gone.
void Engine::release_gone(Change& change) {
    std::vector<const StageContext*> gone;
    for (auto& output : change.old_outputs) {
        StageContext& context = output->context();
        output.reset();
        for (OutputTokens::Open& left : tokens_.close_all(&context)) // none, unless the stage broke its contract
            left.token.settle(FG_ABANDONED);
        gone.push_back(&context);
    }
    for (auto& processor : change.old_processors) {
        gone.push_back(&processor->context());
        processor.reset();
    }
    change.old_branches.clear();
    if (change.source) { // the old one
        auto durable = letters_->sync();
        if (!durable.ok()) fail(document_.input.id, durable.error());
        auto stopped = change.source->stop();
        if (!stopped.ok()) fail(document_.input.id, stopped.error());
        gone.push_back(&change.source->context());
        change.source.reset();
        source_->wake(); // whoever asked for something between had the old one
    }
    drop_contexts(gone);
}

} // namespace fluxgate::runtime
