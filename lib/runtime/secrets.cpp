#include "runtime/secrets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace fluxgate::runtime {

namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

Error unusable(std::string_view name, const std::string& why) {
    return {Errc::secret, "the secret \"" + std::string{name} + "\" cannot be used: " + why};
}

// The file's content; nothing when there is no such file.
Result<std::optional<std::string>> read_file(std::string_view name, const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>{};
        return unusable(name, "the file " + path + " cannot be opened (" + reason(errno) + ")");
    }
    struct stat info {};
    std::string out;
    std::string trouble;
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) trouble = path + " is not a regular file";
    std::array<char, 4096> part{};
    while (trouble.empty()) {
        const ssize_t got = ::read(fd, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) trouble = "the file " + path + " cannot be read (" + reason(errno) + ")";
        if (got <= 0) break;
        out.append(part.data(), static_cast<std::size_t>(got));
        if (out.size() > Secrets::max_size) trouble = "the file " + path + " is longer than 1 MiB";
    }
    ::close(fd);
    if (!trouble.empty()) return unusable(name, trouble);
    return std::optional<std::string>{std::move(out)};
}

} // namespace

bool is_name(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

Result<std::string> Secrets::resolve(std::string_view name) const {
    if (!is_name(name) || name.size() > 255 || name == "." || name.substr(0, 2) == "..")
        return Error{Errc::secret,
                     "a secret reference may have letters, digits, '.', '_' and '-', at most 255, and not begin with \"..\"; the one given "
                     "does not look like that (is it the secret itself?)"};
    std::string value, from;
    if (!directory_.empty()) {
        const std::string path = directory_ + "/" + std::string{name};
        auto file = read_file(name, path);
        if (!file.ok()) return std::move(file).error();
        if (file->has_value()) {
            value = std::move(**file);
            if (!value.empty() && value.back() == '\n') value.pop_back();
            from = "the file " + path;
        }
    }
    if (from.empty()) {
        const char* variable = std::getenv(std::string{name}.c_str());
        if (variable != nullptr) {
            value = variable;
            from = "the environment variable " + std::string{name};
        }
    }
    if (from.empty()) {
        const std::string first = directory_.empty() ? std::string{"no secrets directory is set"} : "no file " + directory_ + "/" + std::string{name};
        return Error{Errc::secret, "the secret \"" + std::string{name} + "\" cannot be resolved: " + first + ", and no environment variable " +
                                       std::string{name} + "; provide one of them"};
    }
    if (value.empty()) return unusable(name, from + " is empty");
    return value;
}

} // namespace fluxgate::runtime
