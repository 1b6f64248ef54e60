#include "observe/status_json.hpp"

#include "observe/json.hpp"
#include "observe/numbers.hpp"

#include <algorithm>
#include <map>
#include <string_view>

namespace fluxgate::observe {

namespace {

const char* state_name(PipelineState state) {
    switch (state) {
    case PipelineState::created: return "created";
    case PipelineState::running: return "running";
    case PipelineState::draining: return "draining";
    case PipelineState::finished: return "finished";
    }
    return "?";
}

const char* ending_name(Ending how) {
    switch (how) {
    case Ending::ended: return "ended";
    case Ending::stopped: return "stopped";
    case Ending::output_closed: return "output closed";
    case Ending::failed: return "failed";
    }
    return "?";
}

const char* kind_name(std::int32_t kind) {
    return kind == FG_KIND_SOURCE ? "source" : kind == FG_KIND_PROCESSOR ? "processor" : "output";
}

// What a pipeline's source measured, by name.
class Measured {
public:
    Measured(const Report& report, const PipelineStatus& p) {
        const std::string stage = p.stages.empty() ? "" : p.stages.front().counters.stage;
        for (const MetricSample& m : report.metrics)
            if (label_of(m, "pipeline") == p.id && label_of(m, "stage") == stage) samples_.push_back(&m);
    }
    [[nodiscard]] const std::vector<const MetricSample*>& all() const noexcept { return samples_; }
    [[nodiscard]] const MetricSample* find(std::string_view name) const {
        const auto at = std::find_if(samples_.begin(), samples_.end(), [name](const MetricSample* m) { return m->name == name; });
        return at == samples_.end() ? nullptr : *at;
    }
    [[nodiscard]] double sum(std::string_view name) const {
        double out = 0;
        for (const MetricSample* m : samples_)
            if (m->name == name) out += m->value;
        return out;
    }

private:
    std::vector<const MetricSample*> samples_;
};

void put_outcome(JsonWriter& out, const PipelineStatus& p) {
    if (!p.outcome) return;
    out.begin_object("outcome");
    out.text("how", ending_name(p.outcome->how));
    out.text("stage", p.outcome->stage);
    out.text("text", p.outcome->error ? p.outcome->error->message : "");
    out.text("serverSaid", p.outcome->error ? p.outcome->error->server_text : "");
    out.end_object();
}

// Of incremental reading.
void put_cursor(JsonWriter& out, const Report& report, const Numbers& n, const Measured& measured) {
    if (!n.cursor) return;
    out.begin_object("cursor");
    out.number("seconds", *n.cursor);
    if (n.start) out.number("startSeconds", *n.start);
    if (n.stop) out.number("stopSeconds", *n.stop);
    out.number("lagSeconds", lag_of(n, seconds(report.wall_ns)).value_or(0));
    out.end_object();
    out.begin_object("windows");
    const MetricSample* waiting = measured.find("windows_waiting");
    const MetricSample* size = measured.find("window_seconds");
    out.number("waiting", waiting != nullptr ? waiting->value : 0);
    out.number("seconds", size != nullptr ? size->value : 0);
    std::map<std::string, std::pair<double, double>, std::less<>> lanes;
    for (const MetricSample* m : measured.all()) {
        if (m->name == "window_start_timestamp_seconds") lanes[std::string{label_of(*m, "lane")}].first = m->value;
        if (m->name == "window_stop_timestamp_seconds") lanes[std::string{label_of(*m, "lane")}].second = m->value;
    }
    out.begin_array("lanes");
    for (const auto& [lane, window] : lanes) {
        out.begin_object();
        out.text("lane", lane);
        const bool reads = window.second > window.first;
        out.flag("reads", reads);
        if (reads) out.number("startSeconds", window.first);
        if (reads) out.number("stopSeconds", window.second);
        out.end_object();
    }
    out.end_array();
    out.end_object();
}

void put_queries(JsonWriter& out, const Measured& measured) {
    out.begin_object("queries");
    for (const MetricSample* m : measured.all())
        if (m->name == "queries" && !label_of(*m, "outcome").empty()) out.number(label_of(*m, "outcome"), m->value);
    out.number("retries", measured.sum("retries"));
    const MetricSample* took = measured.find("query_seconds");
    out.number("count", took != nullptr ? took->count : 0);
    out.number("seconds", took != nullptr ? took->value : 0);
    out.end_object();
}

void put_stages(JsonWriter& out, const PipelineStatus& p) {
    out.begin_array("stages");
    for (const StageStatus& s : p.stages) {
        out.begin_object();
        out.text("id", s.counters.stage);
        out.text("type", s.counters.type);
        out.text("displayName", s.display_name);
        out.text("kind", kind_name(s.kind));
        out.number("in", s.counters.in);
        out.number("out", s.counters.out);
        out.number("dropped", s.counters.dropped);
        out.number("made", s.counters.made);
        out.number("deadLetters", s.counters.dead_letters);
        out.number("abandoned", s.counters.abandoned);
        if (s.queued) {
            out.begin_object("queue");
            out.number("bytes", s.queued_bytes);
            out.number("batches", s.queued_batches);
            out.end_object();
        }
        out.begin_object("health");
        out.text("level", level_name(s.health.level));
        out.text("code", s.health.code);
        out.text("text", s.health.text);
        out.time("since", s.health.since_wall_ns);
        out.end_object();
        out.end_object();
    }
    out.end_array();
    out.begin_array("edges");
    for (const EdgeStatus& e : p.edges) {
        out.begin_object();
        out.text("from", e.from);
        out.text("to", e.to);
        out.number("messages", e.messages);
        out.end_object();
    }
    out.end_array();
    out.begin_array("partitions");
    for (const PartitionStatus& partition : p.partitions) {
        out.begin_object();
        out.number("delivered", partition.delivered);
        out.number("queueBytes", partition.queued_bytes);
        out.number("queueBatches", partition.queued_batches);
        out.end_object();
    }
    out.end_array();
}

void put_troubles(JsonWriter& out, const PipelineStatus& p, bool data) {
    out.begin_array("troubles");
    for (const TroubleNote& note : p.troubles) {
        out.begin_object();
        out.time("time", note.wall_ns);
        out.text("level", note.level == LogLevel::error ? "error" : "warning");
        out.text("stage", note.stage);
        out.text("event", note.event);
        out.text("message", note.message);
        out.text("serverSaid", note.server_said);
        out.end_object();
    }
    out.end_array();
    out.begin_array("reasons");
    for (const auto& [code, count] : p.counters.dead_letters_by_reason) {
        out.begin_object();
        out.text("code", code);
        out.number("count", count);
        out.begin_array("examples");
        for (const LetterExample& e : p.examples) {
            if (e.code != code) continue;
            out.begin_object();
            out.time("time", e.wall_ns);
            out.text("stage", e.stage);
            if (data) out.text("text", e.text); // jq and the partition key quote what rows say
            if (e.partition >= 0) out.number("partition", e.partition);
            if (data) out.text("raw", e.raw);
            out.flag("cut", e.cut);
            out.end_object();
        }
        out.end_array();
        out.end_object();
    }
    out.end_array();
}

void put_pipeline(JsonWriter& out, const Report& report, const PipelineStatus& p, bool data) {
    std::vector<StageHealth> health;
    if (!p.stages.empty()) health.push_back(p.stages.front().health);
    const Numbers n = numbers_of(p.id, p.counters, health, report.metrics);
    const Measured measured{report, p};
    std::uint64_t delivered = 0;
    for (const PartitionStatus& partition : p.partitions)
        delivered += partition.delivered;
    out.begin_object();
    out.text("id", p.id);
    out.text("instance", p.instance);
    out.text("displayName", p.display_name);
    out.text("state", state_name(p.state));
    out.time("started", p.started_wall_ns);
    put_outcome(out, p);
    out.number("rows", n.rows);
    out.number("bodyBytes", n.body_bytes);
    out.number("messages", p.counters.messages);
    out.number("delivered", delivered);
    out.number("deadLetters", p.counters.dead_letters);
    out.begin_object("queue");
    out.number("bytes", p.counters.queued_bytes);
    out.number("partitionBytes", p.queue_max_bytes);
    out.number("stageBytes", p.queue_total_bytes);
    out.end_object();
    put_cursor(out, report, n, measured);
    put_queries(out, measured);
    put_stages(out, p);
    put_troubles(out, p, data);
    out.end_object();
}

} // namespace

std::string status_json(const Report& report, bool data) {
    JsonWriter out;
    out.begin_object();
    out.text("version", report.version);
    out.number("nowMs", report.wall_ns / 1'000'000);
    out.number("uptimeSeconds", std::max(0.0, seconds(report.wall_ns - report.began_wall_ns)));
    out.flag("data", data);
    out.begin_object("process");
    out.number("residentBytes", report.process.resident_bytes);
    out.number("cpuSeconds", report.process.cpu_seconds);
    out.end_object();
    out.begin_array("pipelines");
    for (const PipelineStatus& p : report.pipelines)
        put_pipeline(out, report, p, data);
    out.end_array();
    out.end_object();
    return out.take() + '\n';
}

} // namespace fluxgate::observe
