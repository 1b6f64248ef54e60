// `fluxgate run`: one pipeline until it ends, is interrupted, or its time is up.
#include "commands.hpp"
#include "config/duration.hpp"
#include "fluxgate/pipeline.hpp"
#include "observer.hpp"
#include "progress.hpp"
#include "service.hpp"
#include "signals.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <unistd.h>

namespace fluxgate::runner {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

const char* ending_name(const Pipeline& pipeline) {
    const std::optional<Outcome> outcome = pipeline.outcome();
    if (!outcome) return "running";
    switch (outcome->how) {
    case Ending::ended: return "ended";
    case Ending::stopped: return "stopped";
    case Ending::output_closed: return "output closed";
    case Ending::failed: return "failed";
    }
    return "?";
}

// Tells the log when a stage's health has another level than before; texts change with every try and are not news.
class HealthLog {
public:
    void look(const Host& host, const Pipeline& pipeline) {
        for (const StageHealth& stage : pipeline.health()) {
            fg_health_level& known = levels_.try_emplace(stage.stage, FG_HEALTH_OK).first->second;
            if (known == stage.level) continue;
            known = stage.level;
            static constexpr const char* names[] = {"ok", "retrying", "needs attention"};
            host.log(stage.level == FG_HEALTH_OK ? LogLevel::info : LogLevel::warning, "health.changed",
                     stage.text.empty() ? "the stage is well again" : stage.text,
                     {{"pipeline", pipeline.id()}, {"stage", stage.stage}, {"health", names[stage.level]}});
        }
    }

private:
    std::map<std::string, fg_health_level> levels_;
};

// What the run has come to, in one line for the log. The reason of a failure was logged by the stage or the host.
void log_summary(const Host& host, const Pipeline& pipeline) {
    const PipelineCounters c = pipeline.counters();
    std::uint64_t delivered = 0;
    for (const std::uint64_t n : c.delivered)
        delivered += n;
    const std::string read = std::to_string(c.messages), out = std::to_string(delivered), letters = std::to_string(c.dead_letters);
    const std::string abandoned = std::to_string(c.batches_abandoned);
    host.log(LogLevel::info, "run.finished", "the pipeline has ended",
             {{"pipeline", pipeline.id()},
              {"outcome", ending_name(pipeline)},
              {"messages", read},
              {"delivered", out},
              {"deadLetters", letters},
              {"batchesAbandoned", abandoned}});
}

// Who finds a run ended, or still there, should not have to guess why.
void log_hangup(const Host& host, const Pipeline& pipeline, bool terminal_gone, bool ends) {
    const std::string text =
        std::string{terminal_gone ? "the terminal went away" : "SIGHUP came, and there is no document that could be read again"} +
        (ends ? "; the run ends in order" : "; the run goes on, SIGINT or SIGTERM ends it in order");
    host.log(LogLevel::info, "run.hangup", text, {{"pipeline", pipeline.id()}});
}

// Whether a dead letter could be put on record. The place that somebody chose has to be one; else it is only said.
bool may_keep_letters(const Host& host, const RunOptions& options, const std::string& file) {
    const std::string why = why_unwritable(file);
    if (why.empty()) return true;
    if (!options.dead_letter_file.empty()) {
        std::cerr << "fluxgate: --dead-letter " << shown(file, 0) << ": " << why << "; name a file that may be written\n";
        return false;
    }
    host.log(LogLevel::warning, "dead-letter.unwritable",
             "dead letters could not be put on record: " + why + "; the first one would stop the pipeline, so name a place with --dead-letter FILE",
             {{"file", file}});
    return true;
}

int exit_code(const Host& host, const Pipeline& pipeline, const RunOptions& options) {
    const std::optional<Outcome> outcome = pipeline.outcome();
    if (outcome && outcome->how == Ending::failed) return Exit::failed;
    const std::uint64_t letters = pipeline.counters().dead_letters;
    if (options.fail_on_dead_letter && letters != 0) {
        host.log(LogLevel::error, "run.dead_letters", "there are dead letters, and --fail-on-dead-letter was given",
                 {{"count", std::to_string(letters)}});
        return Exit::failed;
    }
    return Exit::done;
}

} // namespace

