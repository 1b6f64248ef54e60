// A pipeline: one document, run by the host.
//
//   auto made = fluxgate::Pipeline::create(host, text, {.id = "plant-1", .dead_letter_file = "plant-1.dead-letters.jsonl"});
//   if (!made.ok()) for (auto& v : fluxgate::violations_of(made.error())) print(v.pointer, v.message);
//   made->start();
//   made->wait();                       // until it ends by itself; or
//   made->stop(std::chrono::seconds{10}); // orderly, from any thread
//
// Threads: a pipeline runs one reader thread (which calls the source) and two to four workers of its own. Members may be
// called from any thread, but for moving and destroying. Memory: bounded by the document's `queue` (each partition's queue
// and each branch in bytes; one batch may overshoot a bound) and by what stages hold.
//
// Delivery: every batch of the source is acknowledged exactly once: delivered when each of its messages is durable at every
// output, was dropped by a filter or is a durable dead letter; else abandoned.
#pragma once

#include "fluxgate/host.hpp"
#include "fluxgate/stage.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate {

// One finding about a document: JSON pointer, a sentence, and whether it is only a warning.
using Violation = stage::Violation;

// The findings inside an Errc::configuration error (its `details`); one without a pointer when there are no details.
FLUXGATE_API std::vector<Violation> violations_of(const Error& error);

struct PipelineOptions {
    std::string id = "pipeline";       // [A-Za-z0-9._-]+; names the pipeline in logs, dead letters and files
    std::string instance = "local";    // [A-Za-z0-9._-]+; tells apart several hosts that run the same pipeline
    std::string dead_letter_file = {}; // JSON lines, appended to, made when first needed; empty: a dead letter stops the pipeline
    // Where DIRECTORY/ID.db keeps what stages remember between runs (state.hpp), on a local disk. Made, and held by a lock until the
    // Pipeline is destroyed, once a stage asks for it; plain reading never does. Empty: a stage that asks gets Errc::state.
    std::string state_directory = {};
    bool accept_changed_query = false; // FG_ACCEPT_CHANGED_QUERY: go on from a cursor that was written for another query
    bool once = false;                 // FG_RUN_ONCE: every source delivers one complete result, then the pipeline ends
    // Called after the state, a stage's health or the outcome changed; from the pipeline's threads, one call at a time. Must
    // be quick, and must not stop or destroy the pipeline. Read what changed with the accessors.
    std::function<void()> on_change = {};
};

// Whose state is looked at: DIRECTORY/PIPELINE.db. Without a directory there is none.
struct StatePlace {
    std::string directory = {}, pipeline = {};
};

enum class PipelineState {
    created,
    running,
    draining, // the source ended or was cancelled; what is in flight is being delivered
    finished  // outcome() says how
};

enum class Ending {
    ended,         // the source ended and everything was delivered
    stopped,       // stop() was called
    output_closed, // the reader of an output went away; undelivered batches were abandoned
    failed         // error says what, and stage where
};

struct Outcome {
    Ending how = Ending::ended;
    std::string stage;          // the id of the stage that failed or closed; "" when it was the host
    std::optional<Error> error; // failed; stopped or output_closed with what could not be delivered in time, if so
};

// Messages, counted at one stage over all partitions. Once everything is settled:
//   source:    out = what it emitted; dead_letters are rows that became no message
//   processor: in + made = out + dropped + dead_letters (+ failed, in the batch that stopped the pipeline)
//   output:    in = out + dead_letters + abandoned
struct StageCounters {
    std::string stage, type;
    std::uint64_t in = 0, out = 0;
    std::uint64_t dropped = 0;      // by a filter, on purpose
    std::uint64_t made = 0;         // by a transform that yields more messages than it got
    std::uint64_t dead_letters = 0; //
    std::uint64_t abandoned = 0;    // output: taken, but never completed as delivered
    std::uint64_t failed = 0;       // in the batch that stopped the pipeline
};

struct PipelineCounters {
    std::uint64_t batches = 0, messages = 0;                                  // read from the source
    std::uint64_t batches_delivered = 0, batches_abandoned = 0;               // acknowledged to the source
    std::uint64_t queued_bytes = 0;                                           // in all queues, now
    std::uint64_t max_queue_bytes = 0;                                        // the most that one partition's queue ever held
    std::vector<std::uint64_t> delivered;                                     // messages by partition, summed over the outputs
    std::uint64_t dead_letters = 0;                                           // of all stages
    std::map<std::string, std::uint64_t, std::less<>> dead_letters_by_reason; // by code
    std::vector<StageCounters> stages;                                        // the source first, then in document order
};

