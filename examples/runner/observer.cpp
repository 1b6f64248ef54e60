#include "observer.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace fluxgate::runner {

namespace {

std::int64_t wall_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// From the system's own account (proc(5)); what cannot be read is 0.
observe::ProcessNumbers process_numbers() {
    observe::ProcessNumbers out;
    double size = 0, resident = 0;
    if (std::ifstream pages{"/proc/self/statm"}; pages >> size >> resident) {
        const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
        out.virtual_bytes = size * page;
        out.resident_bytes = resident * page;
    }
    rusage used{};
    if (getrusage(RUSAGE_SELF, &used) == 0) {
        const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
        out.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
    }
    std::error_code error;
    for (std::filesystem::directory_iterator at{"/proc/self/fd", error}, end; !error && at != end; at.increment(error))
        out.open_fds += 1;
    rlimit most{};
    if (getrlimit(RLIMIT_NOFILE, &most) == 0) out.max_fds = static_cast<double>(most.rlim_cur);
    return out;
}

} // namespace

Observer::Observer(const Host& host, const Pipeline& pipeline, bool loopback)
    : host_(host), pipeline_(pipeline), began_wall_ns_(wall_now()), pages_(loopback, [this] { return report(); }) {}

observe::Report Observer::report() const {
    observe::Report out;
    out.version = version();
    out.wall_ns = wall_now();
    out.began_wall_ns = began_wall_ns_;
    out.process = process_numbers();
    out.pipelines.push_back(pipeline_.status());
    out.metrics = host_.metrics();
    return out;
}

Result<std::unique_ptr<Observer>> Observer::start(const observe::Listen& where, const Host& host, const Pipeline& pipeline) {
    std::unique_ptr<Observer> self{new Observer{host, pipeline, where.loopback()}};
    auto server = observe::Server::start(where, [&pages = self->pages_](const observe::Request& request) { return pages.answer(request); });
    if (!server.ok()) return std::move(server).error();
    self->server_ = std::move(*server);
    const std::string address = self->server_->where().text();
    host.log(LogLevel::info, "metrics.listening", "metrics and status are served", {{"pipeline", pipeline.id()}, {"address", address}});
    if (!where.loopback())
        host.log(LogLevel::warning, "metrics.open", "anybody who can reach this address can read metrics and status: nobody is asked who he is",
                 {{"pipeline", pipeline.id()}, {"address", address}});
    return self;
}

} // namespace fluxgate::runner
