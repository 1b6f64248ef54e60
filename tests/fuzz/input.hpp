// What the targets share: how an input is taken apart, and how a broken rule is told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace fluxgate::fuzz {

// Ends the process, so that the fuzzer keeps the input and a replay turns red.
[[noreturn]] inline void broken(std::string_view rule, const std::string& found) {
    std::fprintf(stderr, "\nBROKEN: %.*s\n%s\n", static_cast<int>(rule.size()), rule.data(), found.c_str());
    std::abort();
}

inline void demand(bool holds, std::string_view rule) {
    if (!holds) broken(rule, "");
}

template <class A, class B>
void demand_equal(const A& a, const B& b, std::string_view rule) {
    if (a == b) return;
    const auto text = [](const auto& value) {
        if constexpr (std::is_convertible_v<decltype(value), std::string_view>)
            return "\"" + std::string{value} + "\"";
        else
            return std::to_string(value);
    };
    broken(rule, text(a) + "\n" + text(b));
}

// The first bytes of an input choose how the rest is used; an input that is too short chooses zeros.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

// How a text is cut: pieces of 1..most bytes, drawn from a seed.
struct Cut {
    std::size_t most = SIZE_MAX;
    std::uint32_t seed = 0;

    static Cut chosen_by(std::uint8_t size, std::uint8_t seed) {
        static constexpr std::size_t sizes[] = {SIZE_MAX, 1, 2, 3, 5, 8, 16, 17, 40, 100, 400, 4096};
        return {sizes[size % std::size(sizes)], seed};
    }
};

// Calls use(piece) until the text is used up or it answers false. Each piece lies alone in memory of its exact size, which is
// freed behind the call: reading beyond it or later is an error that the address sanitizer sees.
template <class Use>
void in_pieces(std::string_view text, Cut cut, Use use) {
    std::uint32_t state = cut.seed * 2654435761u + 1;
    while (!text.empty()) {
        state = state * 1664525u + 1013904223u;
        const std::size_t size = cut.most >= text.size() ? text.size() : std::min<std::size_t>(text.size(), 1 + (state >> 8) % cut.most);
        const std::unique_ptr<char[]> piece{new char[size]};
        std::memcpy(piece.get(), text.data(), size);
        if (!use(std::string_view{piece.get(), size})) return;
        text.remove_prefix(size);
    }
}

} // namespace fluxgate::fuzz
