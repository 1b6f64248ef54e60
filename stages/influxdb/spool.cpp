#include "spool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace fluxgate::influxdb {

namespace {

constexpr std::size_t block_bytes = 256u << 10;

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

// One block of the usual size is kept for the next time.
void Spool::drop(Block& block) noexcept {
    if (block.capacity == block_bytes && block.data != nullptr) spare_ = std::move(block.data);
    block.data.reset();
}

void Spool::clear() noexcept {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
    for (Block& block : blocks_)
        drop(block);
    blocks_.clear();
    read_ = {};
    writer_.reset();
    reader_.reset();
    size_ = file_size_ = 0;
    held_ = next_block_ = 0;
    received_ms_ = -1;
}

Result<void> Spool::open_file() {
    for (const std::string& directory : scratch_directories()) {
        directory_ = directory;
        file_ = open_unnamed(directory);
        if (file_ >= 0) return {};
    }
    return io_error("no file can be made in", directory_);
}

Result<void> Spool::write_out(Block& block) {
    block.offset = file_size_;
    block.hash = window::hash128({block.data.get(), block.size});
    for (std::string_view bytes{block.data.get(), block.size}; !bytes.empty();) {
        const ssize_t n = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(file_size_));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error("writing fails in", directory_);
        file_size_ += static_cast<std::uint64_t>(n);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Result<void> Spool::received(std::size_t bytes, std::int64_t received_ns) {
    if (bytes > limit_ - std::min(limit_, size_)) {
        return Error{Errc::limit, "the answer is longer than spoolBytes allows (" + std::to_string(limit_) +
                                      " bytes); ask for a shorter range or fewer columns, or raise spoolBytes"};
    }
    size_ += bytes;
    if (received_ns / 1'000'000 == received_ms_) return {}; // what messages tell of it
    received_ms_ = received_ns / 1'000'000;
    Result<char*> at = room(flux::JournalWriter::time_bound);
    if (!at.ok()) return std::move(at).error();
    used_up_to(flux::JournalWriter::put_time(*at, received_ns));
    return {};
}

Result<void> Spool::table(const flux::Table& table) {
    Result<char*> at = room(flux::JournalWriter::bound(table));
    if (!at.ok()) return std::move(at).error();
    used_up_to(flux::JournalWriter::put(*at, table));
    return {};
}

Result<void> Spool::row(const flux::Row& row) {
    Result<char*> at = room(flux::JournalWriter::bound(row));
    if (!at.ok()) return std::move(at).error();
    used_up_to(writer_.put(*at, row));
    return {};
}

Result<void> Spool::long_row(const flux::Row& row, std::uint64_t long_row_bytes) {
    Result<char*> at = room(flux::JournalWriter::bound(row));
    if (!at.ok()) return std::move(at).error();
    used_up_to(writer_.put_long(*at, row, long_row_bytes));
    return {};
}

// Where an entry of so many bytes can be written.
Result<char*> Spool::room(std::size_t bytes) {
    if (blocks_.empty() || blocks_.back().capacity - blocks_.back().size < bytes) {
        if (!blocks_.empty()) {
            if (Result<void> retired = retire(); !retired.ok()) return std::move(retired).error();
        }
        Block block;
        block.capacity = std::max(bytes, block_bytes);
        block.data = block.capacity == block_bytes && spare_ != nullptr ? std::move(spare_) : std::unique_ptr<char[]>{new char[block.capacity]};
        blocks_.push_back(std::move(block));
    }
    return blocks_.back().data.get() + blocks_.back().size;
}

// The last block is full: it stays in memory, or goes to the file.
Result<void> Spool::retire() {
    Block& block = blocks_.back();
    if (file_ < 0 && held_ + block.capacity <= memory_) {
        held_ += block.capacity;
        return {};
    }
    if (file_ < 0) {
        if (Result<void> opened = open_file(); !opened.ok()) return opened;
    }
    if (Result<void> written = write_out(block); !written.ok()) return written;
    drop(block);
    return {};
}

// The one that was read before is needed no more.
Result<bool> Spool::next() {
    while (reader_.empty()) {
        if (next_block_ > 0) drop(blocks_[next_block_ - 1]);
        if (next_block_ == blocks_.size()) return false;
        const Block& block = blocks_[next_block_];
        if (block.data == nullptr) {
            if (Result<void> back = read_back(block); !back.ok()) return std::move(back).error();
            reader_.feed({read_.data(), block.size});
        } else {
            reader_.feed({block.data.get(), block.size});
        }
        ++next_block_;
    }
    return true;
}

Result<void> Spool::read_back(const Block& block) {
    read_.resize(block.size);
    for (std::size_t done = 0; done < block.size;) {
        const ssize_t n = ::pread(file_, read_.data() + done, block.size - done, static_cast<off_t>(block.offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error("reading fails in", directory_);
        if (n == 0) return Error{Errc::io, "the spooled answer is shorter than what was written to " + directory_};
        done += static_cast<std::size_t>(n);
    }
    if (window::hash128({read_.data(), block.size}) == block.hash) return {};
    return Error{Errc::io, "the spooled answer came back from " + directory_ +
                               " otherwise than it was written; look at that disk, or set TMPDIR to "
                               "a directory on another one"};
}

} // namespace fluxgate::influxdb
