// Everything output/file@v1 does with the file system, below one directory and never outside it.
#pragma once

#include "core/descriptor.hpp"
#include "fluxgate/error.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fluxgate::core {

// An unfinished file. Held under an exclusive lock for as long as it is open, so that whoever tidies up can tell a file
// that is being written from one that a crash left behind.
struct PartFile {
    Descriptor fd;
    std::string name; // in the root directory
};

// The name prefix of the unfinished files of one pipeline and instance:
// ".fluxgate~<pipeline>~<instance>~". Other bytes than [A-Za-z0-9._-] are written as %XX, so no two pairs share it.
std::string part_prefix(std::string_view pipeline_id, std::string_view instance_id);

// Below the root, no symbolic link is followed: each component is opened relative to its parent with O_NOFOLLOW. The
// root itself may be reached through links; the user named it.
class RootDirectory {
public:
    // Makes the directory and its parents if they are missing (and syncs the parents of what it made).
    static Result<RootDirectory> open(const std::string& path);

    // Removes what crashed runs left: files that begin with `prefix` and end in ".part" and that nobody holds. The number. `found`,
    // for tests: called when one is open and not locked yet, the moment in which others may remove it and use its name again.
    Result<std::uint64_t> remove_leftovers(const std::string& prefix, const std::function<void()>& found = {});

    // A new, empty, locked file "<prefix><partition>~<n>.part".
    Result<PartFile> make_part(const std::string& prefix, std::uint32_t partition);

    // Makes the finished file durable under the first free name that `name_for` gives, n counting up from `number`:
    // fsync, directories, link, unlink of the .part, fsync of the directory. An existing file is never replaced. On return
    // `number` is the one that was used. Returns the relative path.
    Result<std::string> publish(const PartFile& part, const std::function<std::string(std::uint64_t)>& name_for, std::uint64_t& number);

    // Removes an unfinished file. Trouble is ignored: the next start removes it.
    void discard(const PartFile& part) noexcept;

    // For messages: "'/root/relative'".
    [[nodiscard]] std::string display(std::string_view relative) const;

private:
    RootDirectory(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    Result<Descriptor> open_parent(std::string_view relative) const;

    Descriptor fd_;
    std::string path_;
};

} // namespace fluxgate::core
