// What a pipeline's counters and the host's metrics say together, as plain numbers. Public API in, no I/O.
#pragma once

#include "fluxgate/host.hpp"
#include "fluxgate/pipeline.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::observe {

[[nodiscard]] constexpr double seconds(std::int64_t ns) noexcept {
    return static_cast<double>(ns) / 1e9;
}

struct Numbers {
    std::uint64_t rows = 0;       // that the source read; of a source that does not count them, what it emitted
    std::uint64_t body_bytes = 0; // of answers, decoded
    std::uint64_t queued_bytes = 0, dead_letters = 0;
    std::uint64_t complete_answers = 0; // that the source read to their end
    bool counts_answers = false;        // the source says so at all
    // Of incremental reading, seconds since 1970 UTC.
    std::optional<double> cursor, start, stop;
    fg_health_level health = FG_HEALTH_OK; // of the source
};

// `metrics` are the host's, of all its pipelines.
[[nodiscard]] Numbers numbers_of(std::string_view pipeline, const PipelineCounters& counters, const std::vector<StageHealth>& health,
                                 const std::vector<MetricSample>& metrics);

// The value of a label, or "" when the sample has none of that name.
[[nodiscard]] std::string_view label_of(const MetricSample& sample, std::string_view name) noexcept;

// How far the cursor is behind what will be read: behind now, and once `stop` has passed behind that. None without a cursor.
[[nodiscard]] std::optional<double> lag_of(const Numbers& numbers, double now_s) noexcept;

} // namespace fluxgate::observe
