#include "window/hash.hpp"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fluxgate::window {

[[gnu::flatten]] Hash128 hash128(std::string_view bytes) noexcept {
    const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
    return {h.high64, h.low64};
}

namespace {

// Both digits of each byte.
struct Digits {
    char of[256][2];
};

constexpr Digits make_digits() {
    constexpr char one[] = "0123456789abcdef";
    Digits out{};
    for (int i = 0; i < 256; ++i) {
        out.of[i][0] = one[i >> 4];
        out.of[i][1] = one[i & 15];
    }
    return out;
}

constexpr Digits digits = make_digits();

} // namespace

void put_hex_portable(char* at, const Hash128& hash) noexcept {
    for (std::size_t k = 0; k < 8; ++k) {
        std::memcpy(at + 2 * k, digits.of[(hash.high >> (56 - 8 * k)) & 255], 2);
        std::memcpy(at + 16 + 2 * k, digits.of[(hash.low >> (56 - 8 * k)) & 255], 2);
    }
}

#if defined(__SSE2__)
void put_hex(char* at, const Hash128& hash) noexcept {
    const __m128i bytes = _mm_set_epi64x(static_cast<long long>(__builtin_bswap64(hash.low)), static_cast<long long>(__builtin_bswap64(hash.high)));
    const __m128i low_half = _mm_set1_epi8(15);
    const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), low_half), low = _mm_and_si128(bytes, low_half);
    const auto digits_of = [](__m128i values) {
        const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(values, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
        return _mm_add_epi8(values, _mm_add_epi8(letters, _mm_set1_epi8('0')));
    };
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at), digits_of(_mm_unpacklo_epi8(high, low)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at + 16), digits_of(_mm_unpackhi_epi8(high, low)));
}
#else
void put_hex(char* at, const Hash128& hash) noexcept {
    put_hex_portable(at, hash);
}
#endif

std::string hex(const Hash128& hash) {
    std::string out(hash_digits, '0');
    put_hex(out.data(), hash);
    return out;
}

} // namespace fluxgate::window
