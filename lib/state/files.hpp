// Files of the state directory: errors that say what, where and what next; directories that survive a power cut.
#pragma once

#include "fluxgate/error.hpp"

#include <string>
#include <sys/types.h>

namespace fluxgate::state {

// "cannot <what> '<path>': No space left on device (errno 28); <next step>". The next step is that of the errno when `next` is empty.
[[nodiscard]] Error file_error(const std::string& what, const std::string& path, int code, const std::string& next = {});

// What a person can do about an errno: free space, give permission, ...
[[nodiscard]] std::string next_step(int code);

// A file by what it is, not by its name: tells a file from another that took its name.
struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
};
[[nodiscard]] Result<Identity> identity_of(const std::string& path);
[[nodiscard]] Result<Identity> identity_of(int fd, const std::string& path);

// Makes the directory and what is missing above it (mode 0700), and makes their entries durable.
[[nodiscard]] Result<void> make_directories(const std::string& path);

// Makes the entries of a directory durable.
[[nodiscard]] Result<void> sync_directory(const std::string& path);

// Refuses file systems on which SQLite's shared memory and locks do not work between machines (NFS, SMB, ...).
[[nodiscard]] Result<void> require_local(const std::string& directory);

} // namespace fluxgate::state
