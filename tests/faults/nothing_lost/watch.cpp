#include "watch.hpp"

#include <cstring>
#include <filesystem>
#include <sys/inotify.h>
#include <unistd.h>

namespace fluxgate::nothing_lost {

Watch::Watch() : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

Watch::~Watch() {
    ::close(fd_);
}

void Watch::add(const std::string& directory, Kind kind) {
    const int wd =
        ::inotify_add_watch(fd_, directory.c_str(), IN_CREATE | IN_MODIFY | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ATTRIB | IN_ONLYDIR);
    if (wd < 0) return;
    directories_[wd] = {directory, kind};
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator{directory, code})
        if (entry.is_directory(code)) add(entry.path().string(), kind);
}

Watch::Events Watch::take() {
    Events out;
    alignas(inotify_event) char buffer[16384];
    for (ssize_t size = 0; (size = ::read(fd_, buffer, sizeof buffer)) > 0;) {
        for (const char* at = buffer; at < buffer + size;) {
            inotify_event event{};
            std::memcpy(&event, at, sizeof event);
            const std::string name = event.len > 0 ? at + sizeof event : "";
            at += sizeof event + event.len;
            const auto where = directories_.find(event.wd);
            if (where == directories_.end()) continue;
            const Directory directory = where->second;
            if ((event.mask & IN_ISDIR) != 0) {
                if ((event.mask & IN_CREATE) != 0) add(directory.path + "/" + name, directory.kind);
                continue;
            }
            ++(directory.kind == Kind::state ? out.state : out.output);
            const bool appeared = (event.mask & (IN_CREATE | IN_MODIFY)) != 0;
            if (directory.kind == Kind::output && appeared && name.rfind(".fluxgate~", 0) != 0) out.delivered = true;
        }
    }
    return out;
}

} // namespace fluxgate::nothing_lost
