#include "telemetry/service_notify.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace fluxgate::telemetry {

namespace {

constexpr std::size_t max_status_bytes = 1024;

std::optional<std::int64_t> number_of(const char* text) noexcept {
    if (text == nullptr) return std::nullopt;
    std::int64_t value = 0;
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

} // namespace

Result<ServiceNotify> ServiceNotify::open(std::string_view socket) {
    ServiceNotify out;
    if (socket.empty()) return out;
    sockaddr_un address{};
    const bool abstract = socket.front() == '@';
    if ((!abstract && socket.front() != '/') || socket.size() >= sizeof address.sun_path)
        return Error{Errc::configuration, "NOTIFY_SOCKET is \"" + std::string{socket} +
                                              "\"; the address is an absolute path or '@' and a name, of at most " +
                                              std::to_string(sizeof address.sun_path - 1) + " bytes"};
    out.address_ = socket;
    if (abstract) out.address_.front() = '\0';
    out.fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (out.fd_ < 0) return Error{Errc::io, std::string{"no socket for the service manager: "} + std::strerror(errno)};
    const timeval most{1, 0};
    if (::setsockopt(out.fd_, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) != 0)
        return Error{Errc::io, std::string{"the socket for the service manager takes no deadline: "} + std::strerror(errno)};
    return out;
}

ServiceNotify::ServiceNotify(ServiceNotify&& other) noexcept : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)) {}

ServiceNotify& ServiceNotify::operator=(ServiceNotify&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(address_, other.address_);
    return *this;
}

ServiceNotify::~ServiceNotify() {
    if (fd_ >= 0) ::close(fd_);
}

Result<void> ServiceNotify::tell(std::string_view lines) const {
    if (fd_ < 0) return {};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, address_.data(), address_.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    ssize_t sent = -1;
    do {
        sent = ::sendto(fd_, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) return {};
    return Error{Errc::io, std::string{"the service manager could not be told (NOTIFY_SOCKET): "} + std::strerror(errno)};
}

std::string ready_lines() {
    return "READY=1\n";
}

std::string stopping_lines() {
    return "STOPPING=1\n";
}

std::string reloading_lines(std::int64_t monotonic_ns) {
    return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_ns / 1000) + "\n";
}

std::string status_lines(std::string_view text) {
    std::size_t size = std::min(text.size(), max_status_bytes);
    while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0u) == 0x80u)
        --size; // not in the middle of a character
    std::string out = "STATUS=";
    for (const char c : text.substr(0, size))
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    return out += '\n';
}

Watchdog::Watchdog(const char* usec, const char* pid, std::int64_t self) noexcept {
    if (pid != nullptr && number_of(pid) != self) return;
    const std::int64_t most = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds::max()).count();
    if (const auto period = number_of(usec); period && *period > 0 && *period <= most) period_ = std::chrono::microseconds{*period};
}

bool Watchdog::due(std::int64_t now_ns) noexcept {
    if (period_.count() == 0 || (fed_ && now_ns - *fed_ < period_.count() / 2)) return false;
    fed_ = now_ns;
    return true;
}

} // namespace fluxgate::telemetry
