// The hash of Kafka's default partitioner.
#pragma once

#include <cstdint>
#include <string_view>

namespace fluxgate::partition {

// org.apache.kafka.common.utils.Utils.murmur2: MurmurHash2 with seed 0x9747b28c. Java's int has the same bits.
[[nodiscard]] std::uint32_t murmur2(std::string_view bytes) noexcept;

} // namespace fluxgate::partition
