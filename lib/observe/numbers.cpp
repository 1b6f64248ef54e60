#include "observe/numbers.hpp"

#include <algorithm>

namespace fluxgate::observe {

std::string_view label_of(const MetricSample& sample, std::string_view name) noexcept {
    const auto at = std::find_if(sample.labels.begin(), sample.labels.end(), [name](const auto& label) { return label.first == name; });
    return at == sample.labels.end() ? std::string_view{} : std::string_view{at->second};
}

Numbers numbers_of(std::string_view pipeline, const PipelineCounters& counters, const std::vector<StageHealth>& health,
                   const std::vector<MetricSample>& metrics) {
    Numbers out;
    out.queued_bytes = counters.queued_bytes;
    out.dead_letters = counters.dead_letters;
    const StageCounters source = counters.stages.empty() ? StageCounters{} : counters.stages.front();
    out.rows = source.out + source.dead_letters;
    if (!health.empty()) out.health = health.front().level;
    bool counts_rows = false;
    for (const MetricSample& m : metrics) {
        if (label_of(m, "pipeline") != pipeline || label_of(m, "stage") != source.stage) continue;
        if (m.name == "rows_read") {
            out.rows = (counts_rows ? out.rows : 0) + static_cast<std::uint64_t>(m.value);
            counts_rows = true;
        } else if (m.name == "body_bytes") {
            out.body_bytes += static_cast<std::uint64_t>(m.value);
        } else if (m.name == "queries") {
            out.counts_answers = true;
            if (label_of(m, "outcome") == "complete") out.complete_answers += static_cast<std::uint64_t>(m.value);
        } else if (m.name == "cursor_timestamp_seconds") {
            out.cursor = m.value;
        } else if (m.name == "cursor_start_timestamp_seconds") {
            out.start = m.value;
        } else if (m.name == "cursor_stop_timestamp_seconds") {
            out.stop = m.value;
        }
    }
    return out;
}

std::optional<double> lag_of(const Numbers& numbers, double now_s) noexcept {
    if (!numbers.cursor) return std::nullopt;
    return std::max(0.0, std::min(now_s, numbers.stop.value_or(now_s)) - *numbers.cursor);
}

} // namespace fluxgate::observe
