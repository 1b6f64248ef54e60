#include "state/time_text.hpp"

#include "config/duration.hpp"
#include "window/instant.hpp"

#include <chrono>
#include <string>

namespace fluxgate::state {

namespace {

Error fault(std::string message) {
    return {Errc::configuration, std::move(message)};
}

// Whole years only, so that what is typed can be moved a little.
Result<std::int64_t> parse_time(std::string_view text) {
    Result<window::Instant> time = window::read_instant(text);
    if (time.ok() && (text.substr(0, 4) < "1678" || text.substr(0, 4) > "2261")) return fault("its year is not between 1678 and 2261");
    return time;
}

} // namespace

Result<std::int64_t> parse_time_or_past(std::string_view text, std::int64_t now_ns) {
    if (text == "now") return now_ns;
    const bool from_now = text.substr(0, 4) == "now-";
    if (!from_now && text.substr(0, 1) != "-") {
        Result<std::int64_t> time = parse_time(text);
        if (!time.ok()) return fault(time.error().message + ", nor `now`, nor a duration back from now such as -2h");
        return time;
    }
    const Result<std::chrono::nanoseconds> back = config::parse_duration(text.substr(from_now ? 4 : 1));
    if (!back.ok()) return fault("the duration back from now cannot be read: " + back.error().message);
    if (back->count() > now_ns) return fault("it is before 1970");
    return now_ns - back->count();
}

} // namespace fluxgate::state
