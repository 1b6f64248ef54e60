#include "telemetry/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace fluxgate::telemetry {

namespace {

constexpr std::array<double, 18> second_bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600};
constexpr std::array<double, 12> byte_bounds{256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824};
constexpr std::array<double, 10> other_bounds{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

} // namespace

std::span<const double> bounds_of(std::string_view name) noexcept {
    if (ends_with(name, "seconds")) return second_bounds;
    if (ends_with(name, "bytes")) return byte_bounds;
    return other_bounds;
}

bool Metrics::add(std::int32_t kind, std::string_view name, Labels labels, double value) {
    if (kind < FG_METRIC_COUNTER || kind > FG_METRIC_HISTOGRAM || name.empty() || !std::isfinite(value)) return false;
    if (kind == FG_METRIC_COUNTER && value < 0) return false;
    std::sort(labels.begin(), labels.end());

    const std::scoped_lock lock{mutex_};
    auto family = families_.find(name);
    if (family == families_.end()) {
        if (families_.size() == max_names) return false;
        family = families_.emplace(std::string{name}, Family{kind, bounds_of(name), {}}).first;
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
    if (kind != FG_METRIC_HISTOGRAM) return true;
    const std::span<const double> bounds = family->second.bounds;
    std::vector<std::uint64_t>& buckets = at->second.buckets;
    buckets.resize(bounds.size());
    const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value);
    if (bound != bounds.end()) ++buckets[static_cast<std::size_t>(bound - bounds.begin())];
    return true;
}

std::vector<MetricSample> Metrics::snapshot() const {
    std::vector<MetricSample> out;
    const std::scoped_lock lock{mutex_};
    for (const auto& [name, family] : families_)
        for (const auto& [labels, value] : family.series) {
            out.push_back({name, labels, family.kind, value.value, family.kind == FG_METRIC_HISTOGRAM ? value.count : 0});
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < value.buckets.size(); ++i)
                out.back().buckets.push_back({family.bounds[i], sum += value.buckets[i]});
        }
    return out;
}

} // namespace fluxgate::telemetry
