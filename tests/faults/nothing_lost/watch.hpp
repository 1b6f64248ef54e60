// Tells what happens in directories, as it happens: how a kill finds the middle of a write or a rename.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace fluxgate::nothing_lost {

class Watch {
public:
    Watch();
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    enum class Kind : std::uint8_t { state, output };
    // Directories that are made in it later are watched, too.
    void add(const std::string& directory, Kind kind);
    [[nodiscard]] int descriptor() const noexcept { return fd_; } // readable when there is something

    struct Events {
        std::uint32_t state = 0, output = 0; // files made, written to, renamed, linked, removed
        bool delivered = false;              // a final file appeared, or a reader got something
    };
    Events take(); // what happened since the last call

private:
    struct Directory {
        std::string path;
        Kind kind = Kind::state;
    };
    int fd_;
    std::map<int, Directory> directories_;
};

} // namespace fluxgate::nothing_lost
