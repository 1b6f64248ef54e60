// Halts evaluations that run longer than they may.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>

struct jq_state;

namespace fluxgate::jq {

// One evaluation under watch. Lives in the program that is evaluated; the watchdog touches it between begin and end only.
struct Watched {
    jq_state* state = nullptr;
    std::chrono::steady_clock::time_point deadline{};
    bool halted = false;
    Watched* previous = nullptr;
    Watched* next = nullptr;
};

// One thread a process (a plugin has its own), started when first needed and never ended. It holds the lock whenever it
// looks or halts, and it calls nothing but jq_halt: never the host, never user code.
//
// libjq aborts when a state is halted twice, and a halt that falls between two evaluations would be lost or hit the next
// one. Hence the lock around begin, halt and end: an evaluation is halted at most once, and only between its begin
// (after jq_start, which clears the flag) and its end.
class Watchdog {
public:
    static Watchdog& instance();

    // Starts the thread unless it runs. Error: the system has no thread to give.
    Result<void> ensure_running();

    // Call right after jq_start. The thread must run. Any thread; `watched` must stay where it is until end.
    void begin(Watched& watched, std::chrono::nanoseconds limit);
    // Whether the evaluation was halted.
    [[nodiscard]] bool end(Watched& watched);

private:
    using Clock = std::chrono::steady_clock;

    Watchdog() = default;
    void run();
    [[nodiscard]] Clock::time_point halt_the_late(Clock::time_point now);

    std::mutex mutex_;
    std::condition_variable wake_;
    bool running_ = false;
    bool started_since_look_ = false;
    std::chrono::nanoseconds shortest_{std::chrono::hours{1}};
    Clock::time_point sleeps_until_ = Clock::time_point::max();
    Watched* first_ = nullptr;
};

} // namespace fluxgate::jq
