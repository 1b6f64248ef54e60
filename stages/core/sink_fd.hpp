// Writing to a descriptor that belongs to somebody else (standard output) without ever waiting for its reader.
#pragma once

#include "core/descriptor.hpp"
#include "fluxgate/error.hpp"

#include <cstddef>
#include <string_view>

namespace fluxgate::core {

// How a write is kept from blocking depends on what the descriptor is:
//  - pipe, FIFO, terminal: opened anew through /proc/self/fd, non-blocking. That is a file description of our own, so
//    the flags that others see (the shell on the same terminal) stay as they are;
//  - where that is refused: poll(2), then at most 4096 bytes, which POSIX lets a writable pipe take without waiting;
//  - socket: send with MSG_DONTWAIT and MSG_NOSIGNAL;
//  - regular file, /dev/null and other devices: plain write; such writes do not wait for a reader.
// SIGPIPE: programs that host outputs ignore it, as the runner does; nevertheless it is blocked around each write and
// consumed, so that an embedding program that does not is not ended by it.
// The descriptor is looked at when the first byte is written. Not thread-safe.
class SinkFd {
public:
    explicit SinkFd(int fd) noexcept : fd_(fd) {}

    // Writes what can be written now; how much that was. 0: nothing for the moment. Errors: Errc::output_closed when the
    // reader went away, else Errc::io with the system's text.
    Result<std::size_t> write(std::string_view data);

    // The descriptor to wait on until it is writable.
    [[nodiscard]] int wait_fd() const noexcept { return own_ ? own_.get() : fd_; }

private:
    enum class Mode { unknown, direct, own, polled, socket };

    Result<void> look();
    long write_once(const char* data, std::size_t size);

    int fd_;
    Descriptor own_;
    Mode mode_ = Mode::unknown;
};

} // namespace fluxgate::core
