// Memory for the one outstanding wait of a connection, so that waiting for bytes allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace fluxgate::http {

class WaitMemory {
public:
    void* allocate(std::size_t size) {
        if (used_ || size > sizeof(bytes_)) return ::operator new(size);
        used_ = true;
        return bytes_;
    }
    void deallocate(void* at) noexcept {
        if (at == bytes_) {
            used_ = false;
        } else {
            ::operator delete(at);
        }
    }

private:
    alignas(std::max_align_t) unsigned char bytes_[512];
    bool used_ = false;
};

// Keeps its memory alive: an operation gives its memory back after its handler, which may hold the last reference, is gone.
template <class T>
struct WaitAllocator {
    using value_type = T;
    std::shared_ptr<WaitMemory> memory;

    explicit WaitAllocator(std::shared_ptr<WaitMemory> m) noexcept : memory(std::move(m)) {}
    template <class U>
    WaitAllocator(const WaitAllocator<U>& other) noexcept : memory(other.memory) {}
    T* allocate(std::size_t n) { return static_cast<T*>(memory->allocate(n * sizeof(T))); }
    void deallocate(T* at, std::size_t) noexcept { memory->deallocate(at); }
    template <class U>
    bool operator==(const WaitAllocator<U>& other) const noexcept {
        return memory == other.memory;
    }
};

} // namespace fluxgate::http
