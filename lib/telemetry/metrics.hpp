// Numbers by name and labels, in memory.
#pragma once

#include "fluxgate/host.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::telemetry {

// The upper bounds of a histogram's buckets, by the unit at the end of its name (MetricSample::buckets).
[[nodiscard]] std::span<const double> bounds_of(std::string_view name) noexcept;

// Thread-safe. Bounded: a name holds at most `max_series` sets of labels; what comes beyond is counted in one series with
// the label overflow="true". At most `max_names` names; beyond that a measurement is dropped and add() answers false.
class Metrics {
public:
    static constexpr std::size_t max_series = 4096, max_names = 512;
    using Labels = std::vector<std::pair<std::string, std::string>>;

    // Counter: adds value (negative and non-finite values are refused). Gauge: sets it. Histogram: observes it. False when
    // the measurement was refused: bad value, a name that is already of another kind, or too many names.
    bool add(std::int32_t kind, std::string_view name, Labels labels, double value);
    [[nodiscard]] std::vector<MetricSample> snapshot() const;

private:
    struct Value {
        double value = 0;
        std::uint64_t count = 0;
        std::vector<std::uint64_t> buckets; // histogram: one a bound, not cumulative
    };
    struct Family {
        std::int32_t kind;
        std::span<const double> bounds; // histogram
        std::map<Labels, Value> series;
    };
    mutable std::mutex mutex_;
    std::map<std::string, Family, std::less<>> families_;
};

} // namespace fluxgate::telemetry
