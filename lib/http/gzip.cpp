#include "http/gzip.hpp"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace fluxgate::http {

struct GzipDecoder::Engine {
    inflate_state inflate;
    isal_gzip_header header;
    std::array<std::uint8_t, kPiece> out;
};

GzipDecoder::GzipDecoder() : engine_(new Engine) { // not value-initialised: 200 KiB that the library fills itself
    isal_inflate_init(&engine_->inflate);
    reset();
}
GzipDecoder::~GzipDecoder() = default;

void GzipDecoder::reset() {
    state_ = State::empty;
    in_header_ = false;
    pending_ = false;
    members_ = 0;
    decoded_ = 0;
}

// Reads (on) the member's header; true when it is complete. The library's own header reading inside isal_inflate forgets its flags
// between two calls, so the header is read here, with a struct that lives as long as the member.
bool GzipDecoder::read_header() {
    inflate_state& in = engine_->inflate;
    if (!in_header_) {
        // ID1 of RFC 1952: anything else behind a whole member is not a member.
        if (members_ > 0 && in.next_in[0] != 0x1f) {
            state_ = State::trailing;
            return false;
        }
        std::uint8_t* const next = in.next_in;
        const std::uint32_t avail = in.avail_in;
        isal_inflate_reset(&in);
        in.next_in = next;
        in.avail_in = avail;
        in.crc_flag = ISAL_GZIP_NO_HDR_VER;
        isal_gzip_header_init(&engine_->header);
        in_header_ = true;
        state_ = State::inside;
    }
    const int code = isal_read_gzip_header(&in, &engine_->header);
    if (code == ISAL_END_INPUT) return false;
    if (code != ISAL_DECOMP_OK) {
        stop(code);
        return false;
    }
    in_header_ = false;
    return true;
}

void GzipDecoder::stop(int code) {
    pending_ = false;
    if (in_header_ && members_ > 0) {
        state_ = State::trailing;
    } else {
        state_ = code == ISAL_INCORRECT_CHECKSUM ? State::mismatch : State::damaged;
    }
}

std::size_t GzipDecoder::feed(std::string_view input, std::size_t budget, Target& target) {
    inflate_state& in = engine_->inflate;
    const std::size_t size = std::min<std::size_t>(input.size(), std::numeric_limits<std::uint32_t>::max());
    // The library does not write to its input; its interface is older than const.
    in.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(input.data()));
    in.avail_in = static_cast<std::uint32_t>(size);
    std::size_t made = 0;
    while ((in.avail_in > 0 || pending_) && made < budget && state_ <= State::ended) {
        if (state_ != State::inside || in_header_) {
            if (!read_header()) continue;
            if (in.avail_in == 0) break;
        }
        in.next_out = engine_->out.data();
        in.avail_out = static_cast<std::uint32_t>(kPiece);
        const int code = isal_inflate(&in);
        const std::size_t got = kPiece - in.avail_out;
        pending_ = in.avail_out == 0;
        made += got;
        decoded_ += got;
        if (code == ISAL_DECOMP_OK && in.block_state == ISAL_BLOCK_FINISH) {
            pending_ = false;
            ++members_;
            state_ = State::ended;
        } else if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT) {
            stop(code);
        }
        if (got > 0) target.on_decoded({reinterpret_cast<const char*>(engine_->out.data()), got});
    }
    // Not by avail_in: the library counts it below zero where it meets damaged data.
    return std::min(size, static_cast<std::size_t>(reinterpret_cast<const char*>(in.next_in) - input.data()));
}

} // namespace fluxgate::http
