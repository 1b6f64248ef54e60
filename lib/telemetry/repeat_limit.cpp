#include "telemetry/repeat_limit.hpp"

#include <algorithm>

namespace fluxgate::telemetry {

bool RepeatLimit::admit(LogLevel level, std::string_view event, std::string_view stage, std::int64_t now_ns) {
    if (level == LogLevel::debug) return true;
    Key key{event, stage};
    if (windows_.count(key) == 0 && windows_.size() >= policy_.max_keys) key = {};
    Window& window = windows_.try_emplace(std::move(key), Window{now_ns}).first->second;
    // What was held in a window that has passed is told by due(); until then it goes on being counted there.
    if (now_ns - window.began_ns >= policy_.window.count() && window.held == 0) window = {now_ns};
    if (window.written < policy_.burst) {
        ++window.written;
        return true;
    }
    ++window.held;
    window.worst = std::max(window.worst, level);
    return false;
}

std::vector<RepeatLimit::Held> RepeatLimit::take(bool all, std::int64_t now_ns) {
    std::vector<Held> out;
    for (auto at = windows_.begin(); at != windows_.end();) {
        const auto& [key, window] = *at;
        if (!all && now_ns - window.began_ns < policy_.window.count()) {
            ++at;
            continue;
        }
        if (window.held != 0) out.push_back({key.first, key.second, window.worst, window.held});
        at = windows_.erase(at);
    }
    return out;
}

std::vector<RepeatLimit::Held> RepeatLimit::due(std::int64_t now_ns) {
    return take(false, now_ns);
}

std::vector<RepeatLimit::Held> RepeatLimit::rest() {
    return take(true, 0);
}

} // namespace fluxgate::telemetry
