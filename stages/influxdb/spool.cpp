#include "spool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace fluxgate::influxdb {

namespace {

constexpr std::size_t memory_bytes = 1u << 20;
constexpr std::size_t piece_bytes = 128u << 10;
constexpr std::uint64_t mark_bytes = 64u << 10; // between two notes of the time

Error io_error(std::string_view what, const std::string& directory) {
    return Error{Errc::io, "the answer cannot be spooled: " + std::string{what} + " " + directory + ": " + std::strerror(errno) +
                               "; make room there or set TMPDIR to a directory that has it"};
}

std::vector<std::string> scratch_directories() {
    if (const char* variable = std::getenv("TMPDIR"); variable != nullptr && *variable != '\0') return {variable};
    return {"/var/tmp", "/tmp"};
}

// A file that has no name, so that nothing is left behind whatever happens.
int open_unnamed(const std::string& directory) {
    const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
    std::string name = directory + "/fluxgate-spool-XXXXXX"; // file systems without O_TMPFILE
    const int named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named >= 0) ::unlink(name.c_str());
    return named;
}

} // namespace

Spool::~Spool() {
    clear();
}

void Spool::clear() noexcept {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
    memory_.clear();
    marks_.clear();
    size_ = file_size_ = read_ = 0;
    mark_read_ = 0;
}

Result<void> Spool::open_file() {
    for (const std::string& directory : scratch_directories()) {
        directory_ = directory;
        file_ = open_unnamed(directory);
        if (file_ >= 0) return {};
    }
    return io_error("no file can be made in", directory_);
}

Result<void> Spool::write_out(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(file_size_));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error("writing fails in", directory_);
        file_size_ += static_cast<std::uint64_t>(n);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Result<void> Spool::append(std::string_view bytes, std::int64_t received_ns) {
    if (bytes.empty()) return {};
    if (bytes.size() > limit_ - std::min(limit_, size_)) {
        return Error{Errc::limit, "the answer is longer than spoolBytes allows (" + std::to_string(limit_) +
                                      " bytes); ask for a shorter range or fewer columns, or raise spoolBytes"};
    }
    if (marks_.empty() || size_ - marks_.back().offset >= mark_bytes) marks_.push_back({size_, received_ns});
    size_ += bytes.size();
    if (file_ < 0 && memory_.size() + bytes.size() <= memory_bytes) {
        memory_.append(bytes);
        return {};
    }
    if (file_ < 0) {
        if (Result<void> opened = open_file(); !opened.ok()) return opened;
    }
    // Small pieces are gathered, so that the file gets large writes.
    memory_.append(bytes);
    if (memory_.size() < memory_bytes) return {};
    Result<void> written = write_out(memory_);
    memory_.clear();
    return written;
}

Result<Spool::Piece> Spool::next() {
    if (read_ == size_) return Piece{};
    while (mark_read_ + 1 < marks_.size() && marks_[mark_read_ + 1].offset <= read_)
        ++mark_read_;
    const std::uint64_t mark_end = mark_read_ + 1 < marks_.size() ? marks_[mark_read_ + 1].offset : size_;
    const std::uint64_t source_end = read_ < file_size_ ? file_size_ : size_;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>({piece_bytes, mark_end - read_, source_end - read_}));
    Piece piece;
    piece.received_ns = marks_[mark_read_].received_ns;
    if (read_ >= file_size_) {
        piece.bytes = std::string_view{memory_}.substr(static_cast<std::size_t>(read_ - file_size_), wanted);
        read_ += wanted;
        return piece;
    }
    piece_.resize(wanted);
    ssize_t n = 0;
    do {
        n = ::pread(file_, piece_.data(), wanted, static_cast<off_t>(read_));
    } while (n < 0 && errno == EINTR);
    if (n < 0) return io_error("reading fails in", directory_);
    if (n == 0) return Error{Errc::io, "the spooled answer is shorter than what was written to " + directory_};
    piece.bytes = std::string_view{piece_}.substr(0, static_cast<std::size_t>(n));
    read_ += static_cast<std::uint64_t>(n);
    return piece;
}

} // namespace fluxgate::influxdb