int run(const CommonOptions& common, const RunOptions& options) {
    nanoseconds most = nanoseconds::max();
    if (!options.duration.empty()) {
        const Result<nanoseconds> parsed = config::parse_duration(options.duration);
        if (!parsed.ok()) {
            std::cerr << "fluxgate: --for " << options.duration << ": " << parsed.error().message << "; write it like 30s or 1h10m\n";
            return Exit::usage;
        }
        most = *parsed;
    }
    std::optional<observe::Listen> listen;
    if (!options.metrics.empty()) {
        const Result<observe::Listen> parsed = observe::parse_listen(options.metrics);
        if (!parsed.ok()) {
            std::cerr << "fluxgate: --metrics " << options.metrics << ": " << parsed.error().message << "\n";
            return Exit::usage;
        }
        listen = *parsed;
    }
    const std::optional<std::string> text = options.document ? options.document : read_document(options.file);
    if (!text) return Exit::usage;

    const Signals signals; // before the first thread
    Host host = make_host(common);
    const Validation found = Pipeline::validate(host, *text);
    if (!found.valid) {
        print_violations(options.file, found.violations);
        return Exit::usage;
    }

    PipelineOptions settings;
    settings.id = pipeline_id(options.id, found.name, options.file);
    settings.instance = options.instance.empty() ? host_name() : options.instance;
    settings.state_directory = state_directory(common);
    settings.accept_changed_query = options.accept_changed_query;
    settings.dead_letter_file =
        options.dead_letter_file.empty() ? dead_letter_file(common, settings.id, found.incremental) : options.dead_letter_file;
    if (!may_keep_letters(host, options, settings.dead_letter_file)) return Exit::usage;
    settings.once = options.once;
    settings.on_change = [] { kill(getpid(), SIGUSR1); };
    if (!found.enabled) {
        host.log(LogLevel::info, "run.disabled", "the document says enabled: false; nothing is run", {{"pipeline", settings.id}});
        return Exit::done;
    }
    Result<Pipeline> made = Pipeline::create(host, *text, settings);
    if (!made.ok()) {
        print_violations(options.file, violations_of(made.error()));
        return Exit::usage;
    }
    Pipeline& pipeline = *made;
    std::unique_ptr<Observer> observer;
    if (listen) { // before anything is read: who asked to watch does not want to go on blind
        Result<std::unique_ptr<Observer>> started = Observer::start(*listen, host, pipeline);
        if (!started.ok()) {
            std::cerr << "fluxgate: --metrics " << options.metrics << ": " << started.error().message << "\n";
            return Exit::usage;
        }
        observer = std::move(*started);
    }
    if (Result<void> started = pipeline.start(); !started.ok()) {
        std::cerr << "fluxgate: " << started.error().text() << "\n";
        return Exit::failed;
    }

    Service service{host};
    service.ready(pipeline);
    std::optional<ProgressDisplay> progress;
    if (options.progress) progress.emplace(host, pipeline);
    HealthLog health;
    const steady_clock::time_point began = steady_clock::now();
    int signal = 0;
    Reloader reloader{host, pipeline, service, options.file};
    while (pipeline.state() != PipelineState::finished) {
        const nanoseconds passed = steady_clock::now() - began;
        if (passed >= most) break;
        const Signals::Got got = signals.wait(std::min<nanoseconds>(most - passed, service.patience()));
        health.look(host, pipeline);
        service.look(pipeline);
        tell_repeated(false);
        signal = signals.ending(got);
        const bool reload = got.signal == SIGHUP && !got.terminal_gone && !options.document; // what a command made stands in no file
        if (reload)
            reloader.begin();
        else if (got.signal == SIGHUP)
            log_hangup(host, pipeline, got.terminal_gone, signal != 0);
        if (reloader.look() || signal != 0) break;
    }
    if (pipeline.state() != PipelineState::finished) {
        service.stopping(pipeline);
        stop_in_order(host, pipeline, signals, [&] {
            service.look(pipeline);
            return service.patience();
        });
    }
    progress.reset();
    tell_repeated(true);
    log_summary(host, pipeline);
    const int code = exit_code(host, pipeline, options);
    if (signal == SIGINT) return Exit::interrupted;
    if (signal == SIGTERM) return Exit::terminated;
    return code;
}

} // namespace fluxgate::runner
