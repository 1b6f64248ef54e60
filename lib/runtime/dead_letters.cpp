#include "runtime/dead_letters.hpp"

#include "fluxgate/stage.hpp"
#include "telemetry/text.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace fluxgate::runtime {

std::string dead_letter_line(std::int64_t wall_ns, std::string_view pipeline, std::string_view stage, const fg_dead_letter& letter) {
    using stage::detail::append_json_string;
    const auto put = [](std::string& out, std::string_view text) { append_json_string(out, telemetry::to_utf8(text)); };
    const std::string_view raw = stage::to_view(letter.raw);
    std::string out;
    out.reserve(raw.size() + 256);
    out += "{\"time\":\"" + telemetry::rfc3339(wall_ns) + "\",\"pipeline\":";
    put(out, pipeline);
    out += ",\"stage\":";
    put(out, stage);
    out += ",\"reason\":{\"code\":";
    put(out, stage::to_view(letter.code));
    out += ",\"text\":";
    put(out, stage::to_view(letter.text));
    out += '}';
    if (letter.partition >= 0) out += ",\"partition\":" + std::to_string(letter.partition);
    if (letter.sequence != 0) out += ",\"sequence\":" + std::to_string(letter.sequence);
    out += ",\"raw\":";
    put(out, raw);
    if (!telemetry::is_utf8(raw)) out += ",\"rawBase64\":\"" + telemetry::base64(raw) + '"';
    if (letter.truncated != 0) out += ",\"truncated\":true";
    return out += '}';
}

DeadLetterFile::~DeadLetterFile() {
    if (fd_ >= 0) ::close(fd_);
}

int DeadLetterFile::write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

int DeadLetterFile::sync_data(int fd) {
    return ::fdatasync(fd) == 0 ? 0 : errno;
}

Error DeadLetterFile::fail_locked(std::string_view what, int error) {
    failed_ = true;
    failure_ = {Errc::dead_letter, "the dead-letter file " + path_ + " cannot be " + std::string{what} + ": " +
                                       std::generic_category().message(error) + "; nothing more is read until it can"};
    return failure_;
}

Result<void> DeadLetterFile::open_locked() {
    if (path_.empty()) {
        failed_ = true;
        failure_ = {Errc::dead_letter, "there is a dead letter but no file for it; name one (the runner: --dead-letter FILE)"};
        return failure_;
    }
    fd_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return fail_locked("opened", errno);
    directory_dirty_ = true;
    // A run that died inside a line leaves it without an end; what follows must not be glued to it.
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return fail_locked("read", errno);
    char last = '\n';
    if (info.st_size > 0 && S_ISREG(info.st_mode) && ::pread(fd_, &last, 1, info.st_size - 1) != 1) return fail_locked("read", errno);
    if (last == '\n') return {};
    const int error = write_all(fd_, "\n");
    return error == 0 ? Result<void>{} : fail_locked("written", error);
}

Result<void> DeadLetterFile::append(const std::string& line) {
    const std::scoped_lock lock{mutex_};
    if (failed_) return failure_;
    if (fd_ < 0) {
        auto opened = open_locked();
        if (!opened.ok()) return opened;
    }
    dirty_ = true;
    const int error = write_all(fd_, line + "\n");
    return error == 0 ? Result<void>{} : fail_locked("written", error);
}

Result<void> DeadLetterFile::sync() {
    const std::scoped_lock lock{mutex_};
    if (failed_) return failure_;
    if (!dirty_) return {};
    // Moving the file away keeps what is in it, and we go on writing there; removing it does not.
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return fail_locked("read", errno);
    if (S_ISREG(info.st_mode) && info.st_nlink == 0) return fail_locked("kept: it was removed while dead letters were written to it", ENOENT);
    // A pipe or a terminal has nothing to sync (EINVAL): it is given for looking at, not for keeping.
    int error = sync_data(fd_);
    if (error != 0 && error != EINVAL && error != ENOTSUP) return fail_locked("made durable", error);
    if (directory_dirty_) {
        const std::size_t slash = path_.rfind('/');
        const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
        const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0) return fail_locked("made durable in its directory", errno);
        error = ::fsync(directory) == 0 ? 0 : errno;
        ::close(directory);
        if (error != 0 && error != EINVAL && error != ENOTSUP) return fail_locked("made durable in its directory", error);
    }
    dirty_ = directory_dirty_ = false;
    return {};
}

} // namespace fluxgate::runtime
