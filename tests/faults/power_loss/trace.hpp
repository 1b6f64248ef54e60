// The shim's record of a run, read back.
#pragma once

#include "trace_format.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::power_loss {

struct Record {
    fg_trace_op op;
    std::uint64_t inode = 0, offset = 0;
    std::string path, path2; // relative to the watched directory; "" is itself
    std::string_view data;   // lives as long as the trace
    int error = 0;           // an errno

    [[nodiscard]] bool changes_names() const noexcept; // link, rename, unlink, create, mkdir, rmdir
    [[nodiscard]] bool syncs() const noexcept;
    [[nodiscard]] bool initial() const noexcept { return op == FG_TRACE_HAD_DIRECTORY || op == FG_TRACE_HAD_FILE; }
};

// "write 4096 bytes at 8192 of a/state/plant.db-wal", for people.
std::string to_text(const Record& record);

class Trace {
public:
    // Throws std::runtime_error when the file is no trace. A record that its program did not finish ends it.
    explicit Trace(const std::filesystem::path& file);
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    std::vector<Record> records;

private:
    std::string bytes_;
};

// Begins a trace with what `root` holds now, as durable.
void write_initial(const std::filesystem::path& root, const std::filesystem::path& trace);

std::string bytes_of(const std::filesystem::path& file);

} // namespace fluxgate::power_loss
