// `fluxgate init`: a document to start from.
#include "commands.hpp"
#include "config/starting_document.hpp"
#include "window/flux_text.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

// As an address, which editors take on every system; "" when the schema is not beside the program.
std::string schema_location() {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    if (error) return {};
    const fs::path file = self.parent_path().parent_path() / FLUXGATE_INSTALL_SCHEMA;
    return fs::exists(file, error) ? "file://" + file.lexically_normal().string() : std::string{};
}

bool write_all(int fd, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t wrote = ::write(fd, text.data() + at, text.size() - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return false;
        at += static_cast<std::size_t>(wrote);
    }
    return true;
}

std::string remedy_for(const std::string& file, int error) {
    std::error_code ignored;
    if (error == EEXIST && std::filesystem::is_directory(file, ignored)) return "it is a directory; name a file in it";
    if (error == EEXIST) return "it is there already, and init never overwrites; name another file, or remove this one";
    const std::string said = std::strerror(error);
    if (error == ENOENT) return said + "; the directory " + std::filesystem::path{file}.parent_path().string() + " must be there, init makes none";
    return said + "; name a file where you may write, or none: then standard output gets it";
}

int cannot_write(const std::string& file, int error) {
    std::cerr << "fluxgate: cannot write " << file << ": " << remedy_for(file, error) << "\n";
    return Exit::usage;
}

// The file is new, whole, or not there.
int write_file(const std::string& file, const std::string& text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return cannot_write(file, errno);
    int error = write_all(fd, text) ? 0 : errno;
    if (::close(fd) != 0 && error == 0) error = errno;
    if (error == 0) return Exit::done;
    ::unlink(file.c_str());
    return cannot_write(file, error);
}

} // namespace

int init(const CommonOptions& common, const InitOptions& options) {
    if (options.bucket.empty()) {
        std::cerr << "fluxgate: --bucket: the name of a bucket is not empty\n";
        return Exit::usage;
    }
    const Host host = make_host(common);
    config::StartOptions start;
    start.incremental = options.incremental;
    start.files = options.output == "file";
    start.bucket = options.bucket;
    start.query = "from(bucket: " + window::flux_string(options.bucket) + ") |> range(start: -1m)";
    start.schema_location = schema_location();
    const std::vector<StageTypeInfo> types = host.stage_types();
    const std::string text = config::starting_document(start, [&types](std::string_view name) {
        for (const StageTypeInfo& type : types)
            if (type.name == name) return type.schema;
        return std::string{};
    });
    if (text.empty()) {
        std::cerr << "fluxgate: the stage types " << config::starting_source << " and "
                  << (start.files ? config::starting_files : config::starting_stdout)
                  << " are needed, and one of them is not there; `fluxgate stages` lists what was found, --stage-path DIR adds a place\n";
        return Exit::failed;
    }
    if (options.file.empty()) {
        std::cout << text << std::flush;
        if (std::cout) return Exit::done;
        std::cerr << "fluxgate: standard output cannot be written\n";
        return Exit::failed;
    }
    if (const int code = write_file(options.file, text); code != Exit::done) return code;
    std::cerr << "fluxgate: wrote " << options.file << "; its first lines say which variables to set, then: fluxgate check " << options.file << "\n";
    return Exit::done;
}

} // namespace fluxgate::runner
