// A source without a pipeline: one reader thread, batches handed to the program's executor.
#pragma once

#include "runtime/dead_letters.hpp"
#include "runtime/instances.hpp"
#include "runtime/shared_batch.hpp"
#include "runtime/stage_context.hpp"
#include "runtime/state_access.hpp"

#include "fluxgate/message.hpp"
#include "fluxgate/source.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fluxgate::runtime {

class EmbeddedSource final : public StageOwner, public std::enable_shared_from_this<EmbeddedSource> {
public:
    static Result<std::shared_ptr<EmbeddedSource>> create(std::shared_ptr<Host::Shared> host, std::string document, SourceOptions options);
    ~EmbeddedSource() override;

    void start();
    void cancel();
    Result<void> stop(std::chrono::nanoseconds timeout);
    void silence(); // no handler is called any more

    [[nodiscard]] std::uint32_t partition_count() const noexcept { return partition_count_; }
    [[nodiscard]] std::uint64_t outstanding_bytes() const;

    // From batches, any thread. Only the first call for a sequence counts.
    void settle(std::uint64_t sequence, fg_outcome outcome) noexcept;
    void give_back(std::uint64_t weight) noexcept;

    Result<void> dead_letter(StageContext& stage, const fg_dead_letter& letter) override;
    void complete(StageContext& stage, std::uint64_t token, std::int32_t outcome) override;
    void health_changed() override {}
    StateAccess* state_store() noexcept override { return &state_access_; }
    Result<void> keep_dead_letters() override { return letters_.sync(); }
    void cannot_go_on(StageContext&, const Error& why) override { lost_ = why; }

private:
    EmbeddedSource(std::shared_ptr<Host::Shared> host, std::string document, SourceOptions options);
    void run();
    Result<void> read();
    void settle_rest();
    Result<void> deliver_acks();
    void post(std::function<void()> work);
    void hand_out(const fg_batch& raw);

    const std::shared_ptr<Host::Shared> host_;
    const std::string document_;
    const SourceOptions options_;
    DeadLetterFile letters_;
    StateAccess state_access_;
    StageContext context_;
    std::uint32_t partition_count_ = 1;
    std::optional<Error> lost_; // the reading thread's own: why there is no going on

    mutable std::mutex mutex_;
    std::condition_variable cv_;
    std::set<std::uint64_t> out_; // sequences that are not settled
    std::vector<std::pair<std::uint64_t, fg_outcome>> acks_;
    std::uint64_t bytes_ = 0; // of batches that exist
    bool cancelled_ = false, abandon_rest_ = false, closed_ = false, done_ = false;

    std::mutex source_mutex_; // cancel against release
    std::unique_ptr<SourceInstance> source_;
    std::recursive_mutex handler_mutex_; // silence against a handler that runs; recursive, for a handler may destroy the source
    bool silent_ = false;
    std::mutex join_mutex_;
    std::thread thread_;
};

} // namespace fluxgate::runtime
