#include "live_line.hpp"

#include <cerrno>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

namespace fluxgate::runner {

namespace {
constexpr const char* erase = "\r\x1b[K"; // to the first column, then clear to the end of the line (ECMA-48, EL)
} // namespace

void LiveLine::put(const std::string& bytes) const {
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const ssize_t written = ::write(fd_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

void LiveLine::show(const std::string& text) {
    const std::scoped_lock lock{mutex_};
    if (ended_) return;
    shown_ = text;
    drawn_ = true;
    put(erase + shown_);
}

void LiveLine::end() {
    const std::scoped_lock lock{mutex_};
    if (drawn_ && !ended_) put("\n");
    ended_ = true;
}

void LiveLine::end_at_once() {
    const std::unique_lock lock{mutex_, std::try_to_lock};
    if (lock.owns_lock() && drawn_ && !std::exchange(ended_, true)) put("\n");
}

void LiveLine::around(const std::function<void()>& write) {
    const std::scoped_lock lock{mutex_};
    const bool draws = drawn_ && !ended_;
    if (draws) put(erase);
    write();
    if (draws) put(shown_);
}

std::size_t LiveLine::width() const {
    winsize size{};
    constexpr std::size_t usual = 80;
    const std::size_t columns = ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
    return columns - 1; // the last column would begin a new line on some terminals
}

} // namespace fluxgate::runner
