// The last line of a terminal, which changes in place while log lines scroll by above it.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

namespace fluxgate::runner {

// Any thread. Nothing is drawn before show().
class LiveLine {
public:
    explicit LiveLine(int fd) noexcept : fd_(fd) {}

    // Draws `text` (one line, no wider than width()) in place of what stood there.
    void show(const std::string& text);
    // Leaves what is shown where it is and goes to the next line; nothing is drawn again.
    void end();
    // The same without waiting for whoever draws: for the way out of a process whose terminal may be held.
    void end_at_once();
    // Calls `write`, which writes whole lines to the same terminal: the live line makes room for them and comes back below.
    void around(const std::function<void()>& write);

    // The columns that can be used without the terminal going to the next line: asked anew each time, for windows change.
    [[nodiscard]] std::size_t width() const;

private:
    void put(const std::string& bytes) const; // a terminal that is gone gets nothing

    const int fd_;
    std::mutex mutex_;
    std::string shown_;
    bool drawn_ = false, ended_ = false;
};

} // namespace fluxgate::runner
