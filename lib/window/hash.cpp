#include "window/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fluxgate::window {

Hash128 hash128(std::string_view bytes) noexcept {
    const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
    return {h.high64, h.low64};
}

void put_hex(char* at, const Hash128& hash) noexcept {
    static constexpr char digits[] = "0123456789abcdef";
    for (int k = 0; k < 16; ++k) {
        at[k] = digits[(hash.high >> (60 - 4 * k)) & 15];
        at[16 + k] = digits[(hash.low >> (60 - 4 * k)) & 15];
    }
}

std::string hex(const Hash128& hash) {
    std::string out(hash_digits, '0');
    put_hex(out.data(), hash);
    return out;
}

} // namespace fluxgate::window
