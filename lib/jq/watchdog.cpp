#include "jq/watchdog.hpp"

#include <algorithm>
#include <csignal>
#include <system_error>
#include <thread>

extern "C" {
#include <jq.h>
}

namespace fluxgate::jq {

Watchdog& Watchdog::instance() {
    // Never destroyed: its thread may outlive static destructors.
    static Watchdog& watchdog = *new Watchdog;
    return watchdog;
}

Result<void> Watchdog::ensure_running() {
    const std::lock_guard lock{mutex_};
    if (running_) return {};
    // The host's signals are not for this thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::string why;
    try {
        std::thread{[this] { run(); }}.detach();
        running_ = true;
    } catch (const std::system_error& error) {
        why = error.what();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (running_) return {};
    return Error{Errc::internal, "the thread that limits the time of jq expressions cannot be started: " + why};
}

void Watchdog::begin(Watched& watched, std::chrono::nanoseconds limit) {
    bool earlier = false;
    {
        const std::lock_guard lock{mutex_};
        watched.deadline = Clock::now() + limit;
        watched.halted = false;
        watched.previous = nullptr;
        watched.next = first_;
        if (first_ != nullptr) first_->previous = &watched;
        first_ = &watched;
        shortest_ = std::min(shortest_, limit);
        started_since_look_ = true;
        earlier = watched.deadline < sleeps_until_;
        // Claimed here, so that the evaluations that start before the thread gets the lock need not wake it too.
        if (earlier) sleeps_until_ = watched.deadline;
    }
    if (earlier) wake_.notify_one();
}

bool Watchdog::end(Watched& watched) {
    const std::lock_guard lock{mutex_};
    (watched.previous != nullptr ? watched.previous->next : first_) = watched.next;
    if (watched.next != nullptr) watched.next->previous = watched.previous;
    return watched.halted;
}

Watchdog::Clock::time_point Watchdog::halt_the_late(Clock::time_point now) {
    Clock::time_point next = Clock::time_point::max();
    for (Watched* w = first_; w != nullptr; w = w->next) {
        if (w->halted) continue;
        if (w->deadline <= now) {
            w->halted = true;
            jq_halt(w->state, jv_invalid(), jv_invalid());
        } else {
            next = std::min(next, w->deadline);
        }
    }
    return next;
}

void Watchdog::run() {
    std::unique_lock lock{mutex_};
    while (true) {
        const auto now = Clock::now();
        if (now >= sleeps_until_) {
            sleeps_until_ = halt_the_late(now);
            // While evaluations come and go the thread looks once a limit by itself, so that they seldom have to wake it.
            if (started_since_look_) sleeps_until_ = std::min(sleeps_until_, now + shortest_);
            started_since_look_ = false;
        }
        if (sleeps_until_ == Clock::time_point::max())
            wake_.wait(lock);
        else
            wake_.wait_until(lock, sleeps_until_);
    }
}

} // namespace fluxgate::jq
