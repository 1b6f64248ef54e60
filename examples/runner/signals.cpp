#include "signals.hpp"

#include "commands.hpp"
#include "progress.hpp"

#include <atomic>
#include <thread>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

// How long an orderly stop may take before what is in flight is given up.
constexpr std::chrono::seconds stop_deadline{20};

} // namespace

void stop_in_order(const Host& host, Pipeline& pipeline, const Signals& signals, const std::function<std::chrono::nanoseconds()>& meanwhile) {
    std::atomic<bool> done{false};
    std::thread stopper{[&] {
        if (Result<void> stopped = pipeline.stop(stop_deadline); !stopped.ok()) host.log(LogLevel::error, "run.stop", stopped.error().text());
        done = true;
        kill(getpid(), SIGUSR1);
    }};
    while (!done) {
        const int signal = signals.ending(signals.wait(meanwhile()));
        if (signal == 0) continue;
        terminal_line().end_at_once();
        _exit(signal == SIGTERM ? Exit::terminated : Exit::interrupted);
    }
    stopper.join();
}

} // namespace fluxgate::runner
