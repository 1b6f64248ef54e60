// One process a state: a lock of the operating system on a file that names its holder.
#pragma once

#include "state/files.hpp"

#include "fluxgate/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fluxgate::state {

struct Holder {
    std::int64_t pid = 0; // 0: it has not said so yet
    std::string host;     //
    std::string since;    // RFC 3339
};

// "process 123 on plant-pc since 2026-11-21T10:00:00.000Z"
[[nodiscard]] std::string to_text(const Holder& holder);

// Held until destroyed, or until the process ends, however it ends. The file itself stays: removing it would let two
// processes each lock a file of that name. Open file description locks, so that two stores of one process exclude each other too.
class LockFile {
public:
    // Errc::state names the holder when another has it.
    [[nodiscard]] static Result<LockFile> take(const std::string& path);

    // Who holds it now, or none. Takes nothing, so it can disturb nobody.
    [[nodiscard]] static std::optional<Holder> holder_of(const std::string& path);

    LockFile(LockFile&& other) noexcept;
    LockFile& operator=(LockFile&& other) noexcept;
    ~LockFile();

    // An error when the file was removed or replaced: then another process may hold what now has its name.
    [[nodiscard]] Result<void> in_place() const;

private:
    LockFile(int fd, std::string path, Identity identity) : fd_(fd), path_(std::move(path)), identity_(identity) {}
    void release() noexcept;

    int fd_ = -1;
    std::string path_;
    Identity identity_;
};

} // namespace fluxgate::state
