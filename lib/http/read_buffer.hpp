// Bytes that were received and are not parsed yet, in one piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

namespace fluxgate::http {

class ReadBuffer {
public:
    explicit ReadBuffer(std::size_t size) : bytes_(size) {}

    void clear() noexcept { begin_ = end_ = 0; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return bytes_.size(); }
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t count) noexcept { begin_ += count; }

    // Where the next bytes go, after make_room answered true.
    [[nodiscard]] char* room() noexcept { return bytes_.data() + end_; }
    [[nodiscard]] std::size_t room_size() const noexcept { return bytes_.size() - end_; }
    void received(std::size_t count) noexcept { end_ += count; }

    // Moves what is unread to the front; grows up to `most`. False when no room can be made.
    bool make_room(std::size_t most) {
        if (begin_ > 0) {
            std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (end_ < bytes_.size()) return true;
        if (bytes_.size() >= most) return false;
        bytes_.resize(std::min(most, bytes_.size() * 2));
        return true;
    }

private:
    std::vector<char> bytes_;
    std::size_t begin_ = 0, end_ = 0;
};

} // namespace fluxgate::http
