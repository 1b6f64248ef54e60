// What a service manager is told: the protocol of sd_notify(3), a datagram of NAME=value lines to the socket that it names.
//
// Spoken here instead of linking libsystemd: it is stable by contract (systemd's interface promise) and one call of sendto,
// while a library would be a dependency of every installation, also where no systemd runs.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::telemetry {

// Thread-safe. Without a socket every call does nothing and succeeds.
class ServiceNotify {
public:
    // `socket`: the value of NOTIFY_SOCKET, a path or "@" and an abstract name; empty: nobody listens. Errc::configuration: neither
    // of both, or longer than an address may be.
    static Result<ServiceNotify> open(std::string_view socket);
    ServiceNotify() = default; // nobody listens
    ServiceNotify(ServiceNotify&& other) noexcept;
    ServiceNotify& operator=(ServiceNotify&& other) noexcept;
    ServiceNotify(const ServiceNotify&) = delete;
    ServiceNotify& operator=(const ServiceNotify&) = delete;
    ~ServiceNotify();

    [[nodiscard]] bool listening() const noexcept { return fd_ >= 0; }
    // Lines as sd_notify(3) names them, each ended by a line feed. Waits at most a second for a manager that does not read.
    Result<void> tell(std::string_view lines) const;

private:
    int fd_ = -1;
    std::string address_; // the bytes of sun_path
};

[[nodiscard]] std::string ready_lines();
[[nodiscard]] std::string stopping_lines();
// Type=notify-reload wants the instant (CLOCK_MONOTONIC) to tell this reload from others.
[[nodiscard]] std::string reloading_lines(std::int64_t monotonic_ns);
// STATUS= with the text on one line, cut to 1 KiB at a character's end.
[[nodiscard]] std::string status_lines(std::string_view text);

// When the watchdog of the service manager is to be fed: every half of the time after which it would bite.
class Watchdog {
public:
    // `usec` and `pid`: the values of WATCHDOG_USEC and WATCHDOG_PID, or null. Never due when there is none, when it is meant for
    // another process than `self`, or when it is not a number of microseconds above 0.
    Watchdog(const char* usec, const char* pid, std::int64_t self) noexcept;

    // The time after which it bites; zero: never.
    [[nodiscard]] std::chrono::nanoseconds period() const noexcept { return period_; }
    // True when it is time to feed it, at the first call too; then that counts as done.
    [[nodiscard]] bool due(std::int64_t now_ns) noexcept;

private:
    std::chrono::nanoseconds period_{0};
    std::optional<std::int64_t> fed_;
};

} // namespace fluxgate::telemetry
