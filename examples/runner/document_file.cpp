#include "commands.hpp"
#include "config/names.hpp"
#include "terminal.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_document_bytes = 16u << 20;

// The name in the same directory that is most likely meant, as a path; or "".
std::string neighbour_of(const fs::path& file) {
    std::vector<std::string> names;
    const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path{"."};
    std::error_code error;
    for (fs::directory_iterator at{directory, error}, end; !error && at != end; at.increment(error))
        names.push_back(at->path().filename().string());
    const std::string wanted = file.filename().string();
    const std::string_view nearest = config::nearest_name(wanted, {names.begin(), names.end()});
    return nearest.empty() ? std::string{} : (file.parent_path() / nearest).string();
}

// What to do about a document that cannot be read.
std::string remedy(const std::string& file, int code) {
    if (code == EISDIR) return "; name the document in it";
    if (code == EACCES)
        return "; the user " + std::to_string(geteuid()) + " must be let into every directory above it, and to read it (`namei -l " + shown(file, 0) +
               "` shows who is)";
    if (code != ENOENT) return {};
    if (const std::string near = neighbour_of(file); !near.empty()) return "; did you mean " + shown(near, 0) + "?";
    return "; `fluxgate init " + shown(file, 0) + "` would write one to start from";
}

std::nullopt_t unreadable(const std::string& file, int code) {
    std::cerr << "fluxgate: cannot read " << shown(file, 0) << ": " << (code == EISDIR ? "it is a directory" : std::strerror(code))
              << remedy(file, code) << "\n";
    return std::nullopt;
}

} // namespace

std::optional<std::string> read_document(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC); // a pipe of the shell is a file too
    if (fd < 0) return unreadable(file, errno);
    struct Closing {
        int fd;
        ~Closing() { ::close(fd); }
    } closing{fd};
    std::string text, piece(64u << 10, '\0');
    for (;;) {
        const ssize_t got = ::read(fd, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable(file, errno);
        if (got == 0) return text;
        text.append(piece, 0, static_cast<std::size_t>(got));
        if (text.size() <= max_document_bytes) continue;
        std::cerr << "fluxgate: " << shown(file, 0) << " is larger than " << max_document_bytes << " bytes, so it is no pipeline document\n";
        return std::nullopt;
    }
}

std::string why_unwritable(const std::string& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) == 0) {
        if (S_ISDIR(info.st_mode)) return "it is a directory";
        return ::access(file.c_str(), W_OK) == 0 ? std::string{} : std::strerror(errno);
    }
    if (errno != ENOENT) return std::strerror(errno);
    const fs::path parent = fs::path{file}.parent_path();
    const std::string directory = parent.empty() ? "." : parent.string();
    if (::access(directory.c_str(), W_OK | X_OK) == 0) return {};
    return "the directory " + shown(directory, 0) + ": " + std::strerror(errno);
}

} // namespace fluxgate::runner
