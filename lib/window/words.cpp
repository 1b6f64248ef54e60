#include "window/words.hpp"

#include <new>
#include <sys/mman.h>

namespace fluxgate::window {

Words make_words(std::size_t count) {
    if (count == 0) return {};
    const std::size_t bytes = count * sizeof(std::uint64_t);
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc{};
    ::madvise(at, bytes, MADV_HUGEPAGE); // only helps
    return Words{static_cast<std::uint64_t*>(at), Unmap{bytes}};
}

void Unmap::operator()(std::uint64_t* words) const noexcept {
    ::munmap(words, bytes);
}

} // namespace fluxgate::window
