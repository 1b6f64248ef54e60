#include "observe/metrics_page.hpp"

#include "observe/exposition.hpp"
#include "observe/numbers.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace fluxgate::observe {

namespace {

using Type = Exposition::Type;

void about_the_process(Exposition& out, const Report& report) {
    const auto gauge = [&out](const char* name, const char* help, double value) {
        out.family(name, Type::gauge, help);
        out.sample({}, value);
    };
    out.family("fluxgate_build_info", Type::gauge, "The version that runs, as a label; the value is 1.");
    out.sample({{"version", report.version}}, std::uint64_t{1});
    gauge("fluxgate_uptime_seconds", "Since the program began.", std::max(0.0, seconds(report.wall_ns - report.began_wall_ns)));
    gauge("process_start_time_seconds", "When the program began, since 1970 UTC.", seconds(report.began_wall_ns));
    out.family("process_cpu_seconds_total", Type::counter, "User and system time that the process took.");
    out.sample({}, report.process.cpu_seconds);
    gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", report.process.resident_bytes);
    gauge("process_virtual_memory_bytes", "Address space of the process.", report.process.virtual_bytes);
    gauge("process_open_fds", "Open file descriptors.", report.process.open_fds);
    gauge("process_max_fds", "The most file descriptors that may be open.", report.process.max_fds);
}

// One family over all pipelines.
template <class Each>
void over_pipelines(Exposition& out, const Report& report, const char* name, Type type, const char* help, const Each& each) {
    out.family(name, type, help);
    for (const PipelineStatus& p : report.pipelines)
        each(p);
}

template <class Value>
void over_stages(Exposition& out, const Report& report, const char* name, const char* help, const Value& value) {
    over_pipelines(out, report, name, Type::counter, help, [&](const PipelineStatus& p) {
        for (const StageStatus& s : p.stages)
            out.sample({{"pipeline", p.id}, {"stage", s.counters.stage}}, value(s.counters));
    });
}

void about_states(Exposition& out, const Report& report) {
    static constexpr std::array<std::pair<PipelineState, const char*>, 4> states{{{PipelineState::created, "created"},
                                                                                  {PipelineState::running, "running"},
                                                                                  {PipelineState::draining, "draining"},
                                                                                  {PipelineState::finished, "finished"}}};
    static constexpr std::array<std::pair<fg_health_level, const char*>, 3> levels{
        {{FG_HEALTH_OK, "ok"}, {FG_HEALTH_RETRYING, "retrying"}, {FG_HEALTH_NEEDS_ATTENTION, "needs_attention"}}};
    over_pipelines(out, report, "fluxgate_pipeline_state", Type::gauge, "1 for the state in which the pipeline is, 0 for the others.",
                   [&](const PipelineStatus& p) {
                       for (const auto& [state, name] : states)
                           out.sample({{"pipeline", p.id}, {"state", name}}, std::uint64_t{p.state == state ? 1u : 0u});
                   });
    over_pipelines(
        out, report, "fluxgate_stage_health", Type::gauge, "1 for the health that the stage reports, 0 for the others.",
        [&](const PipelineStatus& p) {
            for (const StageStatus& s : p.stages)
                for (const auto& [level, name] : levels)
                    out.sample({{"pipeline", p.id}, {"stage", s.counters.stage}, {"level", name}}, std::uint64_t{s.health.level == level ? 1u : 0u});
        });
}

void about_messages(Exposition& out, const Report& report) {
    over_pipelines(out, report, "fluxgate_messages_delivered_total", Type::counter,
                   "Messages that are durable at an output, by partition, summed over the outputs.", [&](const PipelineStatus& p) {
                       for (std::size_t i = 0; i < p.partitions.size(); ++i)
                           out.sample({{"pipeline", p.id}, {"partition", std::to_string(i)}}, p.partitions[i].delivered);
                   });
    over_pipelines(out, report, "fluxgate_dead_letters_total", Type::counter, "Rows and messages that were put aside, by reason.",
                   [&](const PipelineStatus& p) {
                       for (const auto& [reason, count] : p.counters.dead_letters_by_reason)
                           out.sample({{"pipeline", p.id}, {"reason", reason}}, count);
                   });
    over_pipelines(out, report, "fluxgate_batches_total", Type::counter, "Batches that the source emitted.", [&](const PipelineStatus& p) {
        out.sample({{"pipeline", p.id}}, p.counters.batches);
    });
    over_pipelines(out, report, "fluxgate_batches_settled_total", Type::counter, "Batches that were acknowledged to the source, by outcome.",
                   [&](const PipelineStatus& p) {
                       out.sample({{"pipeline", p.id}, {"outcome", "delivered"}}, p.counters.batches_delivered);
                       out.sample({{"pipeline", p.id}, {"outcome", "abandoned"}}, p.counters.batches_abandoned);
                   });
    over_stages(out, report, "fluxgate_stage_in_messages_total", "Messages that the stage took.", [](const StageCounters& c) { return c.in; });
    over_stages(out, report, "fluxgate_stage_out_messages_total", "Messages that the stage handed on, or delivered.",
                [](const StageCounters& c) { return c.out; });
    over_stages(out, report, "fluxgate_stage_dropped_messages_total", "Messages that the stage dropped on purpose.",
                [](const StageCounters& c) { return c.dropped; });
    over_stages(out, report, "fluxgate_stage_made_messages_total", "Messages that the stage made beyond those that it got.",
                [](const StageCounters& c) { return c.made; });
    over_stages(out, report, "fluxgate_stage_dead_letters_total", "Rows and messages that the stage put aside.",
                [](const StageCounters& c) { return c.dead_letters; });
    over_stages(out, report, "fluxgate_stage_abandoned_messages_total", "Messages that the output took and never delivered; they are read again.",
                [](const StageCounters& c) { return c.abandoned; });
}

void about_queues(Exposition& out, const Report& report) {
    const auto queues = [&](const char* name, const char* help, std::uint64_t StageStatus::*what) {
        over_pipelines(out, report, name, Type::gauge, help, [&](const PipelineStatus& p) {
            for (const StageStatus& s : p.stages)
                if (s.queued) out.sample({{"pipeline", p.id}, {"stage", s.counters.stage}}, s.*what);
        });
    };
    queues("fluxgate_queue_bytes", "Bytes that wait before a stage or are in its hands, all partitions.", &StageStatus::queued_bytes);
    queues("fluxgate_queue_batches", "Batches that wait before a stage, all partitions.", &StageStatus::queued_batches);
    over_pipelines(out, report, "fluxgate_queue_limit_bytes", Type::gauge, "The bound of all queues before one stage together.",
                   [&](const PipelineStatus& p) {
                       out.sample({{"pipeline", p.id}}, p.queue_total_bytes);
                   });
    over_pipelines(out, report, "fluxgate_queue_peak_bytes", Type::gauge, "The most that one partition's queue ever held.",
                   [&](const PipelineStatus& p) {
                       out.sample({{"pipeline", p.id}}, p.counters.max_queue_bytes);
                   });
}

// What stages measure. Others may measure what is not here.
std::string_view help_of(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 22> known{{
        {"body_bytes", "Bytes of answers, decoded."},
        {"cursor_lag_seconds", "How far the cursor is behind now, or behind incremental.stop once that has passed."},
        {"cursor_start_timestamp_seconds", "Where incremental reading began, since 1970 UTC."},
        {"cursor_stop_timestamp_seconds", "Where incremental reading will end, since 1970 UTC."},
        {"cursor_timestamp_seconds", "Everything before is delivered, since 1970 UTC."},
        {"jq_evaluations", "Evaluations of the partition expression."},
        {"jq_memo_hits", "Partitions that were remembered instead of evaluated."},
        {"lookback_fingerprints", "Rows that look-back remembers."},
        {"lookback_fingerprints_dropped", "Rows that look-back had to forget early because its memory is full."},
        {"queries", "Queries by outcome: complete, failed (and tried again), refused (a person is needed)."},
        {"query_seconds", "From the query to the last byte of its complete answer."},
        {"retries", "Tries after a failed query, by class of the failure: soon, at_interval, needs_person."},
        {"rows_read", "Rows that the source read."},
        {"rows_suppressed", "Rows that look-back read again and knew."},
        {"state_commits", "Commits of the cursor, by outcome."},
        {"utf8_replaced", "Bytes that were not UTF-8 and were replaced."},
        {"window_seconds", "The present size of a window."},
        {"window_start_timestamp_seconds", "Where the window begins that a lane reads now, since 1970 UTC; 0: none."},
        {"window_stop_timestamp_seconds", "Where the window ends that a lane reads now, since 1970 UTC; 0: none."},
        {"windows", "Windows by what became of them: read, halved, split, failed, early."},
        {"windows_waiting", "Windows that are read and not yet passed by the cursor."},
        {"wire_bytes", "Bytes of answers, as they came."},
    }};
    const auto at = std::find_if(known.begin(), known.end(), [name](const auto& one) { return one.first == name; });
    return at == known.end() ? std::string_view{"Measured by a stage."} : at->second;
}

// The lag grows while nobody reports it, so it is reckoned anew from where the cursor stands.
std::optional<double> present_lag(const Report& report, const MetricSample& sample) {
    const auto same = [&sample](const MetricSample& other) {
        return label_of(other, "pipeline") == label_of(sample, "pipeline") && label_of(other, "stage") == label_of(sample, "stage");
    };
    Numbers numbers;
    for (const MetricSample& m : report.metrics) {
        if (m.name == "cursor_timestamp_seconds" && same(m)) numbers.cursor = m.value;
        if (m.name == "cursor_stop_timestamp_seconds" && same(m)) numbers.stop = m.value;
    }
    return lag_of(numbers, seconds(report.wall_ns));
}

Type type_of(std::int32_t kind) {
    return kind == FG_METRIC_COUNTER ? Type::counter : kind == FG_METRIC_HISTOGRAM ? Type::histogram : Type::gauge;
}

void about_stages(Exposition& out, const Report& report) {
    const std::vector<MetricSample>& all = report.metrics; // by name
    for (std::size_t i = 0; i < all.size();) {
        const std::size_t begin = i;
        while (i < all.size() && all[i].name == all[begin].name)
            ++i;
        std::string name = metric_name(all[begin].name, all[begin].kind);
        // A name that is one of ours, or that differs from another one in characters that are not told apart here.
        while (out.has(name))
            name.insert(sizeof "fluxgate_" - 1, "stage_");
        out.family(name, type_of(all[begin].kind), help_of(all[begin].name));
        for (std::size_t k = begin; k < i; ++k) {
            const MetricSample& m = all[k];
            if (m.kind == FG_METRIC_HISTOGRAM)
                out.histogram(m.labels, m.buckets, m.count, m.value);
            else
                out.sample(m.labels, m.name == "cursor_lag_seconds" ? present_lag(report, m).value_or(m.value) : m.value);
        }
    }
}

} // namespace

std::string metrics_page(const Report& report) {
    Exposition out;
    about_the_process(out, report);
    about_states(out, report);
    about_messages(out, report);
    about_queues(out, report);
    about_stages(out, report);
    return out.take();
}

} // namespace fluxgate::observe
