#include "runtime/engine.hpp"

#include <algorithm>
#include <exception>

namespace fluxgate::runtime {

using std::chrono::steady_clock;

namespace {
constexpr std::size_t max_partitions = 1024; // fg_source_api.partition_count
} // namespace

Engine::Engine(std::shared_ptr<Host::Shared> host, config::PipelineDocument document, PipelineOptions options,
               std::unique_ptr<DeadLetterFile> letters)
    : host_(std::move(host)), document_(std::move(document)), options_(std::move(options)),
      letters_(letters ? std::move(letters) : std::make_unique<DeadLetterFile>(options_.dead_letter_file)),
      state_access_(options_.state_directory, options_.id), delivered_(max_partitions) {}

// After a stage that did not return in time, lanes may still have what an orderly end would have taken: contexts and the
// sink of tokens must outlive it.
Engine::~Engine() {
    source_.reset();
    for (const auto& branch : branches_)
        for (const auto& lane : branch->lanes) {
            lane->queue.clear();
            lane->pending.reset();
            lane->output.reset();
            lane->processors.clear();
        }
    for (const auto& context : contexts_)
        tokens_.close_all(context.get());
}

Result<std::shared_ptr<Engine>> Engine::create(std::shared_ptr<Host::Shared> host, config::PipelineDocument document, PipelineOptions options,
                                               std::unique_ptr<DeadLetterFile> letters) {
    return make(std::move(host), std::move(document), std::move(options), std::move(letters), nullptr);
}

Result<std::shared_ptr<Engine>> Engine::create_with(const SourceMaker& source, std::shared_ptr<Host::Shared> host, config::PipelineDocument document,
                                                    PipelineOptions options) {
    return make(std::move(host), std::move(document), std::move(options), nullptr, source);
}

Result<std::shared_ptr<Engine>> Engine::make(std::shared_ptr<Host::Shared> host, config::PipelineDocument document, PipelineOptions options,
                                             std::unique_ptr<DeadLetterFile> letters, const SourceMaker& source) {
    for (const auto& [what, name] : {std::pair{"id", &options.id}, std::pair{"instance", &options.instance}})
        if (!is_name(*name))
            return Error{Errc::invalid_argument, std::string{"the pipeline's "} + what + " \"" + *name +
                                                     "\" may have letters, digits, '.', '_' and '-' only, and at least one"};
    std::shared_ptr<Engine> self{new Engine{std::move(host), std::move(document), std::move(options), std::move(letters)}};
    auto built = self->build(source);
    if (!built.ok()) return std::move(built).error();
    return self;
}

Result<std::unique_ptr<SourceInstance>> Engine::make_source() {
    const std::shared_ptr<const StageType> type = host_->registry.find(document_.input.type);
    if (!type)
        return Error{Errc::unknown_stage,
                     "no plugin offers the stage type \"" + document_.input.type + "\" of the stage \"" + document_.input.id + "\""};
    return SourceInstance::create(type, new_context(document_.input.id, std::nullopt), config_of(document_.input, 0));
}

Result<void> Engine::build(const SourceMaker& maker) {
    const auto find = [this](const config::StageNode& node, std::shared_ptr<const StageType>& out) -> Result<void> {
        out = host_->registry.find(node.type);
        if (out) return {};
        return Error{Errc::unknown_stage, "no plugin offers the stage type \"" + node.type + "\" of the stage \"" + node.id + "\""};
    };
    stats_.push_back(std::make_shared<StageStats>());
    for (const config::StageNode& node : document_.stages) {
        std::shared_ptr<const StageType> type;
        auto found = find(node, type);
        if (!found.ok()) return found;
        types_.push_back(std::move(type));
        stats_.push_back(std::make_shared<StageStats>());
    }
    fed_ = static_cast<bool>(maker);
    auto source = maker ? maker(new_context(document_.input.id, std::nullopt)) : make_source();
    if (!source.ok()) return std::move(source).error();
    source_ = std::move(*source);
    partition_count_ = source_->partition_count();

    graph_ = cut_into_branches(document_);
    for (const BranchPlan& plan : graph_.branches) {
        auto branch = std::make_unique<Branch>();
        branch->plan = plan;
        branch->ends_in_output = types_[plan.stages.back()]->info.kind == FG_KIND_OUTPUT;
        for (std::uint32_t p = 0; p < partition_count_; ++p)
            branch->lanes.push_back(std::make_unique<Lane>(*branch, p));
        lanes_ += partition_count_;
        branches_.push_back(std::move(branch));
    }
    return {};
}

InstanceConfig Engine::config_of(const config::StageNode& node, std::uint32_t partition) const {
    return {node.document, options_.instance, options_.once, partition, partition_count_, options_.accept_changed_query};
}

StageContext& Engine::new_context(const std::string& stage, std::optional<std::uint32_t> partition) {
    auto context = std::make_unique<StageContext>(host_, *this, options_.id, stage, partition);
    const std::scoped_lock lock{mutex_};
    context->account = stats_locked(stage);
    contexts_.push_back(std::move(context));
    return *contexts_.back();
}

// Of instances that were released; nobody speaks through them any more.
void Engine::drop_contexts(const std::vector<const StageContext*>& gone) {
    const std::scoped_lock lock{mutex_};
    contexts_.erase(std::remove_if(contexts_.begin(), contexts_.end(),
                                   [&](const auto& one) { return std::find(gone.begin(), gone.end(), one.get()) != gone.end(); }),
                    contexts_.end());
}

std::shared_ptr<Engine::StageStats> Engine::stats_locked(const std::string& stage) const {
    for (std::size_t i = 0; i < document_.stages.size(); ++i)
        if (document_.stages[i].id == stage) return stats_[i + 1];
    return stats_[0];
}

Result<void> Engine::start() {
    if (!enabled()) return Error{Errc::configuration, "the pipeline is switched off: its document says \"enabled\": false"};
    const std::scoped_lock joining{join_mutex_};
    {
        const std::scoped_lock lock{mutex_};
        if (started_ || outcome_) return Error{Errc::invalid_argument, "the pipeline was started before; make a new one to run it again"};
        started_ = true;
        started_wall_ns_ = host_->wall_ns();
        state_ = PipelineState::running;
    }
    const unsigned workers = std::clamp(std::thread::hardware_concurrency(), 2u, 4u);
    const auto self = shared_from_this();
    const auto launch = [&](void (Engine::*body)()) {
        {
            const std::scoped_lock lock{mutex_};
            ++threads_inside_;
        }
        threads_.emplace_back([self, body] {
            ((*self).*body)();
            const std::scoped_lock lock{self->mutex_};
            --self->threads_inside_;
            self->done_cv_.notify_all();
        });
    };
    for (unsigned i = 0; i < workers; ++i)
        launch(&Engine::work);
    launch(&Engine::read);
    changed();
    return {};
}

bool Engine::enabled() const {
    const std::scoped_lock lock{mutex_};
    return document_.enabled;
}

void Engine::request_stop() {
    {
        const std::scoped_lock lock{mutex_};
        if (stop_requested_ || outcome_) return;
        stop_requested_ = true;
        if (!why_) why_ = Outcome{Ending::stopped, {}, std::nullopt};
    }
    cancel_source();
    const std::scoped_lock lock{mutex_};
    reader_cv_.notify_all();
}

Result<void> Engine::stop(std::chrono::nanoseconds timeout) {
    const auto begin = steady_clock::now();
    request_stop();
    bool never_ran = false;
    {
        const std::scoped_lock lock{mutex_};
        if (left_) return *outcome_->error;
        never_ran = !started_ && !outcome_;
        if (never_ran) started_ = true;
    }
    if (never_ran) {
        close_source();
        finish({Ending::stopped, {}, std::nullopt});
        return {};
    }
    if (!wait_until(begin + timeout * 3 / 4))
        abort({Ending::stopped,
               {},
               Error{Errc::timeout, "not everything in flight could be delivered in time; what was not is abandoned and will be read again"}},
              false);
    if (wait_until(begin + timeout)) {
        join_threads();
        return {};
    }
    const std::string inside = who_is_inside();
    Error error{Errc::timeout, "the pipeline could not be stopped in time: " + (inside.empty() ? std::string{"a thread did not end"} : inside) +
                                   "; its thread is left behind"};
    host_->log(LogLevel::error, "pipeline.stuck", error.message, {{"pipeline", options_.id}});
    {
        const std::scoped_lock lock{mutex_};
        left_ = true;
        outcome_ = Outcome{Ending::failed, {}, error};
        state_ = PipelineState::finished;
        done_cv_.notify_all();
        change_cv_.notify_all();
    }
    leave_threads();
    return error;
}

bool Engine::wait_until(std::optional<steady_clock::time_point> when) {
    std::unique_lock lock{mutex_};
    const auto done = [this] { return outcome_.has_value() && threads_inside_ == 0; };
    // Finished is what others see; the threads are gone a moment later.
    if (when) return done_cv_.wait_until(lock, *when, done);
    done_cv_.wait(lock, [this] { return outcome_.has_value(); });
    return true;
}

void Engine::join_threads() {
    const std::scoped_lock joining{join_mutex_};
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
    threads_.clear();
}

void Engine::leave_threads() {
    const std::scoped_lock joining{join_mutex_};
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.detach();
    threads_.clear();
}

std::string Engine::who_is_inside() const {
    std::string out;
    const std::scoped_lock lock{mutex_};
    for (const auto& context : contexts_) {
        const char* entry = context->entry.load(std::memory_order_relaxed);
        if (entry == nullptr) continue;
        if (!out.empty()) out += ", ";
        out += context->named() + " has not returned from " + entry;
    }
    return out;
}

std::optional<std::string> Engine::stalled(std::chrono::nanoseconds limit) const {
    const std::scoped_lock lock{mutex_}; // whoever never gives it back is noticed, too: by the silence of the caller
    if (state_ != PipelineState::running && state_ != PipelineState::draining) return std::nullopt;
    const std::int64_t now = host_->monotonic_ns();
    const auto seconds = [now](std::int64_t since) { return " for " + std::to_string((now - since) / 1'000'000'000) + " s"; };
    for (const auto& context : contexts_) {
        const char* entry = context->entry.load(std::memory_order_acquire);
        const std::int64_t since = context->entered_ns.load(std::memory_order_relaxed);
        if (entry != nullptr && now - since >= limit.count()) return context->named() + " has not returned from " + entry + seconds(since);
    }
    const std::int64_t since = reader_since_.load(std::memory_order_relaxed);
    if (since != 0 && now - since >= limit.count()) return "the host's reader has not finished what it does" + seconds(since);
    return std::nullopt;
}

void Engine::fail(const std::string& stage, Error error, bool cancel) {
    error = host_->redacted(std::move(error));
    host_->log(LogLevel::error, "pipeline.failed", error.text(), {{"pipeline", options_.id}, {"stage", stage}});
    recent_.add({host_->wall_ns(), LogLevel::error, stage, "pipeline.failed", error.message, error.server_text});
    const bool flush = error.code != Errc::dead_letter;
    abort({Ending::failed, stage, std::move(error)}, flush, cancel);
}

void Engine::end_quietly(const std::string& stage, const Error& error) {
    host_->log(LogLevel::info, "output.closed", error.text(), {{"pipeline", options_.id}, {"stage", stage}});
    abort({Ending::output_closed, stage, std::nullopt}, true);
}

void Engine::abort(Outcome why, bool flush, bool cancel) {
    {
        const std::scoped_lock lock{mutex_};
        // The first reason stands, but a failure says more than that somebody asked to stop.
        if (!why_ || (why_->how == Ending::stopped && !why_->error)) why_ = std::move(why);
        abort_locked(flush);
    }
    if (cancel) cancel_source();
}

void Engine::abort_locked(bool flush) {
    if (!aborting_) flush_on_abort_ = flush;
    if (!flush) flush_on_abort_ = false;
    aborting_ = true;
    for (const auto& branch : branches_)
        for (const auto& lane : branch->lanes)
            schedule_locked(*lane);
    reader_cv_.notify_all();
    work_cv_.notify_all();
}

void Engine::cancel_source() {
    const std::scoped_lock lock{source_mutex_};
    if (source_) source_->cancel();
}

void Engine::finish(Outcome fallback) {
    {
        const std::scoped_lock lock{mutex_};
        if (!outcome_) outcome_ = why_ ? *why_ : std::move(fallback);
        state_ = PipelineState::finished;
        workers_stop_ = true;
        work_cv_.notify_all();
    }
    changed();
    const std::scoped_lock lock{mutex_};
    done_cv_.notify_all();
}

void Engine::changed() {
    if (!options_.on_change) return;
    const std::scoped_lock lock{change_mutex_};
    if (left_) return; // whoever is called back may be gone
    try {
        options_.on_change();
    } catch (const std::exception& e) {
        host_->log(LogLevel::error, "pipeline.on-change", "the handler of changes threw an exception",
                   {{"pipeline", options_.id}, {"text", e.what()}});
    }
}

Result<void> Engine::dead_letter(StageContext& stage, const fg_dead_letter& letter) {
    auto kept = letters_->append(dead_letter_line(host_->wall_ns(), options_.id, stage.stage(), letter));
    if (!kept.ok()) {
        // The source itself is inside a call: it ends with our answer, and may hold a lock that its cancel wants.
        const bool from_source = !stage.partition();
        fail(stage.stage(), kept.error(), !from_source);
        return kept;
    }
    recent_.add(host_->wall_ns(), stage.stage(), letter, host_->redactor);
    stage.dead_letters.fetch_add(1, std::memory_order_relaxed);
    stats_of(stage).dead_letters.fetch_add(1, std::memory_order_relaxed);
    if (stage.place != nullptr && letter.sequence != 0) tokens_.count_dead_letter(&stage, letter.sequence);
    constexpr std::size_t max_reasons = 256;
    const std::string_view code = stage::to_view(letter.code);
    const std::scoped_lock lock{count_mutex_};
    ++totals_.dead_letters;
    auto& reasons = totals_.dead_letters_by_reason;
    const auto at = reasons.find(code);
    if (at != reasons.end())
        ++at->second;
    else
        ++reasons[reasons.size() < max_reasons ? std::string{code} : std::string{"other"}];
    return {};
}

void Engine::cannot_go_on(StageContext& stage, const Error& why) {
    if (gave_up_.exchange(true)) return;
    fail(stage.stage(), why, stage.partition().has_value()); // see dead_letter: a source that is inside a call is not cancelled
}

void Engine::complete(StageContext& stage, std::uint64_t token, std::int32_t outcome) {
    std::optional<OutputTokens::Open> entry = tokens_.close(token, &stage);
    if (!entry) {
        stage.log(LogLevel::error, "output.token", "the output completed a token that is not open: completed twice, late, or never given",
                  {{"token", std::to_string(token)}});
        return;
    }
    const bool delivered = outcome == FG_DELIVERED;
    if (!delivered && outcome != FG_ABANDONED)
        stage.log(LogLevel::error, "output.token", "the output completed a token with an outcome that does not exist; it counts as abandoned",
                  {{"outcome", std::to_string(outcome)}});
    const std::uint64_t count = entry->messages - std::min(entry->messages, entry->dead_letters);
    StageStats& stats = stats_of(stage);
    (delivered ? stats.out : stats.abandoned).fetch_add(count, std::memory_order_relaxed);
    if (delivered && stage.partition()) delivered_[*stage.partition()].fetch_add(count, std::memory_order_relaxed);
    entry->token.settle(delivered ? FG_DELIVERED : FG_ABANDONED);
    const std::scoped_lock lock{mutex_};
    auto* const lane = static_cast<Lane*>(stage.place.load(std::memory_order_relaxed)); // a reload may give the instance another one
    if (lane != nullptr && lane->busy) schedule_locked(*lane);
}

void Engine::settled(std::uint64_t sequence, fg_outcome outcome) noexcept {
    const std::scoped_lock lock{mutex_};
    acks_.push_back({sequence, outcome});
    reader_cv_.notify_one();
}

PipelineState Engine::state() const {
    const std::scoped_lock lock{mutex_};
    return state_;
}

std::optional<Outcome> Engine::outcome() const {
    const std::scoped_lock lock{mutex_};
    return state_ == PipelineState::finished ? outcome_ : std::nullopt;
}

PipelineCounters Engine::totals() const {
    const std::scoped_lock lock{count_mutex_};
    return totals_;
}

PipelineCounters Engine::counters() const {
    PipelineCounters out = totals();
    const std::scoped_lock lock{mutex_};
    count_locked(out);
    return out;
}

void Engine::count_locked(PipelineCounters& out) const {
    for (std::uint32_t p = 0; p < partition_count_; ++p)
        out.delivered.push_back(delivered_[p].load(std::memory_order_relaxed));
    for (const auto& branch : branches_)
        out.queued_bytes += branch->bytes;
    for (std::size_t i = 0; i < stats_.size(); ++i) {
        const config::StageNode& node = i == 0 ? document_.input : document_.stages[i - 1];
        const StageStats& s = *stats_[i];
        out.stages.push_back({node.id, node.type, s.in, s.out, s.dropped, s.made, s.dead_letters, s.abandoned, s.failed});
    }
}

std::vector<StageHealth> Engine::health() const {
    const std::scoped_lock lock{mutex_};
    return health_locked();
}

std::vector<StageHealth> Engine::health_locked() const {
    std::vector<StageHealth> out;
    const auto worst_of = [this](const std::string& stage) {
        StageHealth worst;
        worst.stage = stage;
        for (const auto& context : contexts_) {
            if (context->stage() != stage) continue;
            StageHealth one = context->health();
            if (worst.since_wall_ns == 0 || one.level > worst.level) worst = std::move(one);
        }
        return worst;
    };
    out.push_back(worst_of(document_.input.id));
    for (const config::StageNode& node : document_.stages)
        out.push_back(worst_of(node.id));
    return out;
}

} // namespace fluxgate::runtime
