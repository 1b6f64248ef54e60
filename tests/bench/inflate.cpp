// Clients that inflate a compressed answer and do nothing else: what no reader of gzip can be faster than.
#include "scenarios.hpp"

#include <array>
#include <isa-l/igzip_lib.h>
#include <memory>
#include <stdexcept>
#include <zlib.h>

namespace fluxgate::bench {

namespace {

constexpr std::size_t window = 64u << 10;

// One gzip member, as the benchmark's server sends it.
class Zlib {
public:
    Zlib() {
        if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::runtime_error("zlib cannot be used");
    }
    ~Zlib() { inflateEnd(&stream_); }
    Zlib(const Zlib&) = delete;
    Zlib& operator=(const Zlib&) = delete;

    std::uint64_t feed(std::string_view bytes) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        std::uint64_t made = 0;
        do {
            stream_.next_out = out_.data();
            stream_.avail_out = static_cast<uInt>(out_.size());
            const int code = ::inflate(&stream_, Z_NO_FLUSH);
            made += out_.size() - stream_.avail_out;
            if (code == Z_STREAM_END) ended_ = true;
            if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) throw std::runtime_error("zlib: the answer is damaged");
        } while (!ended_ && stream_.avail_out == 0);
        return made;
    }
    [[nodiscard]] bool ended() const { return ended_; }

private:
    z_stream stream_{};
    std::array<Bytef, window> out_;
    bool ended_ = false;
};

class Isal {
public:
    Isal() {
        isal_inflate_init(&state_);
        state_.crc_flag = ISAL_GZIP; // header and trailer too, as zlib above
    }

    std::uint64_t feed(std::string_view bytes) {
        state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
        state_.avail_in = static_cast<std::uint32_t>(bytes.size());
        std::uint64_t made = 0;
        do {
            state_.next_out = out_.data();
            state_.avail_out = static_cast<std::uint32_t>(out_.size());
            const int code = isal_inflate(&state_);
            made += out_.size() - state_.avail_out;
            if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT) throw std::runtime_error("ISA-L: the answer is damaged");
        } while (state_.block_state != ISAL_BLOCK_FINISH && state_.avail_out == 0);
        return made;
    }
    [[nodiscard]] bool ended() const { return state_.block_state == ISAL_BLOCK_FINISH; }

private:
    inflate_state state_;
    std::array<std::uint8_t, window> out_;
};

template <class Inflater>
Measured inflate_with(const Target& target) {
    Target compressed = target;
    compressed.gzip = true;
    const auto inflater = std::make_unique<Inflater>();
    Measured m;
    const Watch watch;
    read_with_beast(compressed, [&](std::string_view bytes) { m.bytes += inflater->feed(bytes); });
    watch.stop(m);
    if (!inflater->ended()) throw std::runtime_error("the compressed answer has no end, or was not compressed");
    return m;
}

} // namespace

Measured inflate_zlib(const Target& target) {
    return inflate_with<Zlib>(target);
}

Measured inflate_isal(const Target& target) {
    return inflate_with<Isal>(target);
}

} // namespace fluxgate::bench
