// A source alone, inside a program's own event loop: the document of one source stage, no pipeline.
//
//   boost::asio::io_context loop;
//   fluxgate::SourceOptions options;
//   options.post = [&](std::function<void()> work) { boost::asio::post(loop, std::move(work)); };
//   options.on_batch = [](fluxgate::Batch batch) { for (auto m : batch) use(m.payload); batch.acknowledge(); };
//   options.on_end = [](fluxgate::Result<void> how) { ... };
//   auto source = fluxgate::Source::open(host, text, std::move(options));
//
// One reader thread calls the stage; handlers run only where `post` puts them. When batches that are out hold more bytes
// than the bound, the reader does not call the stage until one is destroyed.
#pragma once

#include "fluxgate/host.hpp"
#include "fluxgate/message.hpp"
#include "fluxgate/stage.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate {

struct SourceOptions {
    std::string id = "source";                      // as PipelineOptions::id
    std::string instance = "local";                 //
    std::string dead_letter_file = {};              // as PipelineOptions::dead_letter_file
    bool once = false;                              // one complete result, then the end
    std::string state_directory = {};               // as PipelineOptions::state_directory
    bool accept_changed_query = false;              // as PipelineOptions::accept_changed_query
    std::uint64_t max_outstanding_bytes = 16 << 20; // of batches that are out; one batch may overshoot it

    // Required. Queues work on the program's executor; called from the reader thread, must not run the work inside. The
    // program may drop the work when it shuts down: batches inside are then abandoned.
    std::function<void(std::function<void()>)> post = {};
    // Required. In the order of reading.
    std::function<void(Batch)> on_batch = {};
    // Once, after the last batch: no further batch will come. Success: the source ended, or stop() was called.
    std::function<void(Result<void>)> on_end = {};
    // Once, after on_end, when every batch was acknowledged or abandoned and the stage was closed.
    std::function<void()> on_closed = {};
};

class FLUXGATE_API Source {
public:
    // Checks the document (Errc::configuration lists every violation, see violations_of) and starts reading.
    static Result<Source> open(Host& host, std::string_view document, SourceOptions options);

    Source(Source&&) noexcept;
    Source& operator=(Source&&) noexcept;
    // stop(five seconds), and no handler is called any more. Destroy it where handlers run, or when none can.
    ~Source();

    [[nodiscard]] std::uint32_t partition_count() const noexcept;
    [[nodiscard]] const std::vector<stage::Violation>& warnings() const noexcept;
    [[nodiscard]] std::uint64_t outstanding_bytes() const noexcept;

    // Any thread. Ends reading and returns at once; on_end follows, and on_closed once everything is settled.
    void cancel();

    // cancel(), then waits until the stage is closed. Batches that are still out are abandoned to the stage; settling them
    // later does nothing. Errc::timeout when the stage did not return: its thread is left behind.
    Result<void> stop(std::chrono::nanoseconds timeout);

private:
    class Impl;
    explicit Source(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate
