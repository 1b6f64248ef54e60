// The fuzz targets: each takes any bytes, answers 0, and ends the process where a rule is broken. What each demands stands at
// the head of its file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fluxgate::fuzz {

// clang-format off
namespace reader   { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace message  { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace routing  { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace gzip     { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace response { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace settings { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace pipeline { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace jsonpath { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace texts    { int fuzz_one(const std::uint8_t* data, std::size_t size); }
namespace incremental { int fuzz_one(const std::uint8_t* data, std::size_t size); }
// clang-format on

} // namespace fluxgate::fuzz
