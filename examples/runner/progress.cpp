#include "progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

constexpr std::chrono::milliseconds sample_every{250};
constexpr std::chrono::seconds log_every{10};

std::int64_t now_ns(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

bool writes_to_standard_output(const Pipeline& pipeline) {
    const PipelineCounters counters = pipeline.counters();
    return std::any_of(counters.stages.begin(), counters.stages.end(), [](const StageCounters& s) { return s.type.rfind("output/stdout@", 0) == 0; });
}

// A line that changes in place needs a terminal that obeys, and that messages do not go to.
bool can_be_live(const Pipeline& pipeline) {
    const char* kind = std::getenv("TERM");
    if (isatty(STDERR_FILENO) == 0 || kind == nullptr || std::string_view{kind} == "dumb") return false;
    return isatty(STDOUT_FILENO) == 0 || !writes_to_standard_output(pipeline);
}

std::string whole(double number) {
    return std::to_string(std::llround(number));
}

} // namespace

LiveLine& terminal_line() {
    static auto* line = new LiveLine{STDERR_FILENO};
    return *line;
}

ProgressDisplay::ProgressDisplay(const Host& host, const Pipeline& pipeline)
    : host_(host), pipeline_(pipeline), live_(can_be_live(pipeline)), thread_([this] { work(); }) {}

ProgressDisplay::~ProgressDisplay() {
    {
        const std::scoped_lock lock{mutex_};
        over_ = true;
    }
    over_signal_.notify_all();
    thread_.join();
    terminal_line().end();
}

void ProgressDisplay::work() {
    const std::chrono::nanoseconds every = live_ ? std::chrono::nanoseconds{sample_every} : std::chrono::nanoseconds{log_every};
    auto due = std::chrono::steady_clock::now() + every;
    for (bool over = false; !over;) {
        look();
        {
            std::unique_lock lock{mutex_};
            over = over_signal_.wait_for(lock, sample_every, [this] { return over_; });
        }
        if (over) look(); // what came last belongs into the last line
        const auto now = std::chrono::steady_clock::now();
        if (!over && now < due) continue;
        due = now + every;
        show();
    }
}

void ProgressDisplay::look() {
    observe::remember(history_, {now_ns(CLOCK_MONOTONIC), now_ns(CLOCK_REALTIME),
                                 observe::numbers_of(pipeline_.id(), pipeline_.counters(), pipeline_.health(), host_.metrics())});
}

void ProgressDisplay::show() {
    if (live_) return terminal_line().show(observe::progress_line(pipeline_.id(), history_, terminal_line().width()));
    const observe::Numbers& n = history_.back().numbers;
    const observe::Pace pace = observe::pace_of(history_);
    const std::string line = observe::progress_line(pipeline_.id(), history_, std::numeric_limits<std::size_t>::max());
    const std::string rows = std::to_string(n.rows), queued = std::to_string(n.queued_bytes), letters = std::to_string(n.dead_letters);
    const std::string speed = whole(pace.rows_per_second.value_or(0)), lag = pace.lag_s ? whole(*pace.lag_s) : "";
    const std::string share = pace.share ? std::to_string(*pace.share) : "", left = pace.left_s ? whole(*pace.left_s) : "";
    host_.log(LogLevel::info, "run.progress", line,
              {{"pipeline", pipeline_.id()},
               {"rows", rows},
               {"rowsPerSecond", speed},
               {"lagSeconds", lag},
               {"share", share},
               {"secondsLeft", left},
               {"queueBytes", queued},
               {"deadLetters", letters}});
}

} // namespace fluxgate::runner
