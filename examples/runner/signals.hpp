// The signals of commands that run a pipeline.
#pragma once

#include "fluxgate/pipeline.hpp"

#include <chrono>
#include <csignal>
#include <functional>

namespace fluxgate::runner {

// The signals that end a run or have it read its document again. They are blocked in every thread and taken here, one at a time.
class Signals {
public:
    struct Got {
        int signal = 0;             // or 0
        bool terminal_gone = false; // SIGHUP of the kernel, which nobody else sends
    };

    Signals() {
        struct sigaction before {};
        sigaction(SIGHUP, nullptr, &before);
        hangup_ignored_ = before.sa_handler == SIG_IGN; // a signal that is blocked comes although it is ignored
        sigemptyset(&set_);
        sigaddset(&set_, SIGINT);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGHUP);
        // on_change sends it to the process when the pipeline has finished, so that the wait below ends at once
        sigaddset(&set_, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of the write, not the end of the process
    }

    // The next signal within `most`.
    [[nodiscard]] Got wait(std::chrono::nanoseconds most) const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(most);
        timespec time{};
        time.tv_sec = seconds.count();
        time.tv_nsec = (most - seconds).count();
        siginfo_t from{};
        const int signal = sigtimedwait(&set_, &from, &time);
        return {std::max(signal, 0), signal == SIGHUP && from.si_code == SI_KERNEL};
    }

    // The signal that asks for the end, SIGINT or SIGTERM, or 0. A terminal that goes away asks for it too, but not under nohup.
    [[nodiscard]] int ending(const Got& got) const noexcept {
        if (got.signal == SIGINT || got.signal == SIGTERM) return got.signal;
        return got.terminal_gone && !hangup_ignored_ ? SIGTERM : 0;
    }

private:
    sigset_t set_{};
    bool hangup_ignored_ = false;
};

// Stops in order, within 20 seconds, while a second signal is still listened to: it leaves at once, which loses nothing that was
// acknowledged. `meanwhile` is called again and again and says how long to wait until the next time.
void stop_in_order(const Host& host, Pipeline& pipeline, const Signals& signals, const std::function<std::chrono::nanoseconds()>& meanwhile);

} // namespace fluxgate::runner
