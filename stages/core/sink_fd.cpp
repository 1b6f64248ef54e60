#include "core/sink_fd.hpp"

#include "core/io_error.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>

namespace fluxgate::core {
namespace {

// What a pipe that poll(2) calls writable takes at once (PIPE_BUF on Linux).
constexpr std::size_t atomic_bytes = 4096;

// Keeps a SIGPIPE that the enclosed write raises from reaching the program.
class PipeSignalGuard {
public:
    PipeSignalGuard() noexcept {
        sigset_t pending;
        sigemptyset(&pending);
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    PipeSignalGuard(const PipeSignalGuard&) = delete;
    PipeSignalGuard& operator=(const PipeSignalGuard&) = delete;
    ~PipeSignalGuard() {
        const int kept = errno;
        if (raised_ && !was_pending_) {
            const timespec now{};
            while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = kept;
    }
    void raised() noexcept { raised_ = true; }

private:
    sigset_t pipe_{}, before_{};
    bool was_pending_ = false, raised_ = false;
};

long guarded_write(int fd, const char* data, std::size_t size) {
    PipeSignalGuard guard;
    const long written = ::write(fd, data, size);
    if (written < 0 && errno == EPIPE) guard.raised();
    return written;
}

bool writable_now(int fd) {
    pollfd one{fd, POLLOUT, 0};
    return ::poll(&one, 1, 0) > 0; // an error or a hang-up counts: the write then says which
}

} // namespace

Result<void> SinkFd::look() {
    struct stat about {};
    if (::fstat(fd_, &about) != 0) return io_error("use", "standard output", errno, "it was closed when the program started");
    if (S_ISSOCK(about.st_mode)) {
        mode_ = Mode::socket;
        return {};
    }
    if (!S_ISFIFO(about.st_mode) && ::isatty(fd_) == 0) {
        mode_ = Mode::direct;
        return {};
    }
    const std::string path = "/proc/self/fd/" + std::to_string(fd_);
    own_ = Descriptor{::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    mode_ = own_ ? Mode::own : Mode::polled;
    return {};
}

long SinkFd::write_once(const char* data, std::size_t size) {
    switch (mode_) {
    case Mode::socket: return ::send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    case Mode::own: return guarded_write(own_.get(), data, size);
    case Mode::polled:
        if (!writable_now(fd_)) {
            errno = EAGAIN;
            return -1;
        }
        return guarded_write(fd_, data, std::min(size, atomic_bytes));
    case Mode::direct:
    case Mode::unknown: break;
    }
    return guarded_write(fd_, data, size);
}

Result<std::size_t> SinkFd::write(std::string_view data) {
    if (mode_ == Mode::unknown) {
        if (Result<void> looked = look(); !looked.ok()) return looked.error();
    }
    std::size_t done = 0;
    while (done < data.size()) {
        const long written = write_once(data.data() + done, data.size() - done);
        if (written > 0) {
            done += static_cast<std::size_t>(written);
            continue;
        }
        const int code = written == 0 ? EAGAIN : errno;
        if (code == EINTR) continue;
        if (code == EAGAIN || code == EWOULDBLOCK) break;
        // What was written before is reported first; the error comes back with the next call.
        if (done > 0) break;
        if (code == EPIPE || code == ECONNRESET) return Error{Errc::output_closed, "the reader of standard output went away"};
        return io_error("write to", "standard output", code,
                        code == ENOSPC ? "free some space; what was not written is read again by the next run" : "");
    }
    return done;
}

} // namespace fluxgate::core
