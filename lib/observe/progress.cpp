#include "observe/progress.hpp"

#include "observe/numbers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace fluxgate::observe {

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t keep_ns = 60 * second, rate_ns = 5 * second, apart_ns = second / 10;

// The newest sample that is at least that old; else the oldest.
const Sample& sample_before(const History& history, std::int64_t age_ns) {
    const std::int64_t when = history.back().at_ns - age_ns;
    const auto later = std::find_if(history.begin(), history.end(), [when](const Sample& s) { return s.at_ns > when; });
    return later == history.begin() ? history.front() : *(later - 1);
}

template <class Number>
double rate(Number before, Number now, double passed) {
    return now > before ? static_cast<double>(now - before) / passed : 0.0;
}

struct Part {
    int rank; // the highest goes first where there is not enough room
    std::string text;
};

std::string percent(double share) {
    char text[32];
    // Never 100.0 before it is done.
    std::snprintf(text, sizeof text, "%.1f %%", share >= 1 ? 100.0 : std::floor(share * 1000) / 10);
    return text;
}

std::string join(const std::vector<Part>& parts) {
    std::string out;
    for (const Part& part : parts)
        out += (out.empty() ? "" : "  ") + part.text;
    return out;
}

std::string speed_text(const Pace& pace) {
    if (!pace.rows_per_second) return "- rows/s";
    if (*pace.rows_per_second <= 0 && pace.bytes_per_second.value_or(0) > 0) return "receiving " + brief_bytes(*pace.bytes_per_second) + "/s";
    return grouped(static_cast<std::uint64_t>(std::llround(*pace.rows_per_second))) + " rows/s";
}

} // namespace

void remember(History& history, Sample sample) {
    const bool replaces = history.size() > 1 && sample.at_ns - history[history.size() - 2].at_ns < apart_ns;
    if (replaces) history.pop_back();
    history.push_back(sample);
    while (history.size() > 2 && history.back().at_ns - history[1].at_ns >= keep_ns)
        history.pop_front();
}

Pace pace_of(const History& history) {
    Pace out;
    if (history.empty()) return out;
    const Sample& now = history.back();
    const Numbers& n = now.numbers;
    out.lag_s = lag_of(n, seconds(now.wall_ns));
    const Sample& recent = sample_before(history, rate_ns);
    if (const double passed = seconds(now.at_ns - recent.at_ns); passed > 0) {
        out.rows_per_second = rate(recent.numbers.rows, n.rows, passed);
        out.bytes_per_second = rate(recent.numbers.body_bytes, n.body_bytes, passed);
    }
    if (!n.cursor || !n.stop) return out;
    const double start = n.start.value_or(*n.cursor);
    out.share = *n.stop > start ? std::clamp((*n.cursor - start) / (*n.stop - start), 0.0, 1.0) : 1.0;
    const Sample& old = sample_before(history, keep_ns);
    const double passed = seconds(now.at_ns - old.at_ns);
    const double moved = *n.cursor - old.numbers.cursor.value_or(*n.cursor);
    if (passed >= 1 && moved > 0) out.left_s = std::max(0.0, *n.stop - *n.cursor) * passed / moved;
    return out;
}

std::string progress_line(std::string_view pipeline, const History& history, std::size_t width) {
    if (history.empty()) return {};
    const Numbers& n = history.back().numbers;
    const Pace pace = pace_of(history);
    std::vector<Part> parts;
    parts.push_back({6, std::string{pipeline}});
    parts.push_back({1, speed_text(pace)});
    parts.push_back({4, grouped(n.rows) + (n.rows == 1 ? " row" : " rows")});
    if (pace.share) {
        parts.push_back({2, percent(*pace.share)});
        if (pace.left_s && *pace.share < 1) parts.push_back({3, brief_time(*pace.left_s) + " left"});
    } else if (pace.lag_s) {
        parts.push_back({2, "lag " + brief_time(*pace.lag_s)});
    }
    parts.push_back({5, "queue " + brief_bytes(static_cast<double>(n.queued_bytes))});
    parts.push_back({n.dead_letters == 0 ? 7 : 3, "dead letters " + grouped(n.dead_letters)});
    if (n.health == FG_HEALTH_RETRYING) parts.push_back({0, "retrying"});
    if (n.health == FG_HEALTH_NEEDS_ATTENTION) parts.push_back({0, "needs attention"});
    std::string line = join(parts);
    while (line.size() > width && parts.size() > 1) {
        parts.erase(std::max_element(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.rank < b.rank; }));
        line = join(parts);
    }
    return line.substr(0, width);
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

std::string brief_bytes(double bytes) {
    static constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    double shown = std::max(0.0, bytes);
    // 1023.95 would be written as 1024.0.
    for (; shown >= (unit == 0 ? 1023.5 : 1023.95) && unit + 1 < units.size(); ++unit)
        shown /= 1024;
    char text[48];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", shown, units[unit]);
    return text;
}

std::string brief_time(double seconds) {
    constexpr double longest = 100.0 * 365 * 86400;
    const auto s = static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, longest)));
    char text[48];
    if (s < 60)
        std::snprintf(text, sizeof text, "%us", static_cast<unsigned>(s));
    else if (s < 3600)
        std::snprintf(text, sizeof text, "%um%02us", static_cast<unsigned>(s / 60), static_cast<unsigned>(s % 60));
    else if (s < 86400)
        std::snprintf(text, sizeof text, "%uh%02um", static_cast<unsigned>(s / 3600), static_cast<unsigned>(s / 60 % 60));
    else
        std::snprintf(text, sizeof text, "%ud%02uh", static_cast<unsigned>(s / 86400), static_cast<unsigned>(s / 3600 % 24));
    return text;
}

} // namespace fluxgate::observe
