#include "core/root_directory.hpp"

#include "core/io_error.hpp"

#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>

namespace fluxgate::core {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr std::uint64_t max_names_tried = 1'000'000;
constexpr std::size_t max_id_bytes = 80; // of a pipeline or instance in a .part name; a name has 255 bytes at most

std::string encoded(std::string_view text) {
    static constexpr char hex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-') {
            out += c;
        } else {
            out += {'%', hex[u >> 4], hex[u & 15]};
        }
    }
    if (out.size() <= max_id_bytes) return out;
    // FNV-1a over the whole, so that long names that begin alike stay apart.
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    char tail[24];
    std::snprintf(tail, sizeof tail, "+%016llx", static_cast<unsigned long long>(hash));
    return out.substr(0, max_id_bytes - 17) + tail;
}

std::string in_quotes(std::string_view name) {
    std::string out{'\''};
    out += name;
    out += '\'';
    return out;
}

// 0 or an errno. File systems that cannot sync a directory say so with EINVAL; there is nothing more to do then.
int sync_directory(int fd) {
    return ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

// Makes the directory if it is missing. Its entry in the parent is made durable also when it was there already: another
// partition may have made it a moment ago and not have synced it yet.
int make_directory(int parent, const char* name) {
    if (::mkdirat(parent, name, 0777) != 0 && errno != EEXIST) return errno;
    return sync_directory(parent);
}

Result<Descriptor> open_making(const std::string& path) {
    // Whoever made the directories may have died before their entries were durable, so the first of this process makes them so,
    // and the others wait for that.
    static std::mutex mutex;
    static std::set<std::string> durable;
    const std::scoped_lock lock{mutex};
    const bool sync = durable.count(path) == 0;
    Descriptor at{::open(path.front() == '/' ? "/" : ".", directory_flags)};
    if (!at) return io_error("open", "the working directory", errno);
    for (std::size_t begin = 0; begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string name = path.substr(begin, end - begin);
        begin = end + 1;
        if (name.empty()) continue;
        Descriptor next{::openat(at.get(), name.c_str(), directory_flags)};
        if (!next && errno == ENOENT) {
            if (const int code = make_directory(at.get(), name.c_str()); code != 0)
                return io_error("make directory", in_quotes(path.substr(0, end)), code);
            next = Descriptor{::openat(at.get(), name.c_str(), directory_flags)};
        }
        if (!next) return io_error("open directory", in_quotes(path.substr(0, end)), errno, "check rootDirectory and its permissions");
        if (sync) {
            // Only what was made by somebody else can be refused here, and that was there before us.
            if (const int code = sync_directory(at.get()); code != 0 && code != EROFS && code != EACCES && code != EPERM)
                return io_error("sync the directory of", in_quotes(path.substr(0, end)), code);
        }
        at = std::move(next);
    }
    durable.insert(path);
    return at;
}

bool is_leftover(std::string_view name, std::string_view prefix) {
    constexpr std::string_view ending = ".part";
    return name.size() > prefix.size() + ending.size() && name.substr(0, prefix.size()) == prefix &&
           name.substr(name.size() - ending.size()) == ending;
}

// Gives the .part its final name unless that is taken. 0 or an errno.
int give_name(int root, const std::string& part, int parent, const std::string& name) {
    if (::linkat(root, part.c_str(), parent, name.c_str(), 0) == 0) {
        return ::unlinkat(root, part.c_str(), 0) == 0 ? 0 : errno;
    }
    if (errno != EPERM && errno != EOPNOTSUPP) return errno;
    // A file system without hard links.
    return ::renameat2(root, part.c_str(), parent, name.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
}

} // namespace

std::string part_prefix(std::string_view pipeline_id, std::string_view instance_id) {
    return ".fluxgate~" + encoded(pipeline_id) + "~" + encoded(instance_id) + "~";
}

std::string RootDirectory::display(std::string_view relative) const {
    std::string full = path_;
    if (full.back() != '/') full += '/';
    full += relative;
    return in_quotes(full);
}

Result<RootDirectory> RootDirectory::open(const std::string& path) {
    Result<Descriptor> fd = open_making(path);
    if (!fd.ok()) return fd.error();
    return RootDirectory{*std::move(fd), path};
}

Result<std::uint64_t> RootDirectory::remove_leftovers(const std::string& prefix, const std::function<void()>& found) {
    const int listing = ::openat(fd_.get(), ".", directory_flags);
    if (listing < 0) return io_error("list", display(""), errno);
    struct Closer {
        void operator()(DIR* d) const noexcept { ::closedir(d); }
    };
    const std::unique_ptr<DIR, Closer> directory{::fdopendir(listing)};
    if (!directory) {
        const int code = errno;
        ::close(listing);
        return io_error("list", display(""), code);
    }
    std::uint64_t removed = 0;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (!is_leftover(entry->d_name, prefix)) continue;
        const Descriptor file{::openat(fd_.get(), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
        if (!file && errno == ENOENT) continue;
        if (!file) return io_error("open the unfinished file", display(entry->d_name), errno, "remove it by hand");
        if (found) found();
        if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue; // somebody is writing it
        // Another partition may have removed it meanwhile and given its name to a new file. While it is there and locked, nobody does.
        struct stat held {
        }, named{};
        if (::fstat(file.get(), &held) != 0) return io_error("look at", display(entry->d_name), errno);
        if (::fstatat(fd_.get(), entry->d_name, &named, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) continue;
            return io_error("look at", display(entry->d_name), errno);
        }
        if (held.st_dev != named.st_dev || held.st_ino != named.st_ino) continue;
        if (::unlinkat(fd_.get(), entry->d_name, 0) != 0 && errno != ENOENT)
            return io_error("remove the unfinished file", display(entry->d_name), errno, "remove it by hand");
        ++removed;
    }
    return removed;
}

Result<PartFile> RootDirectory::make_part(const std::string& prefix, std::uint32_t partition) {
    for (std::uint64_t n = 0; n < max_names_tried; ++n) {
        PartFile part;
        part.name = prefix + std::to_string(partition) + "~" + std::to_string(n) + ".part";
        part.fd = Descriptor{::openat(fd_.get(), part.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)};
        if (!part.fd && errno == EEXIST) continue;
        if (!part.fd) return io_error("make", display(part.name), errno, "check rootDirectory, its permissions and free space");
        // Between these steps another partition's tidying may have taken the file for a leftover; then the next name serves.
        struct stat about {};
        if (::flock(part.fd.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) return io_error("lock", display(part.name), errno);
            continue;
        }
        if (::fstat(part.fd.get(), &about) != 0) return io_error("look at", display(part.name), errno);
        if (about.st_nlink > 0) return part;
    }
    return io_error("find a free name for", display(prefix + std::to_string(partition) + "~*.part"), EEXIST, "remove old .part files");
}

Result<Descriptor> RootDirectory::open_parent(std::string_view relative) const {
    Descriptor at{::openat(fd_.get(), ".", directory_flags)};
    if (!at) return io_error("open directory", display(""), errno);
    for (std::size_t begin = 0;;) {
        const std::size_t end = relative.find('/', begin);
        if (end == std::string_view::npos) return at;
        const std::string name{relative.substr(begin, end - begin)};
        const std::string shown = display(relative.substr(0, end));
        begin = end + 1;
        if (name.empty() || name == "." || name == "..") return io_error("use", shown, EINVAL, "the path must stay below rootDirectory");
        if (const int code = make_directory(at.get(), name.c_str()); code != 0) return io_error("make directory", shown, code);
        Descriptor next{::openat(at.get(), name.c_str(), directory_flags | O_NOFOLLOW)};
        if (!next) {
            const int code = errno;
            return io_error("open directory", shown, code, "below rootDirectory symbolic links are not followed");
        }
        at = std::move(next);
    }
}

Result<std::string> RootDirectory::publish(const PartFile& part, const std::function<std::string(std::uint64_t)>& name_for, std::uint64_t& number) {
    if (::fsync(part.fd.get()) != 0) return io_error("sync", display(part.name), errno);
    std::string relative = name_for(number);
    Result<Descriptor> parent = open_parent(relative);
    if (!parent.ok()) return parent.error();
    std::string directory = relative.substr(0, relative.rfind('/') + 1);
    for (std::uint64_t tried = 0; tried < max_names_tried; ++tried) {
        const std::string name = relative.substr(directory.size());
        if (name.empty() || name == "." || name == "..") return io_error("use", display(relative), EINVAL);
        const int code = give_name(fd_.get(), part.name, parent->get(), name);
        if (code == 0) {
            if (const int failed = sync_directory(parent->get()); failed != 0) return io_error("sync the directory of", display(relative), failed);
            return relative;
        }
        if (code != EEXIST) return io_error("name", display(relative), code, code == EXDEV ? "all of rootDirectory must be on one file system" : "");
        relative = name_for(++number);
        const std::string next_directory = relative.substr(0, relative.rfind('/') + 1);
        if (next_directory != directory) {
            parent = open_parent(relative);
            if (!parent.ok()) return parent.error();
            directory = next_directory;
        }
    }
    return io_error("find a free name for", display(relative), EEXIST, "put {{fileNumber}} or the time into filePath, or remove old files");
}

void RootDirectory::discard(const PartFile& part) noexcept {
    // An unlink that fails leaves a leftover, which the next start removes.
    static_cast<void>(::unlinkat(fd_.get(), part.name.c_str(), 0));
}

} // namespace fluxgate::core
