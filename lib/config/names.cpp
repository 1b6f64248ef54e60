#include "config/names.hpp"

#include "config/show.hpp"

#include <algorithm>
#include <array>

namespace fluxgate::config {

namespace {

constexpr std::size_t longest_name = 64;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Precondition: both at most longest_name long.
std::size_t distance(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, longest_name + 1>;
    Row before{}, above{}, row{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        above[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0u : 1u)});
            const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
    }
    return above[b.size()];
}

} // namespace

std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& candidates) {
    if (name.empty() || name.size() > longest_name) return {};
    std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
    std::string_view found;
    for (const std::string_view candidate : candidates) {
        if (candidate.empty() || candidate.size() > longest_name) continue;
        const std::size_t away = distance(name, candidate);
        // A name of one or two letters is no evidence for another one.
        if (away >= best || away >= std::max(name.size(), candidate.size())) continue;
        best = away;
        found = candidate;
    }
    return found;
}

std::string quoted_list(const std::vector<std::string_view>& names, std::size_t limit) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i != 0) out += ", ";
        if (i == limit) return out + "...";
        out += quoted(names[i]);
    }
    return out;
}

std::string name_hint(std::string_view name, const std::vector<std::string_view>& candidates, std::string_view known) {
    if (candidates.empty()) return {};
    const std::string_view near = nearest_name(name, candidates);
    if (!near.empty()) return "; did you mean " + quoted(near) + "?";
    return "; " + std::string{known} + ": " + quoted_list(candidates);
}

} // namespace fluxgate::config
