// `run --progress`: how a pipeline gets on, on standard error.
#pragma once

#include "live_line.hpp"

#include "fluxgate/pipeline.hpp"
#include "observe/progress.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace fluxgate::runner {

// Standard error, when it is a terminal. Lives as long as the process, for stages may leave threads behind that log.
LiveLine& terminal_line();

// Shows it from its making to its end, on a thread of its own: as a line that changes in place where standard error is a terminal
// (and messages do not go to the same one), else as a log line `run.progress` every ten seconds. The last state is shown in any
// case. Host and pipeline must outlive it.
class ProgressDisplay {
public:
    ProgressDisplay(const Host& host, const Pipeline& pipeline);
    ~ProgressDisplay();
    ProgressDisplay(const ProgressDisplay&) = delete;
    ProgressDisplay& operator=(const ProgressDisplay&) = delete;

private:
    void work();
    void look();
    void show();

    const Host& host_;
    const Pipeline& pipeline_;
    const bool live_;
    observe::History history_; // the thread's own
    std::mutex mutex_;
    std::condition_variable over_signal_;
    bool over_ = false;
    std::thread thread_;
};

} // namespace fluxgate::runner
