// A process of the round: started without a shell, waited for through its descriptor, stopped, killed.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxgate::nothing_lost {

class Child {
public:
    struct Streams {
        int in = -1, out = -1;                // given to the child; -1: /dev/null
        std::string error_file = "/dev/null"; // its standard error
    };
    // What cannot be started ends the program: nothing can be proven then. `environment`: NAME=VALUE, added to ours.
    Child(const std::vector<std::string>& command, const Streams& streams, const std::vector<std::string>& environment = {});
    ~Child(); // kills it if it still runs
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void signal(int number) const { ::kill(pid_, number); }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; } // readable when it has ended
    // Waits for its end, at most so long: exit code, or 128 + signal.
    std::optional<int> wait(std::chrono::milliseconds most);
    // The largest resident size so far, in KiB; 0 when it has ended.
    [[nodiscard]] std::uint64_t peak_kib() const;

private:
    int pid_ = -1, descriptor_ = -1;
};

} // namespace fluxgate::nothing_lost
