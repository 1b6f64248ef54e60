// Where state and secrets are kept when nobody says: what systemd gives, else the place of the XDG base directories.
#include "commands.hpp"

#include <cstdlib>
#include <filesystem>

namespace fluxgate::runner {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

} // namespace

std::string state_directory(const CommonOptions& common) {
    if (!common.state_directory.empty()) return common.state_directory;
    // systemd gives several, separated by colons, when a unit names several.
    const std::string given = variable("STATE_DIRECTORY");
    if (!given.empty()) return given.substr(0, given.find(':'));
    namespace fs = std::filesystem;
    // A relative path counts as not set (XDG Base Directory Specification).
    const fs::path xdg = variable("XDG_STATE_HOME");
    if (xdg.is_absolute()) return (xdg / "fluxgate").string();
    const fs::path home = common.home;
    if (home.is_absolute()) return (home / ".local/state/fluxgate").string();
    return {};
}

std::string secrets_directory(const CommonOptions& common) {
    return common.secrets_directory.empty() ? variable("CREDENTIALS_DIRECTORY") : common.secrets_directory;
}

std::string dead_letter_file(const CommonOptions& common, const std::string& id, bool incremental) {
    std::string name = id + ".dead-letters.jsonl";
    const std::string directory = state_directory(common);
    if (!incremental || directory.empty()) return name;
    return (std::filesystem::path{directory} / name).string();
}

} // namespace fluxgate::runner