// The worst of a stage's instances.
struct StageHealth {
    std::string stage;
    fg_health_level level = FG_HEALTH_OK;
    std::int64_t since_wall_ns = 0; // when this level began; 0: never reported
    std::string code, text;
};

// What reload() did, by stage id; the source's is "input".
struct ReloadReport {
    std::vector<std::string> kept;     // the same instances go on
    std::vector<std::string> replaced; // of the same id: drained, released, and made anew when first needed
    std::vector<std::string> added, removed;
    std::vector<Violation> warnings; // about the new document
};

// A stage as it is now.
struct StageStatus {
    std::string display_name; // the document's, or empty
    std::int32_t kind = FG_KIND_SOURCE;
    StageCounters counters; // `stage` and `type` too
    StageHealth health;
    bool queued = false;              // there is a queue before it
    std::uint64_t queued_bytes = 0;   // that wait there, all partitions, or are in hand
    std::uint64_t queued_batches = 0; // that wait there
};

// From one stage to a next one.
struct EdgeStatus {
    std::string from, to;
    std::uint64_t messages = 0; // that `from` has handed on there
};

struct PartitionStatus {
    std::uint64_t delivered = 0;                        // messages, summed over the outputs
    std::uint64_t queued_bytes = 0, queued_batches = 0; // as of a stage, over all queues
};

// A warning or an error that a stage or the host logged for this pipeline. Secrets are replaced in all its texts.
struct TroubleNote {
    std::int64_t wall_ns = 0;
    LogLevel level = LogLevel::warning;
    std::string stage, event;
    std::string message;
    std::string server_said; // the words of a server, never to be trusted; or empty
};

// The beginning of a dead letter, for looking at. The whole one is in the dead-letter file.
struct LetterExample {
    std::int64_t wall_ns = 0;
    std::string stage, code, text;
    std::int64_t partition = -1; // not known: -1
    std::string raw;             // at most 400 bytes of UTF-8, secrets replaced
    bool cut = false;            // raw is not all of it
};

// Everything there is to show of a pipeline at one moment. Bounded, whatever the pipeline has been through.
struct PipelineStatus {
    std::string id, instance, display_name;
    PipelineState state = PipelineState::created;
    std::optional<Outcome> outcome;      // once finished
    std::int64_t started_wall_ns = 0;    // 0: not yet
    std::uint64_t queue_max_bytes = 0;   // the bound of one partition's queue
    std::uint64_t queue_total_bytes = 0; // the bound of all queues before one stage
    PipelineCounters counters;
    std::vector<StageStatus> stages; // the source first, then in document order
    std::vector<EdgeStatus> edges;   // in order of the stages that they come from
    std::vector<PartitionStatus> partitions;
    std::vector<TroubleNote> troubles;   // the last 32, oldest first
    std::vector<LetterExample> examples; // the last three of each of the first 32 reasons, by reason, oldest first
};

// What validate() found. Nothing is made or run.
struct Validation {
    std::vector<Violation> violations; // warnings too; pointers into the whole document
    bool valid = false;                // no violation is an error
    bool enabled = true;               // the document's `enabled`; only when valid
    std::string display_name;          // or empty
    std::string name;                  // metadata.name of a Kubernetes resource, or empty
    std::vector<std::string> stages;   // the ids of all but the source, in document order; only when valid
    bool incremental = false;          // the source reads incrementally, so the pipeline keeps state; only when valid
};

// A message that enters a pipeline at one of its stages instead of through its source: a dead letter that is sent again.
struct FedMessage {
    std::uint64_t number = 0;    // the caller's own
    std::uint32_t partition = 0; // below the pipeline's partition count
    std::string text;            // the whole message: a JSON object on one line
};

// Both are called from the pipeline's reader thread, one call at a time. An exception or an error stops the pipeline.
struct Feed {
    // The next message, or none when there are no more.
    std::function<std::optional<FedMessage>()> next;
    // Once for each message, in any order. True: it is durable at every output behind the stage, was dropped by a filter, or is a
    // durable dead letter (a new one). False: the pipeline stopped before.
    std::function<Result<void>(std::uint64_t number, bool delivered)> settled;
};

class FLUXGATE_API Pipeline {
public:
    // Errc::configuration carries every violation of the document (violations_of). Makes the source, does no I/O.
    static Result<Pipeline> create(Host& host, std::string_view document, PipelineOptions options = {});
    // The part of the document that begins at `stage`, fed by the caller: no query is sent, no cursor moves. It ends when `feed` has
    // nothing more and all is settled. Errc::configuration also when there is no such stage.
    static Result<Pipeline> create_feeding(Host& host, std::string_view document, std::string_view stage, Feed feed, PipelineOptions options = {});
    static Validation validate(Host& host, std::string_view document);

