#include "trace.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>

namespace fluxgate::power_loss {

namespace fs = std::filesystem;

bool Record::changes_names() const noexcept {
    switch (op) {
    case FG_TRACE_MAKE_DIRECTORY:
    case FG_TRACE_CREATE:
    case FG_TRACE_LINK:
    case FG_TRACE_RENAME:
    case FG_TRACE_UNLINK:
    case FG_TRACE_REMOVE_DIRECTORY: return true;
    default: return false;
    }
}

bool Record::syncs() const noexcept {
    return op == FG_TRACE_SYNC || op == FG_TRACE_SYNC_DIRECTORY;
}

std::string to_text(const Record& record) {
    const auto error = [&] { return record.error == 0 ? "" : " (fails: " + std::generic_category().message(record.error) + ")"; };
    switch (record.op) {
    case FG_TRACE_HAD_DIRECTORY: return "was there: the directory " + record.path;
    case FG_TRACE_HAD_FILE: return "was there: " + record.path;
    case FG_TRACE_MAKE_DIRECTORY: return "mkdir " + record.path;
    case FG_TRACE_CREATE: return "create " + record.path;
    case FG_TRACE_WRITE: return "write " + std::to_string(record.data.size()) + " bytes at " + std::to_string(record.offset) + " of " + record.path;
    case FG_TRACE_TRUNCATE: return "truncate " + record.path + " to " + std::to_string(record.offset);
    case FG_TRACE_SYNC: return "fsync " + record.path + error();
    case FG_TRACE_SYNC_DIRECTORY: return "fsync of the directory '" + record.path + "'" + error();
    case FG_TRACE_LINK: return "link " + record.path + " as " + record.path2;
    case FG_TRACE_RENAME: return "rename " + record.path + " to " + record.path2;
    case FG_TRACE_UNLINK: return "unlink " + record.path;
    case FG_TRACE_REMOVE_DIRECTORY: return "rmdir " + record.path;
    case FG_TRACE_MAP: return "map " + record.path;
    case FG_TRACE_FAULT: return "a fault at " + record.path + error();
    }
    throw std::runtime_error{"the trace holds an operation of number " + std::to_string(record.op)};
}

std::string bytes_of(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    if (!in) throw std::runtime_error{"cannot read " + file.string()};
    std::ostringstream out;
    out << in.rdbuf();
    return std::move(out).str();
}

Trace::Trace(const fs::path& file) : bytes_(bytes_of(file)) {
    std::string_view rest = bytes_;
    const auto take = [&rest](std::size_t size) {
        const std::string_view out = rest.substr(0, size);
        rest.remove_prefix(size);
        return out;
    };
    fg_trace_record head{};
    while (rest.size() >= sizeof head) {
        std::memcpy(&head, take(sizeof head).data(), sizeof head);
        if (head.magic != FG_TRACE_MAGIC) throw std::runtime_error{file.string() + " is no trace, or its records are mixed up"};
        if (rest.size() < head.path_bytes + head.path2_bytes + head.data_bytes) break;
        Record record{static_cast<fg_trace_op>(head.op), head.inode, head.offset, {}, {}, {}, head.error};
        record.path = take(head.path_bytes);
        record.path2 = take(head.path2_bytes);
        record.data = take(head.data_bytes);
        records.push_back(std::move(record));
    }
}

void write_initial(const fs::path& root, const fs::path& trace) {
    std::ofstream out{trace, std::ios::binary | std::ios::trunc};
    const auto put = [&](const fs::path& path, bool directory) {
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) throw std::runtime_error{"cannot look at " + path.string()};
        const std::string data = directory ? std::string{} : bytes_of(path), name = path == root ? "" : path.lexically_relative(root).string();
        fg_trace_record head{};
        head.magic = FG_TRACE_MAGIC;
        head.op = directory ? FG_TRACE_HAD_DIRECTORY : FG_TRACE_HAD_FILE;
        head.inode = info.st_ino;
        head.path_bytes = static_cast<std::uint32_t>(name.size());
        head.data_bytes = data.size();
        out.write(reinterpret_cast<const char*>(&head), sizeof head);
        out << name << data;
    };
    put(root, true);
    std::vector<fs::directory_entry> all{fs::recursive_directory_iterator{root}, {}};
    std::sort(all.begin(), all.end()); // a directory before what is in it
    for (const fs::directory_entry& entry : all)
        put(entry.path(), entry.is_directory());
    if (!out.flush()) throw std::runtime_error{"cannot write " + trace.string()};
}

} // namespace fluxgate::power_loss
