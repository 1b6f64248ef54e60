#include "telemetry/redactor.hpp"

#include <algorithm>

namespace fluxgate::telemetry {

void Redactor::add(std::string_view value) {
    if (value.size() < min_size) return;
    const std::scoped_lock lock{mutex_};
    const auto known = std::find(values_.begin(), values_.end(), value);
    if (known != values_.end()) {
        std::rotate(known, known + 1, values_.end());
        return;
    }
    if (values_.size() == max_values) values_.erase(values_.begin());
    values_.emplace_back(value);
}

std::string Redactor::apply(std::string_view text) const {
    std::string out;
    const std::scoped_lock lock{mutex_};
    std::size_t at = 0;
    while (at < text.size()) {
        // The earliest hit; of several at one place the longest, so that a value that begins like another leaves no tail.
        std::size_t hit = std::string_view::npos, size = 0;
        for (const std::string& value : values_) {
            const std::size_t found = text.find(value, at);
            if (found < hit || (found == hit && found != std::string_view::npos && value.size() > size)) {
                hit = found;
                size = value.size();
            }
        }
        if (hit == std::string_view::npos) break;
        out += text.substr(at, hit - at);
        out += "***";
        at = hit + size;
    }
    out += text.substr(at);
    return out;
}

} // namespace fluxgate::telemetry
