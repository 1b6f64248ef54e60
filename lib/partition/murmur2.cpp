#include "partition/murmur2.hpp"

#include <cstddef>

namespace fluxgate::partition {

std::uint32_t murmur2(std::string_view bytes) noexcept {
    constexpr std::uint32_t seed = 0x9747b28c;
    constexpr std::uint32_t m = 0x5bd1e995;
    const auto byte = [bytes](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };

    std::uint32_t h = seed ^ static_cast<std::uint32_t>(bytes.size());
    std::size_t i = 0;
    for (; i + 4 <= bytes.size(); i += 4) {
        std::uint32_t k = byte(i) | byte(i + 1) << 8U | byte(i + 2) << 16U | byte(i + 3) << 24U;
        k *= m;
        k ^= k >> 24U;
        k *= m;
        h = h * m ^ k;
    }
    const std::size_t rest = bytes.size() - i;
    if (rest >= 3) h ^= byte(i + 2) << 16U;
    if (rest >= 2) h ^= byte(i + 1) << 8U;
    if (rest >= 1) h = (h ^ byte(i)) * m;
    h ^= h >> 13U;
    h *= m;
    h ^= h >> 15U;
    return h;
}

} // namespace fluxgate::partition
