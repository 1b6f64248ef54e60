// A judge of Prometheus' text format: the grammar (https://prometheus.io/docs/instrumenting/exposition_formats/) and the rules that
// `promtool check metrics` adds. Written from these, not from our writer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::test {

struct Exposed {
    std::vector<std::string> faults;          // each names its line
    std::map<std::string, std::string> types; // of families
    std::map<std::string, double> samples;    // by "name{a="1",b="2"}", labels in the order of their names, values as unescaped
    [[nodiscard]] double at(const std::string& series) const { return samples.count(series) != 0 ? samples.at(series) : -1; }
};

[[nodiscard]] Exposed check_exposition(std::string_view text);

} // namespace fluxgate::test
