// What `--progress` says at a given time: from a few samples of the last minute to one line of text. No clock, no I/O.
#pragma once

#include "observe/numbers.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::observe {

struct Sample {
    std::int64_t at_ns = 0;   // monotonic
    std::int64_t wall_ns = 0; // since 1970 UTC
    Numbers numbers;
};

// The last minute, oldest first. A sample is added only when it is a tenth of a second behind the one before (else it takes its
// place), so there are about 600 at most.
using History = std::deque<Sample>;
void remember(History& history, Sample sample);

// What can be said of the present. A rate is over the last five seconds; the time that is left is by the speed of the cursor over
// the last minute, for it moves in steps of a window.
struct Pace {
    std::optional<double> rows_per_second, bytes_per_second; // none: only one sample yet
    std::optional<double> lag_s;
    std::optional<double> share;  // 0 to 1 of what lies between start and stop; only with a stop
    std::optional<double> left_s; // only while the cursor moves
};
[[nodiscard]] Pace pace_of(const History& history);

// One line of at most `width` columns, in ASCII:
//   plant-4  12,345 rows/s  1,234,567 rows  42.3 %  1m20s left  queue 1.2 MiB  dead letters 3
// Without a stop the lag stands where the percent are. Rows that do not move while bytes do are an answer that is being kept until
// it is known to be whole: then the line says how fast the bytes come. Where it is too narrow, the less important parts are left out.
[[nodiscard]] std::string progress_line(std::string_view pipeline, const History& history, std::size_t width);

// "950", "1,234,567"; "0 B", "1.5 MiB"; "12s", "1m20s", "3h05m", "2d04h".
[[nodiscard]] std::string grouped(std::uint64_t number);
[[nodiscard]] std::string brief_bytes(double bytes);
[[nodiscard]] std::string brief_time(double seconds);

} // namespace fluxgate::observe
