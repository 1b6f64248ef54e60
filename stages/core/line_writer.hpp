// One writer for all partitions that share a descriptor: blocks of lines go out whole, one behind the other.
#pragma once

#include "core/owned_batch.hpp"
#include "core/sink_fd.hpp"
#include "fluxgate/stage.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace fluxgate::core {

// Lines to be written for one batch: the batch's own text, or text made from it.
struct Block {
    OwnedBatch batch;      // kept while its text is being written; empty when `made` is used
    std::string made;      // used when `use_made`
    bool use_made = false; // else the batch's text
    std::uint64_t token = 0;
    stage::Host host; // told the outcome

    [[nodiscard]] std::string_view text() const noexcept { return use_made ? std::string_view{made} : batch.text(); }
};

// Thread-safe. Holds at most one block that the reader did not take yet; who comes meanwhile is told to come again. The
// outcome of a block is reported while the writer's lock is held, so a host's `complete` must not wait for another
// thread that is inside a stage.
class LineWriter {
public:
    explicit LineWriter(int fd) noexcept : fd_(fd) {}

    // The writer of this process's standard output; lives for ever.
    static LineWriter& standard_output();

    // False while an earlier block waits for the reader. Tries to write that one first.
    Result<bool> ready();

    // Takes the block and writes what the descriptor takes now. False: not taken, an earlier block is still waiting. On an
    // error nothing was taken. `owner` is for abandon.
    Result<bool> write(Block& block, const void* owner);

    // Goes on with the waiting block for at most timeout_ms (0: does not wait). True when none waits any more.
    Result<bool> drain(int timeout_ms);

    // True while a block of this owner waits.
    [[nodiscard]] bool waits(const void* owner);

    // Gives up the owner's waiting block, if any: it is reported as FG_ABANDONED.
    void abandon(const void* owner) noexcept;

private:
    struct Waiting {
        Block block;
        std::size_t written = 0;
        const void* owner = nullptr;
    };

    Result<bool> advance(); // with the lock held

    std::mutex lock_;
    SinkFd fd_;
    std::optional<Waiting> waiting_;
    bool broken_line_ = false; // an abandoned block left a line without its end
};

} // namespace fluxgate::core
