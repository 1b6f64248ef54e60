// Keeps the values of secrets out of text that leaves the program.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::telemetry {

// Thread-safe. Values shorter than six bytes are not looked for: replacing them would garble ordinary text without
// hiding anything that deserves the name. At most 256 values are kept, the oldest go first (rotation).
class Redactor {
public:
    static constexpr std::size_t min_size = 6, max_values = 256;

    void add(std::string_view value);
    // `text` with every occurrence of a known value replaced by ***.
    [[nodiscard]] std::string apply(std::string_view text) const;

private:
    mutable std::mutex mutex_;
    std::vector<std::string> values_; // oldest first
};

} // namespace fluxgate::telemetry
