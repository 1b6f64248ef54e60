// Searches for the bytes that matter to the scanner, sixteen at a time where the processor can (SSE2 is part of x86-64; the
// portable twin gives the same answers).
#pragma once

#include "flux/table.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fluxgate::flux::find {

inline bool is_special(char c) noexcept {
    return static_cast<signed char>(c) < 0x20 || c == '\\';
}

inline const char* field_stop_portable(const char* p, const char* end, std::uint8_t& flags) noexcept {
    for (; p != end; ++p) {
        if (*p == ',' || *p == '\n' || *p == '\r' || *p == '"') return p;
        if (is_special(*p)) flags |= Field::special;
    }
    return p;
}

inline const char* quote_portable(const char* p, const char* end, std::uint8_t& flags) noexcept {
    for (; p != end; ++p) {
        if (*p == '"') return p;
        if (is_special(*p)) flags |= Field::special;
    }
    return p;
}

inline std::size_t common_prefix_portable(const char* a, const char* b, std::size_t size) noexcept {
    std::size_t i = 0;
    for (std::uint64_t x = 0, y = 0; i + 8 <= size; i += 8) {
        std::memcpy(&x, a + i, 8);
        std::memcpy(&y, b + i, 8);
        if (x != y) break;
    }
    while (i < size && a[i] == b[i])
        ++i;
    return i;
}

#if defined(__SSE2__)
// How many bytes of a and b are the same from the beginning, at most `size`.
inline std::size_t common_prefix(const char* a, const char* b, std::size_t size) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= size; i += 16) {
        const __m128i same =
            _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i)), _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i)));
        const auto differs = static_cast<unsigned>(_mm_movemask_epi8(same)) ^ 0xFFFFu;
        if (differs != 0) return i + static_cast<std::size_t>(__builtin_ctz(differs));
    }
    return i + common_prefix_portable(a + i, b + i, size - i);
}

// The first comma, CR, LF or quote in [p, end), or end. Sets Field::special when a byte before it is special.
inline const char* field_stop(const char* p, const char* end, std::uint8_t& flags) noexcept {
    const __m128i comma = _mm_set1_epi8(','), quote = _mm_set1_epi8('"'), cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    const __m128i backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i stops = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, comma), _mm_cmpeq_epi8(v, quote)),
                                           _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf)));
        const auto stop = static_cast<unsigned>(_mm_movemask_epi8(stops));
        const auto special = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(v, space), _mm_cmpeq_epi8(v, backslash))));
        if (stop != 0) {
            const int k = __builtin_ctz(stop);
            if ((special & ((1u << k) - 1u)) != 0) flags |= Field::special;
            return p + k;
        }
        if (special != 0) flags |= Field::special;
        p += 16;
    }
    return field_stop_portable(p, end, flags);
}

// The first quote in [p, end), or end.
inline const char* quote(const char* p, const char* end, std::uint8_t& flags) noexcept {
    const __m128i quotes = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const auto stop = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, quotes)));
        const auto special = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(v, space), _mm_cmpeq_epi8(v, backslash))));
        if (stop != 0) {
            const int k = __builtin_ctz(stop);
            if ((special & ((1u << k) - 1u)) != 0) flags |= Field::special;
            return p + k;
        }
        if (special != 0) flags |= Field::special;
        p += 16;
    }
    return quote_portable(p, end, flags);
}
#else
inline std::size_t common_prefix(const char* a, const char* b, std::size_t size) noexcept {
    return common_prefix_portable(a, b, size);
}
inline const char* field_stop(const char* p, const char* end, std::uint8_t& flags) noexcept {
    return field_stop_portable(p, end, flags);
}
inline const char* quote(const char* p, const char* end, std::uint8_t& flags) noexcept {
    return quote_portable(p, end, flags);
}
#endif

inline bool equal(const char* a, const char* b, std::size_t size) noexcept {
    return common_prefix(a, b, size) == size;
}

} // namespace fluxgate::flux::find
