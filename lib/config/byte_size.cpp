#include "config/byte_size.hpp"

#include "config/show.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <string>

namespace fluxgate::config {

namespace {

struct ByteUnit {
    std::string_view name;
    unsigned shift;
};

constexpr std::array<ByteUnit, 5> byte_units{{{"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};
constexpr std::uint64_t most_bytes = std::numeric_limits<std::int64_t>::max();

Error size_fault(std::string message) {
    return Error{Errc::configuration, std::move(message)};
}

} // namespace

Result<std::uint64_t> parse_byte_size(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem == std::errc::invalid_argument) return size_fault("it does not begin with a whole number");
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    if (rest.empty()) return size_fault("the number has no unit (B, KiB, MiB, GiB or TiB)");
    for (const ByteUnit& unit : byte_units) {
        if (rest != unit.name) continue;
        if (problem != std::errc{} || number > (most_bytes >> unit.shift)) return size_fault("it is more than 2^63-1 bytes");
        return number << unit.shift;
    }
    return size_fault("the unit is not B, KiB, MiB, GiB or TiB: " + quoted(rest));
}

Result<std::uint64_t> byte_size_of(const rapidjson::Value& value) {
    if (value.IsString()) return parse_byte_size({value.GetString(), value.GetStringLength()});
    if (!value.IsUint64()) return size_fault("it is not a whole number from 0 on");
    if (value.GetUint64() > most_bytes) return size_fault("it is more than 2^63-1 bytes");
    return value.GetUint64();
}

} // namespace fluxgate::config
