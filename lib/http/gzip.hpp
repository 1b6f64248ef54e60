// Incremental gzip decoding (RFC 1952) with bounded memory: any split of the input, output in pieces of at most 64 KiB,
// trailer (CRC and length) checked, members that follow one another directly are one text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fluxgate::http {

class GzipDecoder {
public:
    static constexpr std::size_t kPiece = 64u << 10;

    // Receives decoded bytes; a view is valid during the call.
    class Target {
    public:
        virtual ~Target() = default;
        virtual void on_decoded(std::string_view bytes) = 0;
    };

    enum class State {
        empty,    // no byte yet
        inside,   // in a member
        ended,    // behind a whole member with a right trailer
        trailing, // something that is not a member follows a whole member; it is not consumed
        damaged,  // not gzip or not valid deflate data
        mismatch  // the data ended, but its trailer does not match
    };

    GzipDecoder();
    ~GzipDecoder();
    GzipDecoder(const GzipDecoder&) = delete;
    GzipDecoder& operator=(const GzipDecoder&) = delete;

    void reset();

    // Decodes from `input` until it is used up, about `budget` bytes were made (at most one piece more), or the state is one of the last three.
    // Answers the number of bytes taken. With pending(), output may be left although no input is: call again.
    std::size_t feed(std::string_view input, std::size_t budget, Target& target);

    [[nodiscard]] bool pending() const noexcept { return pending_; }
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] std::uint64_t decoded() const noexcept { return decoded_; }

private:
    struct Engine;
    bool read_header();
    void stop(int code);

    std::unique_ptr<Engine> engine_;
    State state_ = State::empty;
    bool in_header_ = false;
    bool pending_ = false;
    std::uint32_t members_ = 0;
    std::uint64_t decoded_ = 0;
};

} // namespace fluxgate::http
