// The source stage input/influxdbv2@v1: polls on a timer, pulls rows over HTTP, yields batches.
#pragma once

#include "fluxgate/stage.hpp"
#include "lane.hpp"
#include "poll/machine.hpp"
#include "settings.hpp"
#include "window_reader.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace fluxgate::influxdb {

// One thread of control: next() asks the machine what to do, drives the HTTP client, and hands out what the rows became.
class InfluxSource : public stage::Source {
public:
    static Result<std::unique_ptr<InfluxSource>> create(const stage::Config& config, stage::Host host);

    [[nodiscard]] std::uint32_t partition_count() const override { return settings_.partition_count; }
    Result<stage::Next> next(std::int64_t timeout_ns, fg_batch& batch) override;
    Result<void> acknowledge(std::uint64_t sequence, fg_outcome outcome) override;
    void cancel() noexcept override;
    void wake() noexcept override;
    Result<void> stop() override;
    // Instead of next(): see fg_source_api.check and .plan.
    Result<void> check(std::int64_t deadline_ns, const stage::LineSink& line);
    Result<void> plan(std::int64_t deadline_ns, const stage::LineSink& line);
    Result<void> schema(std::int64_t deadline_ns, const stage::LineSink& line);

private:
    InfluxSource(Settings settings, std::shared_ptr<partition::Partitioner> partitioner, stage::Host host, const stage::Config& config);

    Result<void> begin_query(Lane& lane, const WindowRead* window);
    Result<bool> take(fg_batch& batch);
    void work(std::int64_t deadline_ns);
    void read_plainly(std::int64_t deadline_ns);
    void read_windows(std::int64_t deadline_ns);
    void begin_tick();
    void query_succeeded(Lane& lane);
    void query_failed(Lane& lane, Error error);
    void report_trouble(Lane& lane, const Error& error, poll::TroubleClass kind, std::int64_t now_ns);
    [[nodiscard]] Error final_error() const;
    void rest(std::int64_t until_ns);
    void watch_secret(std::int64_t now_ns);
    void report_counts(Lane& lane);

    const Settings settings_;
    const stage::Host host_;
    const bool once_, accept_changed_query_;
    const std::shared_ptr<partition::Partitioner> partitioner_;
    std::unique_ptr<WindowReader> windows_; // null: plain reading
    std::unique_ptr<Lane> plain_;           // null: incremental reading
    poll::Machine machine_;

    std::optional<std::size_t> token_hash_; // of the value that was used last; none when it could not be resolved
    bool waits_for_secret_ = false;
    std::optional<Error> last_error_;
    bool ended_ = false;
    std::optional<Error> fatal_;

    std::atomic<bool> cancelled_{false};
    std::mutex mutex_; // guards woken_
    std::condition_variable woken_signal_;
    bool woken_ = false;
};

// Schema and meaning of a document, the partition expression included. For the stage type's validate entry.
std::vector<stage::Violation> validate_document(std::string_view document);

} // namespace fluxgate::influxdb
