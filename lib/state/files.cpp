#include "state/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <system_error>
#include <unistd.h>

namespace fluxgate::state {

namespace {

constexpr mode_t private_directory = 0700;

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

std::string next_step(int code) {
    switch (code) {
    case ENOSPC:
    case EDQUOT: return "make room on that disk";
    case EACCES:
    case EPERM: return "check its owner and permissions, or name another directory with --state DIR";
    case EROFS: return "the file system is read-only: mount it writable, or name another directory with --state DIR";
    case ENOENT:
    case ENOTDIR: return "check the path";
    default: return "check the disk";
    }
}

Error file_error(const std::string& what, const std::string& path, int code, const std::string& next) {
    return {Errc::state, "cannot " + what + " '" + path + "': " + std::generic_category().message(code) + " (errno " + std::to_string(code) + "); " +
                             (next.empty() ? next_step(code) : next)};
}

Result<Identity> identity_of(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return file_error("look at", path, errno);
    return Identity{info.st_dev, info.st_ino};
}

Result<Identity> identity_of(int fd, const std::string& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return file_error("look at", path, errno);
    return Identity{info.st_dev, info.st_ino};
}

Result<void> sync_directory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return file_error("open the directory", path, errno);
    const int code = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    // A file system that cannot sync a directory says so; there is nothing more to do then.
    if (code != 0 && code != EINVAL && code != ENOTSUP) return file_error("make durable the directory", path, code);
    return {};
}

Result<void> make_directories(const std::string& path) {
    struct stat info {};
    const std::string parent = parent_of(path);
    if (::stat(path.c_str(), &info) == 0) {
        if (!S_ISDIR(info.st_mode)) return file_error("use as a directory", path, ENOTDIR, "name a directory with --state DIR");
        // Whoever made it may have died before its entry was durable. What is not ours to sync was there before us.
        if (parent != path && parent != ".") {
            static_cast<void>(sync_directory(parent));
            return make_directories(parent);
        }
        return {};
    }
    if (errno != ENOENT) return file_error("look at the directory", path, errno);
    if (parent != path) {
        if (Result<void> made = make_directories(parent); !made.ok()) return made;
    }
    if (::mkdir(path.c_str(), private_directory) != 0 && errno != EEXIST) return file_error("make the directory", path, errno);
    return sync_directory(parent);
}

Result<void> require_local(const std::string& directory) {
    struct statfs info {};
    if (::statfs(directory.c_str(), &info) != 0) return file_error("look at the directory", directory, errno);
    const char* name = nullptr;
    switch (static_cast<unsigned long>(info.f_type) & 0xFFFFFFFFul) {
    case 0x6969: name = "NFS"; break;
    case 0x517B:
    case 0xFF534D42:
    case 0xFE534D42: name = "SMB"; break;
    case 0x5346414F: name = "AFS"; break;
    case 0x00C36400: name = "Ceph"; break;
    case 0x73757245: name = "Coda"; break;
    default: return {};
    }
    return Error{Errc::state, "the directory '" + directory + "' lies on " + name +
                                  ", where two machines could use one state; name a directory on a local disk with --state DIR"};
}

} // namespace fluxgate::state
