// Secrets by reference: a directory of files, then the environment.
#pragma once

#include "fluxgate/error.hpp"

#include <string>
#include <string_view>

namespace fluxgate::runtime {

// Thread-safe; reads anew at every call, so that a rotated secret is seen. A name is [A-Za-z0-9._-]+, at most 255 bytes,
// and does not begin with "..": it can name nothing outside the directory. One trailing line feed of a file is stripped.
// Errc::secret names the reference and the places tried, never a value.
class Secrets {
public:
    static constexpr std::size_t max_size = 1u << 20; // as Kubernetes has it

    explicit Secrets(std::string directory) : directory_(std::move(directory)) {}
    [[nodiscard]] Result<std::string> resolve(std::string_view name) const;

private:
    std::string directory_;
};

// [A-Za-z0-9._-]+, the pattern of pipeline ids, instance ids and secret references.
bool is_name(std::string_view text) noexcept;

} // namespace fluxgate::runtime
