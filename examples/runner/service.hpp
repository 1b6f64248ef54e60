// `fluxgate run` as a service: what the service manager is told, and the document re-read at SIGHUP.
#pragma once

#include "commands.hpp"
#include "fluxgate/pipeline.hpp"
#include "telemetry/service_notify.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace fluxgate::runner {

// Does nothing when no service manager listens (NOTIFY_SOCKET is not set). One thread's.
class Service {
public:
    explicit Service(const Host& host);

    void ready(const Pipeline& pipeline);
    void reloading();
    void stopping(const Pipeline& pipeline);
    // Often: status when it changed, at most every two seconds; the watchdog while every thread moves or waits by design.
    void look(const Pipeline& pipeline);
    // How long may pass between two looks.
    [[nodiscard]] std::chrono::nanoseconds patience() const;

private:
    void tell(const std::string& lines);

    const Host& host_;
    telemetry::ServiceNotify notify_;
    telemetry::Watchdog watchdog_;
    bool failed_ = false, stalled_ = false;
    std::string status_;
    std::int64_t told_at_ = 0;
};

// One line for people: "12345 messages delivered, 2 dead letters, 1.2 MiB queued, 3 s behind; input: retrying: ...".
std::string status_of(const Host& host, const Pipeline& pipeline);

// Reads the document again and hands it to the pipeline, on a thread of its own, so that signals are still listened to.
class Reloader {
public:
    Reloader(Host& host, Pipeline& pipeline, Service& service, std::string file)
        : host_(host), pipeline_(pipeline), service_(service), file_(std::move(file)) {}
    ~Reloader(); // waits; a pipeline that ends answers at once

    // Another one while one runs is remembered, and begins when that has ended.
    void begin();
    // Often. True: the new document says enabled: false, and the pipeline should stop.
    bool look();

private:
    void work(); // the thread's
    void say_refused(const std::string& text, const std::string& pointer) const;

    Host& host_;
    Pipeline& pipeline_;
    Service& service_;
    const std::string file_;
    std::thread thread_;
    std::atomic<bool> done_{false}, disabled_{false};
    bool again_ = false;
};

} // namespace fluxgate::runner
