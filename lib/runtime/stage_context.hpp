// The host as one stage instance sees it: the table of services and what they remember of that instance.
#pragma once

#include "runtime/host_shared.hpp"

#include "fluxgate/pipeline.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace fluxgate::runtime {

class StageContext;
class StateAccess;

// What a running pipeline or source does when a stage speaks up. Any thread, also from inside a stage's call.
class StageOwner {
public:
    virtual ~StageOwner() = default;
    virtual Result<void> dead_letter(StageContext& stage, const fg_dead_letter& letter) = 0;
    virtual void complete(StageContext& stage, std::uint64_t token, std::int32_t outcome) = 0;
    virtual void health_changed() = 0;
    // The stage logged a warning or an error.
    virtual void noted(const StageContext& /*stage*/, LogLevel /*level*/, std::string_view /*event*/, std::string_view /*message*/,
                       const std::vector<LogField>& /*fields*/) {}
    // None: nothing is remembered between runs.
    virtual StateAccess* state_store() noexcept { return nullptr; }
    // What is committed to the state may count on every dead letter so far, so they are made durable first.
    virtual Result<void> keep_dead_letters() { return {}; }
    // The stage was told an error that every later try will be told too, so a stage that waits for better days waits for ever.
    virtual void cannot_go_on(StageContext& stage, const Error& why) {
        static_cast<void>(stage);
        static_cast<void>(why);
    }
};

// Outlives its stage instance. The owner outlives it.
class StageContext {
public:
    StageContext(std::shared_ptr<Host::Shared> host, StageOwner& owner, std::string pipeline, std::string stage,
                 std::optional<std::uint32_t> partition);
    StageContext(const StageContext&) = delete;
    StageContext& operator=(const StageContext&) = delete;

    [[nodiscard]] const fg_host* table() const noexcept { return &table_; }
    [[nodiscard]] const std::string& pipeline() const noexcept { return pipeline_; }
    [[nodiscard]] const std::string& stage() const noexcept { return stage_; }
    [[nodiscard]] const std::optional<std::uint32_t>& partition() const noexcept { return partition_; }
    [[nodiscard]] Host::Shared& host() const noexcept { return *host_; }
    [[nodiscard]] StageHealth health() const;

    // A line with the fields pipeline, stage and partition before its own.
    void log(LogLevel level, std::string_view event, std::string_view message, const std::vector<LogField>& fields = {}) const;

    // For people: the stage "a" (partition 3).
    [[nodiscard]] std::string named() const;

    std::atomic<const char*> entry{nullptr};    // the entry that is being called now
    std::atomic<std::int64_t> entered_ns{0};    // since when (monotonic)
    std::atomic<std::uint64_t> dead_letters{0}; // put on record by this instance
    std::atomic<void*> place{nullptr};          // the owner's own
    std::shared_ptr<void> account;              // the owner's own; set before the instance is made

private:
    static fg_host make_table(StageContext* self);
    void set_health(std::int32_t level, std::string_view code, std::string_view text);
    [[nodiscard]] Result<std::optional<std::string>> state_get(std::string_view key) const;
    [[nodiscard]] Result<void> state_commit(const fg_state_change* changes, std::size_t count);
    void metric(std::int32_t kind, fg_text name, const fg_field* labels, std::size_t count, double value);

    std::shared_ptr<Host::Shared> host_;
    StageOwner& owner_;
    std::string pipeline_, stage_;
    std::optional<std::uint32_t> partition_;
    std::string partition_text_;
    fg_host table_;
    mutable std::mutex health_mutex_;
    StageHealth health_;
};

} // namespace fluxgate::runtime
