// Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include "fluxgate/host.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::observe {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Writes families one after the other. Whatever names and texts it is given, what comes out is well-formed: characters that a name
// may not have become '_', label values are escaped and made valid UTF-8, and a series that is there already is left out.
class Exposition {
public:
    enum class Type { counter, gauge, histogram };

    // Begins a family; its samples follow. False when there is one of that name already: then none may follow.
    bool family(std::string_view name, Type type, std::string_view help);
    void sample(const Labels& labels, double value);
    void sample(const Labels& labels, std::uint64_t value);
    void histogram(const Labels& labels, const std::vector<MetricBucket>& buckets, std::uint64_t count, double sum);

    [[nodiscard]] bool has(std::string_view name) const { return names_.count(name) != 0; }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    void line(std::string_view suffix, const std::string& labels, std::string_view value);

    std::string text_, name_;
    std::set<std::string, std::less<>> names_;
    std::set<std::string> series_; // of this family
};

// "1234567", "0.005", "+Inf", "NaN": read back it is the same number.
[[nodiscard]] std::string number_text(double value);

// A metric's name as Prometheus wants it: fluxgate_ before it, _total behind a counter and behind nothing else, no characters and
// endings that mean something else there.
[[nodiscard]] std::string metric_name(std::string_view name, std::int32_t kind);

} // namespace fluxgate::observe
