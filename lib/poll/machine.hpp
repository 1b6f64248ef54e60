// What to do next: wait, query, back off, stop. A state machine without I/O and without a clock: time and events go in,
// actions come out. Rule (Data Processor): the interval timer is reset when a result ended, so the next query starts one
// interval after the previous one ended; never two at once; the first at once.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace fluxgate::poll {

using Nanoseconds = std::chrono::nanoseconds;

enum class RetryType { exponential, fixed, none };

struct Policy {
    Nanoseconds interval{};
    RetryType retry = RetryType::exponential;
    Nanoseconds initial = std::chrono::milliseconds{500};
    Nanoseconds max = std::chrono::seconds{60};
    std::optional<std::uint32_t> max_retries;
    bool once = false; // one complete result, then end; fails after five tries, or at once when a person is needed
};

// How a failure is to be answered.
enum class TroubleClass {
    retry_soon,       // back off exponentially with full jitter, Retry-After honoured in full
    needs_person,     // retry after the interval, at least every 5 minutes and at most every 5 seconds
    configuration,    // never heals: the stage ends
    retry_at_interval // the query met data that it cannot take (a runtime error): other data may heal it, asking soon does not.
                      // Tried like needs_person
};

struct Trouble {
    TroubleClass kind = TroubleClass::retry_soon;
    std::optional<Nanoseconds> retry_after;
};

// The pure mapping from what happened to a class: by code, HTTP status and the server's code and message. Sources:
// the wire's "Errors" section and recordings (overload is a 400 "queue length exceeded").
[[nodiscard]] Trouble classify(const Error& error, std::optional<Nanoseconds> retry_after = std::nullopt);

// Retry-After: seconds or an HTTP date (relative to `now_unix_s`, the answer's Date header when there is one).
[[nodiscard]] std::optional<Nanoseconds> parse_retry_after(std::string_view value, std::int64_t now_unix_s);

// An HTTP date in one of its three forms (RFC 9110, 5.6.7) as seconds since 1970 UTC. `now_unix_s` decides the century of a
// two-digit year.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view value, std::int64_t now_unix_s);

struct Action {
    enum class Kind { wait, query, end, fail } kind = Kind::wait;
    std::int64_t until_ns = 0; // wait: monotonic instant of the next decision
};

class Machine {
public:
    // `random01` answers a uniform number in [0,1): full jitter.
    Machine(Policy policy, std::function<double()> random01);

    // What to do at `now_ns`. `query` is answered once for each query; then `succeeded` or `failed` must follow.
    Action next(std::int64_t now_ns);
    void succeeded(std::int64_t now_ns);
    void failed(std::int64_t now_ns, const Trouble& trouble);

    // The query under way got on (one of several windows was read): what failed before it does not count any more.
    void progressed() noexcept;

    // The secret's value changed while a person is waited for: the next try is due at once.
    void hasten(std::int64_t now_ns);

    [[nodiscard]] std::uint32_t failures() const noexcept; // consecutive, since the last success

private:
    enum class State { waiting, querying, ended, gave_up };
    Policy policy_;
    std::function<double()> random01_;
    State state_ = State::waiting;
    std::int64_t due_ns_ = 0;
    bool first_ = true;
    std::uint32_t failures_ = 0;
    bool needs_person_ = false;
};

} // namespace fluxgate::poll
