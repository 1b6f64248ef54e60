// Memory for tables that are looked at in no order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace fluxgate::window {

// Gives pages back to the system.
struct Unmap {
    std::size_t bytes = 0;
    void operator()(std::uint64_t* words) const noexcept;
};

using Words = std::unique_ptr<std::uint64_t[], Unmap>;

// So many words of 0, of the system's own memory, in large pages where it has them: with small ones, finding the page of a word takes
// longer than the rest of looking it up. None, no memory. Throws std::bad_alloc.
[[nodiscard]] Words make_words(std::size_t count);

} // namespace fluxgate::window
