// What a pipeline remembers between runs: a key-value store a pipeline, in one SQLite file on a local disk.
//
//   DIR/PIPELINE.db (with -wal and -shm beside it while it is open)   DIR/PIPELINE.lock (names who holds it)
//
// A commit is atomic and durable when it returns (write-ahead log, full sync). Whatever keeps it from being so is an Error
// that says what, where and what next.
#pragma once

#include "state/database.hpp"
#include "state/lock_file.hpp"

#include "fluxgate/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::state {

inline constexpr std::size_t max_value_bytes = 16u << 20;
inline constexpr std::size_t max_key_bytes = 255; // of a key, and of a stage's id
inline constexpr std::int64_t max_keys = 10'000;  // of all stages of a pipeline: room for a key in each of 1024 partitions
inline constexpr std::int64_t schema_version = 1;

// Whose key it is. Partition -1: a source, which has no partition.
struct Owner {
    std::string_view stage;
    std::int64_t partition = -1;
};

struct Change {
    std::string_view key, value;
    bool erase = false;
};

enum class Access {
    read, // beside a running pipeline; nothing is made or locked, changes are refused
    write // makes what is missing and holds the lock for the store's life
};

// Thread-safe.
class Store {
public:
    // Errc::state: in use by another process (which is named), not writable, not ours, damaged, or of a newer version. Reading
    // what is not there is an error too (see exists).
    [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& directory, const std::string& pipeline, Access access);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    [[nodiscard]] static std::string file_of(const std::string& directory, const std::string& pipeline);
    [[nodiscard]] static std::string lock_of(const std::string& directory, const std::string& pipeline);
    [[nodiscard]] static bool exists(const std::string& directory, const std::string& pipeline);

    // None when there is no such key.
    [[nodiscard]] Result<std::optional<std::string>> get(const Owner& owner, std::string_view key);

    // Bytes of the values of `key` and of keys that are it with a dot and more behind.
    [[nodiscard]] Result<std::uint64_t> size_of(const Owner& owner, std::string_view key);

    // All or nothing. Before and after, the files must still be those that were opened: a commit into a file that was removed
    // or replaced is an error, not a success. After trouble with the disk every later commit answers that error.
    [[nodiscard]] Result<void> commit(const Owner& owner, const std::vector<Change>& changes);
    // That is so: only a fresh start can go on. A full disk is no such trouble, for there may be room later.
    [[nodiscard]] bool failed() const;

private:
    Store(std::string path, std::string lock_path) : path_(std::move(path)), lock_path_(std::move(lock_path)) {}
    Result<void> open_for_writing(const std::string& directory);
    Result<void> open_for_reading();
    Result<void> prepare();
    Result<void> require_ours();
    Result<void> in_place() const;
    Result<void> apply(const Owner& owner, const std::vector<Change>& changes);

    const std::string path_, lock_path_;
    mutable std::mutex mutex_;
    std::optional<LockFile> lock_; // none: for reading only
    std::unique_ptr<Database> database_;
    Identity file_, log_;
    std::int64_t version_ = 0;
    bool unmade_ = false; // opened for reading, and who makes it was killed before it had its tables, or is at it
    std::optional<Error> failed_;
};

} // namespace fluxgate::state
