// Drives a source stage through the C ABI alone, as a foreign host would: loads the built plugin, offers recording host
// services, pulls batches.
#pragma once

#include "fluxgate/stage.h"
#include "fluxgate/stage.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::test {

// A host that remembers what stages tell it. Thread-safe.
class RecordingHost {
public:
    struct Letter {
        std::string code, text, raw;
        bool truncated = false;
    };
    struct Health {
        int level = 0;
        std::string code, text;
    };

    RecordingHost();
    [[nodiscard]] const fg_host* table() const noexcept { return &table_; }

    void set_secret(const std::string& name, const std::string& value);
    void refuse_dead_letters();                // from now on they cannot be written
    void advance(std::chrono::nanoseconds by); // moves the monotonic clock that the stage sees
    void set_wall(std::int64_t unix_ns);       // the wall clock stands there from now on

    // The state store: in memory, empty at first. A copy of it, taken at any moment, is what a killed process leaves.
    using State = std::map<std::string, std::string>;
    [[nodiscard]] State state() const;
    void set_state(State state);
    void refuse_state(bool refuse); // commits fail while it does
    [[nodiscard]] std::size_t commits() const;

    [[nodiscard]] std::vector<std::string> log() const; // "level event message name=value..."
    void clear_log();
    [[nodiscard]] std::string all_output() const; // everything that was logged, set or written
    [[nodiscard]] std::vector<Letter> letters() const;
    [[nodiscard]] std::size_t durable_letters() const; // how many of them: a commit of the state makes all so far
    [[nodiscard]] Health health() const;
    [[nodiscard]] double metric(const std::string& name) const; // the sum over all labels

private:
    fg_host table_{};
    mutable std::mutex mutex_;
    std::map<std::string, std::string> secrets_;
    std::vector<std::string> log_;
    std::vector<Letter> letters_;
    std::map<std::string, double> metrics_;
    Health health_;
    bool refuse_letters_ = false;
    State state_;
    bool refuse_state_ = false;
    std::size_t commits_ = 0, durable_letters_ = 0;
    std::atomic<std::int64_t> wall_ns_{0}; // 0: the system's
    std::atomic<std::int64_t> ahead_ns_{0};
};

// A message as it came out.
struct Delivered {
    std::uint64_t sequence = 0;
    std::uint32_t partition = 0;
    std::string text, payload;
};

// The stage type of a plugin that stands in the build tree. Fails the test when it is not there.
const fg_stage_type* load_stage_type(const std::string& plugin_file, std::string_view name);

// An instance of input/influxdbv2@v1. Throws std::runtime_error with the error's text when it cannot be made.
class SourceDriver {
public:
    SourceDriver(RecordingHost& host, const std::string& document, bool once, std::uint32_t more_flags = 0);
    ~SourceDriver();
    SourceDriver(const SourceDriver&) = delete;
    SourceDriver& operator=(const SourceDriver&) = delete;

    enum class Got { batch, nothing, ended, error };

    // From now on batches are not acknowledged by themselves but by acknowledge().
    void hold_acknowledgements() { holds_ = true; }
    [[nodiscard]] const std::vector<std::uint64_t>& held() const noexcept { return held_; } // sequences, oldest first
    void acknowledge(std::uint64_t sequence, fg_outcome outcome = FG_DELIVERED);
    void acknowledge_all();

    // The last call of an orderly end. Afterwards the source is gone.
    std::int32_t stop();

    // One call of next. A batch's messages are appended to messages(), checked against its spans, acknowledged and released.
    Got next(std::chrono::nanoseconds timeout);

    // Calls next until the source ended or failed, or `most` passed. Answers the last answer.
    Got run(std::chrono::milliseconds most);

    // Until at least `count` messages came (true), or `most` passed.
    bool until_messages(std::size_t count, std::chrono::milliseconds most);

    [[nodiscard]] const std::vector<Delivered>& messages() const noexcept { return messages_; }
    [[nodiscard]] std::size_t batches() const noexcept { return batches_; }
    [[nodiscard]] const Error& error() const noexcept { return error_; }
    void clear() { messages_.clear(); }
    void cancel();
    void wake();

private:
    void take(fg_batch& batch);

    const fg_source_api* api_ = nullptr;
    void* stage_ = nullptr;
    std::vector<Delivered> messages_;
    bool holds_ = false;
    std::vector<std::uint64_t> held_;
    std::size_t batches_ = 0;
    std::uint64_t last_sequence_ = 0;
    Error error_;
};

// A document of input/influxdbv2@v1 for a server on 127.0.0.1, with more members given as JSON text (", \"k\": 1").
std::string influx_document(std::uint16_t port, const std::string& more = {});

} // namespace fluxgate::test
