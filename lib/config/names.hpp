// "Did you mean ...?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

// The candidate that is most likely meant by `name`, or "" when none is close: optimal string alignment distance (insert,
// erase, replace, swap of neighbours), letters compared without case, at most a third of the name's length and at least
// 1. The first of equals counts. Names beyond 64 bytes have no neighbour. The view points into `candidates`.
[[nodiscard]] std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& candidates);

// `; did you mean "url"?`, or `; KNOWN: "a", "b"` when none is close (at most 40 names), or "" without candidates.
[[nodiscard]] std::string name_hint(std::string_view name, const std::vector<std::string_view>& candidates, std::string_view known);

// The names quoted and separated by commas, at most `limit` of them, then ", ...".
[[nodiscard]] std::string quoted_list(const std::vector<std::string_view>& names, std::size_t limit = 40);

} // namespace fluxgate::config
