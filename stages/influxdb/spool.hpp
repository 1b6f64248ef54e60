// Holds the body of one response until it is known to be complete (delivery: verified).
#pragma once

#include "fluxgate/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::influxdb {

// The first MiB stays in memory; what is beyond goes to a file without a name in the scratch directory ($TMPDIR, else
// /var/tmp, else /tmp), which the system removes with its last descriptor, also after a crash. Holds at most `limit` bytes
// of decoded body. Not thread-safe.
class Spool {
public:
    explicit Spool(std::uint64_t limit) : limit_(limit) {}
    ~Spool();
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    // Forgets everything and gives the disk space back.
    void clear() noexcept;

    // Errc::limit when the limit is passed (names spoolBytes), Errc::io when the scratch directory cannot take it.
    Result<void> append(std::string_view bytes, std::int64_t received_ns);

    struct Piece {
        std::string_view bytes; // empty at the end; valid until the next call
        std::int64_t received_ns = 0;
    };
    // The next piece from the beginning, in order, at most 128 KiB; all of it was received at about `received_ns` (within the
    // same 64 KiB of body).
    Result<Piece> next();

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool on_disk() const noexcept { return file_ >= 0; }

private:
    struct Mark {
        std::uint64_t offset = 0;
        std::int64_t received_ns = 0;
    };
    Result<void> open_file();
    Result<void> write_out(std::string_view bytes);

    const std::uint64_t limit_;
    std::string memory_;
    int file_ = -1;
    std::string directory_; // where the file lies, for messages
    std::uint64_t size_ = 0;
    std::uint64_t file_size_ = 0;
    std::vector<Mark> marks_;
    std::uint64_t read_ = 0;
    std::size_t mark_read_ = 0;
    std::string piece_;
};

} // namespace fluxgate::influxdb
