// The commonest expressions, paths such as `.payload.host`, without libjq's compiler: it takes some 25 ms to compile jq's own
// builtins before it looks at an expression, most of a start.
#pragma once

#include "jq/value.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::jq {

// The names of an expression that is nothing but `.name.name...` (names of letters, digits and _, space around the whole).
[[nodiscard]] std::optional<std::vector<std::string>> plain_path(std::string_view expression);

// What jq answers for the path on this input. None where jq would raise an error: a name of something that is neither an
// object nor null.
[[nodiscard]] std::optional<Value> follow(const std::vector<std::string>& path, const Value& input);

} // namespace fluxgate::jq
