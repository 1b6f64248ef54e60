// Stage instances: the calls of the C ABI, with every answer checked and every exception caught.
#pragma once

#include "runtime/loader.hpp"
#include "runtime/stage_context.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fluxgate::runtime {

// What an instance is made from, but for the context.
struct InstanceConfig {
    std::string_view document, instance_id;
    bool once = false;
    std::uint32_t partition = 0, partition_count = 1;
    bool accept_changed_query = false;
};

enum class SourceAnswer { batch, nothing_yet, ended };

// How long a host lets one call of next wait: also the longest that an acknowledgement waits for a source that has nothing to say.
constexpr std::int64_t longest_next_ns = 100'000'000;

// Released when destroyed. Not thread-safe, but for cancel() and wake().
class SourceInstance {
public:
    static Result<std::unique_ptr<SourceInstance>> create(std::shared_ptr<const StageType> type, StageContext& context, const InstanceConfig& config);
    // Of a stage that was made already, which is this instance's from now on.
    static Result<std::unique_ptr<SourceInstance>> adopt(std::shared_ptr<const StageType> type, StageContext& context, void* stage);
    ~SourceInstance();
    SourceInstance(const SourceInstance&) = delete;
    SourceInstance& operator=(const SourceInstance&) = delete;

    [[nodiscard]] std::uint32_t partition_count() const noexcept { return partition_count_; }
    [[nodiscard]] StageContext& context() const noexcept { return context_; }
    // A batch that is answered was checked, and its sequence is above the one before.
    Result<SourceAnswer> next(std::int64_t timeout_ns, fg_batch& batch);
    Result<void> acknowledge(std::uint64_t sequence, fg_outcome outcome);
    void cancel() noexcept;
    void wake() noexcept;
    Result<void> stop();
    // Errc::not_implemented when the stage has no such entry.
    Result<void> check(std::int64_t deadline_ns, fg_line_fn line, void* line_context);
    Result<void> schema(std::int64_t deadline_ns, fg_line_fn line, void* line_context);
    Result<void> plan(std::int64_t deadline_ns, fg_line_fn line, void* line_context);

private:
    SourceInstance(std::shared_ptr<const StageType> type, StageContext& context) : type_(std::move(type)), context_(context) {}
    Result<void> ask_partitions();
    std::shared_ptr<const StageType> type_;
    StageContext& context_;
    void* stage_ = nullptr;
    bool made_ = false, any_ = false;
    std::uint32_t partition_count_ = 1;
    std::uint64_t last_sequence_ = 0;
};

class ProcessorInstance {
public:
    static Result<std::unique_ptr<ProcessorInstance>> create(std::shared_ptr<const StageType> type, StageContext& context,
                                                             const InstanceConfig& config);
    ~ProcessorInstance();
    ProcessorInstance(const ProcessorInstance&) = delete;
    ProcessorInstance& operator=(const ProcessorInstance&) = delete;

    // `out` was checked: well-formed, of the same sequence and partition.
    Result<void> process(const fg_batch& in, fg_batch& out);
    [[nodiscard]] StageContext& context() const noexcept { return context_; }

private:
    ProcessorInstance(std::shared_ptr<const StageType> type, StageContext& context) : type_(std::move(type)), context_(context) {}
    std::shared_ptr<const StageType> type_;
    StageContext& context_;
    void* stage_ = nullptr;
    bool made_ = false;
};

class OutputInstance {
public:
    static Result<std::unique_ptr<OutputInstance>> create(std::shared_ptr<const StageType> type, StageContext& context, const InstanceConfig& config);
    ~OutputInstance();
    OutputInstance(const OutputInstance&) = delete;
    OutputInstance& operator=(const OutputInstance&) = delete;

    Result<bool> write(fg_batch& batch, std::uint64_t token); // false: busy
    Result<void> poll(std::int64_t timeout_ns, std::int64_t& next_deadline_ns);
    Result<bool> flush(std::int64_t deadline_ns); // false: not all done in time
    [[nodiscard]] StageContext& context() const noexcept { return context_; }

    bool broken = false; // an entry answered an error: nothing but release is called any more

private:
    OutputInstance(std::shared_ptr<const StageType> type, StageContext& context) : type_(std::move(type)), context_(context) {}
    std::shared_ptr<const StageType> type_;
    StageContext& context_;
    void* stage_ = nullptr;
    bool made_ = false;
};

} // namespace fluxgate::runtime
