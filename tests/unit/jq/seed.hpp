// Randomised tests draw from this; FLUXGATE_SEED replays a run.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

namespace fluxgate::test {

class Random {
public:
    Random() : seed_(choose()), engine_(seed_) {}
    [[nodiscard]] std::uint64_t seed() const { return seed_; }
    // 0 .. bound-1; bound > 0.
    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }

private:
    static std::uint64_t choose() {
        if (const char* given = std::getenv("FLUXGATE_SEED")) return std::strtoull(given, nullptr, 10);
        return std::random_device{}();
    }
    std::uint64_t seed_;
    std::mt19937_64 engine_;
};

} // namespace fluxgate::test
