#include "service.hpp"

#include "observe/numbers.hpp"
#include "terminal.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

constexpr std::int64_t status_pause_ns = 2'000'000'000;

// CLOCK_MONOTONIC, which systemd compares with its own.
std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// How far the cursor is behind now, when the source keeps one; what the source measured itself grows old while nothing succeeds.
std::string lag_text(const observe::Numbers& numbers) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::optional<double> lag = observe::lag_of(numbers, observe::seconds(std::chrono::nanoseconds{now}.count()));
    if (!lag) return {};
    char text[48];
    std::snprintf(text, sizeof text, ", %.0f s behind", *lag);
    return text;
}

} // namespace

std::string status_of(const Host& host, const Pipeline& pipeline) {
    const PipelineCounters counters = pipeline.counters();
    std::uint64_t delivered = 0;
    for (const std::uint64_t n : counters.delivered)
        delivered += n;
    const std::vector<StageHealth> health = pipeline.health();
    std::string out = std::to_string(delivered) + " messages delivered, " + std::to_string(counters.dead_letters) + " dead letters, " +
                      bytes_text(counters.queued_bytes) + " queued" + lag_text(observe::numbers_of(pipeline.id(), counters, health, host.metrics()));
    bool well = true;
    for (const StageHealth& stage : health) {
        if (stage.level == FG_HEALTH_OK) continue;
        well = false;
        out += "; " + stage.stage + (stage.level == FG_HEALTH_RETRYING ? ": retrying: " : ": needs attention: ") + stage.text;
    }
    return well ? out + "; all stages are well" : out;
}

Service::Service(const Host& host) : host_(host), watchdog_(std::getenv("WATCHDOG_USEC"), std::getenv("WATCHDOG_PID"), getpid()) {
    const char* socket = std::getenv("NOTIFY_SOCKET");
    Result<telemetry::ServiceNotify> opened = telemetry::ServiceNotify::open(socket == nullptr ? "" : socket);
    if (opened.ok())
        notify_ = std::move(*opened);
    else
        host.log(LogLevel::error, "service.notify", opened.error().text());
}

// Once is news: a manager that went away stays away.
void Service::tell(const std::string& lines) {
    const Result<void> told = notify_.tell(lines);
    if (!told.ok() && !std::exchange(failed_, true)) host_.log(LogLevel::warning, "service.notify", told.error().text());
}

void Service::ready(const Pipeline& pipeline) {
    if (!notify_.listening()) return;
    status_ = status_of(host_, pipeline);
    tell(telemetry::ready_lines() + telemetry::status_lines(status_));
    look(pipeline);
}

void Service::reloading() {
    tell(telemetry::reloading_lines(now_ns()) + telemetry::status_lines("reading the document again"));
}

void Service::stopping(const Pipeline& pipeline) {
    if (!notify_.listening()) return;
    tell(telemetry::stopping_lines() + telemetry::status_lines("delivering what is in flight; " + status_of(host_, pipeline)));
}

void Service::look(const Pipeline& pipeline) {
    if (!notify_.listening()) return;
    const std::int64_t now = now_ns();
    if (now - told_at_ >= status_pause_ns) {
        told_at_ = now;
        if (std::string status = status_of(host_, pipeline); status != status_) tell(telemetry::status_lines(status_ = std::move(status)));
    }
    if (!watchdog_.due(now)) return;
    const std::optional<std::string> stalled = pipeline.stalled(watchdog_.period());
    if (stalled && !std::exchange(stalled_, true))
        host_.log(LogLevel::error, "service.stalled", *stalled + "; the watchdog of the service manager is not fed any more",
                  {{"pipeline", pipeline.id()}});
    if (stalled) return;
    stalled_ = false;
    tell("WATCHDOG=1\n");
}

std::chrono::nanoseconds Service::patience() const {
    const std::chrono::nanoseconds most = std::chrono::seconds{1};
    return watchdog_.period().count() == 0 ? most : std::min(most, watchdog_.period() / 4);
}

Reloader::~Reloader() {
    if (thread_.joinable()) thread_.join();
}

void Reloader::begin() {
    if (thread_.joinable()) {
        again_ = true;
        return;
    }
    done_ = false;
    host_.log(LogLevel::info, "reload.begun", "the document is read again", {{"pipeline", pipeline_.id()}, {"file", file_}});
    service_.reloading();
    thread_ = std::thread{[this] {
        work();
        done_ = true;
        kill(getpid(), SIGUSR1); // ends the wait for signals
    }};
}

bool Reloader::look() {
    if (!done_ || !thread_.joinable()) return false;
    thread_.join();
    service_.ready(pipeline_);
    if (std::exchange(again_, false)) begin();
    return disabled_;
}

void Reloader::say_refused(const std::string& text, const std::string& pointer) const {
    host_.log(LogLevel::error, "reload.refused", text, {{"pipeline", pipeline_.id()}, {"file", file_}, {"pointer", pointer}});
}

void Reloader::work() {
    const std::optional<std::string> text = read_document(file_);
    if (!text) return say_refused("the document cannot be read; the old one goes on", "");
    const Validation found = Pipeline::validate(host_, *text);
    if (found.valid && !found.enabled) {
        host_.log(LogLevel::info, "run.disabled", "the document says enabled: false; the pipeline stops in order", {{"pipeline", pipeline_.id()}});
        disabled_ = true;
        return;
    }
    const Result<ReloadReport> done = pipeline_.reload(*text);
    if (!done.ok() && done.error().code == Errc::configuration) {
        for (const Violation& v : violations_of(done.error()))
            if (!v.warning) say_refused(v.message, v.pointer);
        say_refused("the document is not valid; the old one goes on", "");
    } else if (!done.ok()) {
        say_refused(done.error().text(), "");
    } else {
        for (const Violation& v : done->warnings)
            host_.log(LogLevel::warning, "document.warning", v.message, {{"pipeline", pipeline_.id()}, {"pointer", v.pointer}});
    }
}

} // namespace fluxgate::runner
