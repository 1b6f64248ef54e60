// libFuzzer's entry to one target, named by FUZZ_TARGET.
#include "targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return fluxgate::fuzz::FUZZ_TARGET::fuzz_one(data, size);
}
