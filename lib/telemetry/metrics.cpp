#include "telemetry/metrics.hpp"

#include <algorithm>
#include <cmath>

namespace fluxgate::telemetry {

bool Metrics::add(std::int32_t kind, std::string_view name, Labels labels, double value) {
    if (kind < FG_METRIC_COUNTER || kind > FG_METRIC_HISTOGRAM || name.empty() || !std::isfinite(value)) return false;
    if (kind == FG_METRIC_COUNTER && value < 0) return false;
    std::sort(labels.begin(), labels.end());

    const std::scoped_lock lock{mutex_};
    auto family = families_.find(name);
    if (family == families_.end()) {
        if (families_.size() == max_names) return false;
        family = families_.emplace(std::string{name}, Family{kind, {}}).first;
    }
    if (family->second.kind != kind) return false;
    auto& series = family->second.series;
    auto at = series.find(labels);
    if (at == series.end()) {
        if (series.size() >= max_series) labels = {{"overflow", "true"}};
        at = series.try_emplace(std::move(labels)).first;
    }
    at->second.value = kind == FG_METRIC_GAUGE ? value : at->second.value + value;
    ++at->second.count;
    return true;
}

std::vector<MetricSample> Metrics::snapshot() const {
    std::vector<MetricSample> out;
    const std::scoped_lock lock{mutex_};
    for (const auto& [name, family] : families_)
        for (const auto& [labels, value] : family.series)
            out.push_back({name, labels, family.kind, value.value, family.kind == FG_METRIC_HISTOGRAM ? value.count : 0});
    return out;
}

} // namespace fluxgate::telemetry
