// A growing block of text that is written without initialising it first.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace fluxgate::message {

// Not thread-safe. Throws std::bad_alloc when memory is out.
class Buffer {
public:
    Buffer() noexcept = default;
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), capacity_(std::exchange(other.capacity_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data_); }

    [[nodiscard]] const char* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }

    void clear() noexcept { size_ = 0; }
    void put(std::size_t at, char c) noexcept { data_[at] = c; }         // at < size()
    [[nodiscard]] char* at(std::size_t i) noexcept { return data_ + i; } // i <= size()
    void truncate(std::size_t size) noexcept { size_ = size; }           // size <= size()

    // At least n more bytes can be written at the end that is answered.
    char* reserve(std::size_t n) {
        if (capacity_ - size_ < n) grow(n);
        return data_ + size_;
    }
    // What was written behind the last reserve now counts. Precondition: end came from it.
    void commit(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_); }

    void append(std::string_view s) {
        if (s.empty()) return;
        std::memcpy(reserve(s.size()), s.data(), s.size());
        size_ += s.size();
    }
    void insert(std::size_t at, std::string_view s) { // at <= size()
        reserve(s.size());
        std::memmove(data_ + at + s.size(), data_ + at, size_ - at);
        std::memcpy(data_ + at, s.data(), s.size());
        size_ += s.size();
    }
    void push_back(char c) {
        *reserve(1) = c;
        ++size_;
    }

private:
    void grow(std::size_t n) {
        std::size_t wanted = capacity_ < 256 ? 256 : capacity_ + capacity_ / 2;
        if (wanted < size_ + n) wanted = size_ + n;
        auto* bigger = static_cast<char*>(std::realloc(data_, wanted));
        if (bigger == nullptr) throw std::bad_alloc{};
        data_ = bigger;
        capacity_ = wanted;
    }

    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace fluxgate::message
