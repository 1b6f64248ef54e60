#include "observe/health.hpp"

#include "observe/json.hpp"
#include "observe/numbers.hpp"

namespace fluxgate::observe {

namespace {

// What keeps the pipeline from being ready, or "".
std::string missing(const Report& report, const PipelineStatus& p) {
    switch (p.state) {
    case PipelineState::created: return "the pipeline has not started";
    case PipelineState::draining: return "the pipeline ends; what is in flight is being delivered";
    case PipelineState::finished: return "the pipeline has ended";
    case PipelineState::running: break;
    }
    std::vector<StageHealth> health;
    if (!p.stages.empty()) health.push_back(p.stages.front().health);
    const Numbers n = numbers_of(p.id, p.counters, health, report.metrics);
    const bool well = !health.empty() && health.front().since_wall_ns != 0 && health.front().level == FG_HEALTH_OK;
    if (n.complete_answers > 0 || (!n.counts_answers && (p.counters.messages > 0 || well))) return {};
    std::string text = "the source has not read a complete answer yet";
    if (!health.empty() && health.front().level != FG_HEALTH_OK && !health.front().text.empty()) text += ": " + health.front().text;
    return text;
}

} // namespace

Verdict healthz(const Report& report) {
    bool failing = false, retrying = false;
    JsonWriter reasons;
    reasons.begin_array();
    const auto reason = [&reasons](const PipelineStatus& p, std::string_view stage, std::string_view level, std::string_view code,
                                   std::string_view text, std::int64_t since_ns) {
        reasons.begin_object();
        reasons.text("pipeline", p.id);
        reasons.text("stage", stage);
        reasons.text("level", level);
        reasons.text("code", code);
        reasons.text("text", text);
        reasons.time("since", since_ns);
        reasons.end_object();
    };
    for (const PipelineStatus& p : report.pipelines) {
        for (const StageStatus& s : p.stages) {
            if (s.health.level == FG_HEALTH_OK) continue;
            failing = failing || s.health.level == FG_HEALTH_NEEDS_ATTENTION;
            retrying = true;
            reason(p, s.counters.stage, level_name(s.health.level), s.health.code, s.health.text, s.health.since_wall_ns);
        }
        if (!p.outcome || p.outcome->how != Ending::failed) continue;
        failing = true;
        reason(p, p.outcome->stage, "failed", "pipeline.failed", p.outcome->error ? p.outcome->error->text() : "the pipeline failed", 0);
    }
    reasons.end_array();
    const std::string status = failing ? "failing" : retrying ? "retrying" : "ok";
    return {!failing, R"({"status":")" + status + R"(","reasons":)" + reasons.take() + "}\n"};
}

Verdict readyz(const Report& report) {
    bool ready = true;
    JsonWriter reasons;
    reasons.begin_array();
    for (const PipelineStatus& p : report.pipelines) {
        const std::string text = missing(report, p);
        if (text.empty()) continue;
        ready = false;
        reasons.begin_object();
        reasons.text("pipeline", p.id);
        reasons.text("text", text);
        reasons.end_object();
    }
    reasons.end_array();
    return {ready, std::string{R"({"status":")"} + (ready ? "ready" : "waiting") + R"(","reasons":)" + reasons.take() + "}\n"};
}

} // namespace fluxgate::observe
