#include "state/lock_file.hpp"

#include "telemetry/text.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace fluxgate::state {

namespace {

constexpr int times_replaced = 8; // how often the file may be swapped under us before we give up

struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

std::string this_host() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

// Printable ASCII only: whoever wrote the file, a terminal shows it.
std::string plain(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 256))
        out += c > ' ' && c < 0x7F ? c : '?';
    return out;
}

Holder parse(std::string_view text) {
    Holder out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t space = line.find(' ');
        if (space == std::string_view::npos) continue;
        const std::string value = plain(line.substr(space + 1));
        if (line.substr(0, space) == "pid") out.pid = std::strtoll(value.c_str(), nullptr, 10);
        if (line.substr(0, space) == "host") out.host = value;
        if (line.substr(0, space) == "since") out.since = value;
    }
    return out;
}

Holder read_holder(int fd) {
    std::array<char, 1024> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
    return parse({text.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
}

int write_holder(int fd) {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    const std::string text = "pid " + std::to_string(::getpid()) + "\nhost " + this_host() + "\nsince " + telemetry::rfc3339(now) + "\n";
    const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
    if (written < 0) return errno;
    if (written != static_cast<ssize_t>(text.size())) return ENOSPC;
    return ::ftruncate(fd, static_cast<off_t>(text.size())) == 0 ? 0 : errno;
}

} // namespace

std::string to_text(const Holder& holder) {
    if (holder.pid == 0) return "another process, which has not given its name yet";
    return "process " + std::to_string(holder.pid) + " on " + holder.host + " since " + holder.since;
}

Result<LockFile> LockFile::take(const std::string& path) {
    for (int i = 0; i < times_replaced; ++i) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return file_error("open the lock", path, errno);
        const Result<Identity> mine = identity_of(fd, path);
        if (!mine.ok()) {
            ::close(fd);
            return mine.error();
        }
        LockFile out{fd, path, *mine};
        struct flock lock = whole_file();
        if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
            const int code = errno;
            if (code != EAGAIN && code != EACCES) return file_error("lock", path, code);
            return Error{Errc::state, "the state is in use by " + to_text(read_holder(fd)) + " (" + path +
                                          "); stop that process first, or give this pipeline another --id or --state DIR"};
        }
        // Between opening and locking somebody may have removed the file; then the lock is on nothing that others see.
        if (!out.in_place().ok()) continue;
        if (const int code = write_holder(fd); code != 0) return file_error("write the lock", path, code);
        return out;
    }
    return Error{Errc::state, "the lock '" + path + "' is being removed again and again; find out who does that"};
}

std::optional<Holder> LockFile::holder_of(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return std::nullopt;
    struct flock lock = whole_file();
    lock.l_type = F_RDLCK; // the file is open for reading only
    std::optional<Holder> out;
    if (::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) out = read_holder(fd);
    ::close(fd);
    return out;
}

LockFile::LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), identity_(other.identity_) {}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
    if (this != &other) {
        release();
        fd_ = std::exchange(other.fd_, -1);
        path_ = std::move(other.path_);
        identity_ = other.identity_;
    }
    return *this;
}

LockFile::~LockFile() {
    release();
}

void LockFile::release() noexcept {
    if (fd_ >= 0) ::close(fd_); // which unlocks
    fd_ = -1;
}

Result<void> LockFile::in_place() const {
    const Result<Identity> now = identity_of(path_);
    if (now.ok() && *now == identity_) return {};
    return Error{Errc::state, "the lock '" + path_ + "' was removed or replaced while it was held; another process may use the state now, so " +
                                  "nothing more is written: stop whatever removes files there and start again"};
}

} // namespace fluxgate::state
