// Holds the rows of one response until it is known to be complete (delivery: verified).
#pragma once

#include "flux/journal.hpp"
#include "fluxgate/error.hpp"
#include "window/hash.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::influxdb {

// A journal of what the reader told, which is a fraction of the body, in blocks of 256 KiB (a longer row gets one of its own). The
// first ones stay in memory; what is beyond goes to a file without a name in the scratch directory ($TMPDIR, else /var/tmp, else
// /tmp), which the system removes with its last descriptor, also after a crash. Not thread-safe.
class Spool {
public:
    // For a body of at most `limit` bytes; at most `memory` bytes of the journal stay in memory (one block does always).
    Spool(std::uint64_t limit, std::size_t memory) : limit_(limit), memory_(memory) {}
    ~Spool();
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    // Forgets everything and gives memory and disk space back.
    void clear() noexcept;

    // So many bytes of the body came, at that time; rows which end in them follow. Errc::limit when the limit is passed (names
    // spoolBytes).
    Result<void> received(std::size_t bytes, std::int64_t received_ns);

    // What the reader told of them, in its order. Errc::io when the scratch directory cannot take it.
    Result<void> table(const flux::Table& table);
    Result<void> row(const flux::Row& row);
    Result<void> long_row(const flux::Row& row, std::uint64_t long_row_bytes);

    // Reading, when all is written, from the beginning. True: what journal() has is to be read, until it answers need_more. False: it
    // was all. Errc::io when the scratch directory does not give back what it took.
    Result<bool> next();
    [[nodiscard]] flux::JournalReader& journal() noexcept { return reader_; }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; } // of the body
    [[nodiscard]] bool on_disk() const noexcept { return file_ >= 0; }

private:
    struct Block {
        std::unique_ptr<char[]> data; // none: it is in the file
        std::size_t size = 0, capacity = 0;
        std::uint64_t offset = 0; // in the file
        window::Hash128 hash;     // of what is there
    };
    Result<char*> room(std::size_t bytes);
    void used_up_to(const char* end) noexcept { blocks_.back().size = static_cast<std::size_t>(end - blocks_.back().data.get()); }
    Result<void> retire();
    void drop(Block& block) noexcept;
    Result<void> open_file();
    Result<void> write_out(Block& block);
    Result<void> read_back(const Block& block);

    const std::uint64_t limit_;
    const std::size_t memory_;
    std::vector<Block> blocks_; // the last one is being written
    std::size_t held_ = 0;      // in memory, without the last
    flux::JournalWriter writer_;
    flux::JournalReader reader_;
    std::size_t next_block_ = 0;
    std::unique_ptr<char[]> spare_; // a block of the usual size
    std::vector<char> read_;
    int file_ = -1;
    std::string directory_; // where the file lies, for messages
    std::uint64_t size_ = 0, file_size_ = 0;
    std::int64_t received_ms_ = -1;
};

} // namespace fluxgate::influxdb
