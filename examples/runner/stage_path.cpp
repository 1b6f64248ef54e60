#include "commands.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace fluxgate::runner {

namespace {

namespace fs = std::filesystem;

void add_existing(std::vector<std::string>& directories, const fs::path& directory) {
    std::error_code ignored; // a place that cannot be looked at is a place without plugins
    if (!fs::is_directory(directory, ignored)) return;
    const std::string path = fs::weakly_canonical(directory, ignored).string();
    for (const std::string& known : directories) {
        if (known == path) return;
    }
    directories.push_back(path);
}

} // namespace

std::vector<std::string> stage_directories(const std::vector<std::string>& wanted) {
    std::vector<std::string> directories = wanted;
    if (const char* variable = std::getenv("FLUXGATE_STAGE_PATH"); variable != nullptr) {
        const std::string list = variable;
        for (std::size_t at = 0; at <= list.size();) {
            const std::size_t end = std::min(list.find(':', at), list.size());
            if (end != at) directories.push_back(list.substr(at, end - at));
            at = end + 1;
        }
    }
    // The build tree and an installation have the same shape: bin/ beside lib/.
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    if (!error) {
        const fs::path prefix = self.parent_path().parent_path();
        add_existing(directories, prefix / "lib/fluxgate/stages");
        add_existing(directories, prefix / FLUXGATE_INSTALL_STAGE_DIR);
    }
    return directories;
}

} // namespace fluxgate::runner
