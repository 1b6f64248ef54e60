#include "runtime/instances.hpp"

#include "runtime/shared_batch.hpp"

#include "fluxgate/stage.hpp"

#include <exception>

namespace fluxgate::runtime {

namespace {

bool known_error(std::int32_t code) noexcept {
    return code >= FG_ERR_INTERNAL && code <= FG_ERR_JQ;
}

Error contract(const std::string& what) {
    return {Errc::plugin, "the stage broke its contract: " + what};
}

// Says which entry runs, for those who wait for it.
class Running {
public:
    Running(StageContext& context, const char* entry) noexcept : context_(context) {
        context.entered_ns.store(context.host().monotonic_ns(), std::memory_order_relaxed);
        context.entry.store(entry, std::memory_order_release);
    }
    ~Running() { context_.entry.store(nullptr, std::memory_order_release); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

private:
    StageContext& context_;
};

// An entry that answers a code: those in `allowed` (a set of bits) are passed on, errors become values.
template <class Call>
Result<std::int32_t> checked(StageContext& context, const char* entry, unsigned allowed, Call&& call) {
    const Running running{context, entry};
    stage::ErrorSlot slot;
    std::int32_t code = FG_OK;
    try {
        code = call(slot.get());
    } catch (const std::exception& e) {
        return contract(std::string{entry} + " threw an exception: " + e.what());
    } catch (...) {
        return contract(std::string{entry} + " threw an exception of unknown type");
    }
    if (code >= 0 && code < 8 && (allowed >> code & 1u) != 0) return code;
    if (known_error(code)) return context.host().redacted(slot.take(code));
    return contract(std::string{entry} + " answered " + std::to_string(code) + ", which has no meaning there");
}

// An entry that answers nothing.
template <class Call>
void quiet(StageContext& context, const char* entry, Call&& call) noexcept {
    try {
        const Running running{context, entry};
        call();
    } catch (const std::exception& e) {
        context.log(LogLevel::error, "stage.contract", "the stage threw an exception", {{"entry", entry}, {"text", e.what()}});
    } catch (...) {
        context.log(LogLevel::error, "stage.contract", "the stage threw an exception of unknown type", {{"entry", entry}});
    }
}

constexpr unsigned only_ok = 1u << FG_OK;

template <class Create>
Result<void> make(Create create, StageContext& context, const InstanceConfig& config, void** stage) {
    fg_stage_config raw{};
    raw.size = sizeof raw;
    raw.flags = (config.once ? std::uint32_t{FG_RUN_ONCE} : 0u) | (config.accept_changed_query ? std::uint32_t{FG_ACCEPT_CHANGED_QUERY} : 0u);
    raw.document = stage::to_text(config.document);
    raw.pipeline_id = stage::to_text(context.pipeline());
    raw.instance_id = stage::to_text(config.instance_id);
    raw.stage_id = stage::to_text(context.stage());
    raw.partition = config.partition;
    raw.partition_count = config.partition_count;
    auto made = checked(context, "create", only_ok, [&](fg_error* error) { return create(&raw, context.table(), stage, error); });
    return made.ok() ? Result<void>{} : std::move(made).error();
}

void drop(fg_batch& batch) noexcept {
    if (batch.release != nullptr) batch.release(&batch);
    batch = fg_batch{};
}

} // namespace

Result<std::unique_ptr<SourceInstance>> SourceInstance::create(std::shared_ptr<const StageType> type, StageContext& context,
                                                               const InstanceConfig& config) {
    std::unique_ptr<SourceInstance> self{new SourceInstance{std::move(type), context}};
    auto made = make(self->type_->source.create, context, config, &self->stage_);
    if (!made.ok()) return std::move(made).error();
    self->made_ = true;
    auto asked = self->ask_partitions();
    if (!asked.ok()) return std::move(asked).error();
    return self;
}

Result<std::unique_ptr<SourceInstance>> SourceInstance::adopt(std::shared_ptr<const StageType> type, StageContext& context, void* stage) {
    std::unique_ptr<SourceInstance> self{new SourceInstance{std::move(type), context}};
    self->stage_ = stage;
    self->made_ = true;
    auto asked = self->ask_partitions();
    if (!asked.ok()) return std::move(asked).error();
    return self;
}

Result<void> SourceInstance::ask_partitions() {
    auto asked = checked(context_, "partition_count", only_ok, [this](fg_error*) {
        partition_count_ = type_->source.partition_count(stage_);
        return FG_OK;
    });
    if (!asked.ok()) return std::move(asked).error();
    if (partition_count_ < 1 || partition_count_ > 1024)
        return contract("it has " + std::to_string(partition_count_) + " partitions; 1 to 1024 are allowed");
    return {};
}

SourceInstance::~SourceInstance() {
    if (made_) quiet(context_, "release", [this] { type_->source.release(stage_); });
}

Result<SourceAnswer> SourceInstance::next(std::int64_t timeout_ns, fg_batch& batch) {
    batch = fg_batch{};
    constexpr unsigned allowed = only_ok | 1u << FG_NOTHING_YET | 1u << FG_ENDED;
    auto code = checked(context_, "next", allowed, [&](fg_error* error) { return type_->source.next(stage_, timeout_ns, &batch, error); });
    if (!code.ok()) return std::move(code).error();
    if (*code == FG_NOTHING_YET) return SourceAnswer::nothing_yet;
    if (*code == FG_ENDED) return SourceAnswer::ended;
    auto good = check_batch(batch, partition_count_);
    if (good.ok() && batch.count == 0) good = contract("its batch has no message");
    if (good.ok() && any_ && batch.sequence <= last_sequence_)
        good = contract("the sequence " + std::to_string(batch.sequence) + " follows " + std::to_string(last_sequence_) + "; it must rise");
    if (!good.ok()) {
        drop(batch);
        return std::move(good).error();
    }
    any_ = true;
    last_sequence_ = batch.sequence;
    return SourceAnswer::batch;
}

Result<void> SourceInstance::acknowledge(std::uint64_t sequence, fg_outcome outcome) {
    auto done =
        checked(context_, "acknowledge", only_ok, [&](fg_error* error) { return type_->source.acknowledge(stage_, sequence, outcome, error); });
    return done.ok() ? Result<void>{} : std::move(done).error();
}

// cancel and wake come from other threads, so they leave `entry` to the reader.
void SourceInstance::cancel() noexcept {
    try {
        type_->source.cancel(stage_);
    } catch (...) {
        context_.log(LogLevel::error, "stage.contract", "the stage threw an exception", {{"entry", "cancel"}});
    }
}

void SourceInstance::wake() noexcept {
    try {
        type_->source.wake(stage_);
    } catch (...) {
        context_.log(LogLevel::error, "stage.contract", "the stage threw an exception", {{"entry", "wake"}});
    }
}

Result<void> SourceInstance::stop() {
    if (type_->source.stop == nullptr) return {};
    auto done = checked(context_, "stop", only_ok, [&](fg_error* error) { return type_->source.stop(stage_, error); });
    return done.ok() ? Result<void>{} : std::move(done).error();
}

Result<void> SourceInstance::check(std::int64_t deadline_ns, fg_line_fn line, void* line_context) {
    if (type_->source.check == nullptr) return Error{Errc::not_implemented, "the source type \"" + type_->info.name + "\" offers no check"};
    auto done =
        checked(context_, "check", only_ok, [&](fg_error* error) { return type_->source.check(stage_, deadline_ns, line, line_context, error); });
    return done.ok() ? Result<void>{} : std::move(done).error();
}

Result<void> SourceInstance::schema(std::int64_t deadline_ns, fg_line_fn line, void* line_context) {
    if (type_->source.schema == nullptr) return Error{Errc::not_implemented, "the source type \"" + type_->info.name + "\" offers no schema"};
    auto done =
        checked(context_, "schema", only_ok, [&](fg_error* error) { return type_->source.schema(stage_, deadline_ns, line, line_context, error); });
    return done.ok() ? Result<void>{} : std::move(done).error();
}

Result<void> SourceInstance::plan(std::int64_t deadline_ns, fg_line_fn line, void* line_context) {
    if (type_->source.plan == nullptr) return Error{Errc::not_implemented, "the source type \"" + type_->info.name + "\" offers no plan"};
    auto done =
        checked(context_, "plan", only_ok, [&](fg_error* error) { return type_->source.plan(stage_, deadline_ns, line, line_context, error); });
    return done.ok() ? Result<void>{} : std::move(done).error();
}

Result<std::unique_ptr<ProcessorInstance>> ProcessorInstance::create(std::shared_ptr<const StageType> type, StageContext& context,
                                                                     const InstanceConfig& config) {
    std::unique_ptr<ProcessorInstance> self{new ProcessorInstance{std::move(type), context}};
    auto made = make(self->type_->processor.create, context, config, &self->stage_);
    if (!made.ok()) return std::move(made).error();
    self->made_ = true;
    return self;
}

ProcessorInstance::~ProcessorInstance() {
    if (made_) quiet(context_, "release", [this] { type_->processor.release(stage_); });
}

Result<void> ProcessorInstance::process(const fg_batch& in, fg_batch& out) {
    out = fg_batch{};
    auto code = checked(context_, "process", only_ok, [&](fg_error* error) { return type_->processor.process(stage_, &in, &out, error); });
    if (!code.ok()) return std::move(code).error();
    Result<void> good;
    if (out.sequence != in.sequence || out.partition != in.partition)
        good = contract("process must keep the batch's sequence and partition");
    else
        good = check_batch(out, in.partition + 1);
    if (!good.ok()) drop(out);
    return good;
}

Result<std::unique_ptr<OutputInstance>> OutputInstance::create(std::shared_ptr<const StageType> type, StageContext& context,
                                                               const InstanceConfig& config) {
    std::unique_ptr<OutputInstance> self{new OutputInstance{std::move(type), context}};
    auto made = make(self->type_->output.create, context, config, &self->stage_);
    if (!made.ok()) return std::move(made).error();
    self->made_ = true;
    return self;
}

OutputInstance::~OutputInstance() {
    if (made_) quiet(context_, "release", [this] { type_->output.release(stage_); });
}

Result<bool> OutputInstance::write(fg_batch& batch, std::uint64_t token) {
    constexpr unsigned allowed = only_ok | 1u << FG_BUSY;
    auto code = checked(context_, "write", allowed, [&](fg_error* error) { return type_->output.write(stage_, &batch, token, error); });
    if (!code.ok()) return std::move(code).error();
    return *code == FG_OK;
}

Result<void> OutputInstance::poll(std::int64_t timeout_ns, std::int64_t& next_deadline_ns) {
    auto code = checked(context_, "poll", only_ok, [&](fg_error* error) { return type_->output.poll(stage_, timeout_ns, &next_deadline_ns, error); });
    return code.ok() ? Result<void>{} : std::move(code).error();
}

Result<bool> OutputInstance::flush(std::int64_t deadline_ns) {
    constexpr unsigned allowed = only_ok | 1u << FG_BUSY;
    auto code = checked(context_, "flush", allowed, [&](fg_error* error) { return type_->output.flush(stage_, deadline_ns, error); });
    if (!code.ok()) return std::move(code).error();
    return *code == FG_OK;
}

} // namespace fluxgate::runtime