    // Tries step by step what the document's source needs, on the caller's thread, for at most `timeout`: validates, makes the
    // source and calls its check entry. `line` gets one JSON object a step (fg_source_api.check), "configuration" first, free of
    // secrets; it answers false to end early (Errc::cancelled). Success means that the check went to its end, not that every
    // step passed. Errc::configuration: the document is not valid (violations_of; `line` was told, too). Errc::not_implemented: the
    // source offers no check.
    static Result<void> check(Host& host, std::string_view document, std::chrono::nanoseconds timeout,
                              const std::function<bool(std::string_view json)>& line);

    // What is in the server of the document's source, in the same way: buckets, measurements, fields, tags (fg_source_api.schema).
    // `scope`: a JSON object whose members take the place of those of the source's own setting `schema`, which says what is looked at;
    // or empty. Success means that it went to its end or as far as `timeout` allowed; a line says which. An error is
    // that of a query, or names what does not exist. Errc::not_implemented: the source offers no schema.
    static Result<void> schema(Host& host, std::string_view document, std::string_view scope, std::chrono::nanoseconds timeout,
                               const std::function<bool(std::string_view json)>& line);

    // What a run of the document would do next, in the same way: the query as sent, the next windows, what the first of them holds
    // (fg_source_api.plan). Emits and stores nothing. Success means that the plan went to its end; an error is that of the query.
    // `place`: whose cursor it begins at, read beside a run that may be going on; without a cursor there, at incremental.start.
    static Result<void> plan(Host& host, std::string_view document, std::chrono::nanoseconds timeout,
                             const std::function<bool(std::string_view json)>& line, const StatePlace& place = {});

    Pipeline(Pipeline&&) noexcept;
    Pipeline& operator=(Pipeline&&) noexcept;
    // Stops within five seconds if it still runs.
    ~Pipeline();

    [[nodiscard]] const std::string& id() const noexcept;
    [[nodiscard]] bool enabled() const noexcept;
    [[nodiscard]] std::uint32_t partition_count() const noexcept;
    [[nodiscard]] const std::vector<Violation>& warnings() const noexcept;

    // Starts the threads. Refused for a document with enabled: false, and the second time.
    Result<void> start();

    // Cancels the source, delivers what is in flight, flushes, acknowledges and releases every stage. What is not delivered
    // when three quarters of `timeout` have passed is abandoned. An error (Errc::timeout) names the stage that had not
    // returned when all of it had: its thread is left behind, outcome() is `failed`, on_change is not called any more, and the
    // host's log sink must live as long as the process. Safe to call again.
    Result<void> stop(std::chrono::nanoseconds timeout);

    // Cancels the source and returns at once; the pipeline drains without a deadline. Async-signal-unsafe.
    void request_stop();

    // Goes on with another document and loses nothing. Stages of the same id, type and settings stay: their instances are not touched,
    // a source keeps its timer, its connections and what it is in the middle of. Others are drained (what is in flight delivered,
    // flushed and acknowledged), released and made anew; meanwhile the source is not asked for more, while outputs that stay go on.
    // Another source goes on from the cursor; what a plain one, or a window, had read of its range comes again. Another number of
    // partitions replaces every stage. The options (id, state, dead letters) stay as they are.
    //
    // Returns when the new document runs, or with an error, and then nothing has changed and the old one goes on:
    //   Errc::configuration  violations_of; also a document with enabled: false
    //   Errc::state          the new source may not go on from the stored cursor (another url, organization or query)
    //   Errc::timeout        a stage that changes did not deliver what it has within `timeout`; the error names it
    //   Errc::cancelled      the pipeline ends, or does not run
    // A new instance that cannot be made shows when it is first needed, and stops the pipeline as it does after a start. Any thread,
    // but not from on_change; one reload at a time, others wait.
    Result<ReloadReport> reload(std::string_view document, std::chrono::nanoseconds timeout = std::chrono::seconds{30});

    // For watchdogs: which stage has not returned from a call for `limit`, or that the host's own reader has not, as a sentence. None: all
    // threads move, or wait by design (for room, for an answer of an output, for the next interval). A call of a stage takes
    // less than a second when it keeps its contract.
    [[nodiscard]] std::optional<std::string> stalled(std::chrono::nanoseconds limit) const;

    // Waits until finished; false when `timeout` passed before.
    void wait();
    bool wait_for(std::chrono::nanoseconds timeout);

    [[nodiscard]] PipelineState state() const;
    [[nodiscard]] std::optional<Outcome> outcome() const; // once finished
    [[nodiscard]] PipelineCounters counters() const;
    [[nodiscard]] std::vector<StageHealth> health() const; // the source first, then in document order
    [[nodiscard]] PipelineStatus status() const;

private:
    class Impl;
    explicit Pipeline(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate
