#include "answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <zlib.h>

namespace fluxgate::sample {
namespace {

constexpr std::size_t wire_size = 64u << 10;
constexpr std::size_t trailer_size = 8;

} // namespace

struct Answer::Gzip {
    z_stream stream{};
    bool good = false;
    Gzip() { good = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK; }
    ~Gzip() {
        if (good) deflateEnd(&stream);
    }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;
};

Answer::Answer(Connection& connection, std::string head, AnswerOptions options, const FaultsOfRequest& faults)
    : connection_(connection), head_(std::move(head)), options_(options), faults_(faults) {}

Answer::~Answer() = default;

bool Answer::write(std::string_view body) {
    body_bytes_ += body.size();
    if (begun_) return encode(body, Z_NO_FLUSH);
    pending_ += body;
    return pending_.size() < gzip_threshold || begin();
}

bool Answer::flush() {
    return (begun_ || begin()) && encode({}, Z_SYNC_FLUSH) && end_chunk() && send();
}

bool Answer::begin() {
    begun_ = true;
    const bool forced = faults_.find(Fault::Kind::gzip_no_trailer) != nullptr || faults_.find(Fault::Kind::garbage_after_gzip) != nullptr;
    if (options_.client_takes_gzip && (forced || pending_.size() >= gzip_threshold)) {
        gzip_ = std::make_unique<Gzip>();
        if (!gzip_->good) return false;
        head_.insert(head_.find("\r\n") + 2, "Content-Encoding: gzip\r\n");
    }
    if (!connection_.write(head_ + "Transfer-Encoding: chunked\r\n\r\n")) return false;
    if (const Fault* cut = faults_.find(Fault::Kind::cut_after)) connection_.cut_after(cut->count, Connection::Cut::fin);
    if (const Fault* reset = faults_.find(Fault::Kind::reset_after)) connection_.cut_after(reset->count, Connection::Cut::reset);
    return encode(std::exchange(pending_, {}), Z_NO_FLUSH);
}

bool Answer::encode(std::string_view body, int zlib_flush) {
    if (!gzip_) return frame(body);
    z_stream& z = gzip_->stream;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data())); // zlib's old signature; it only reads
    z.avail_in = static_cast<uInt>(body.size());
    std::array<char, 16384> out{};
    do {
        z.next_out = reinterpret_cast<Bytef*>(out.data());
        z.avail_out = static_cast<uInt>(out.size());
        if (deflate(&z, zlib_flush) == Z_STREAM_ERROR) return false;
        std::string_view piece{out.data(), out.size() - z.avail_out};
        if (faults_.find(Fault::Kind::gzip_no_trailer) == nullptr) {
            if (!frame(piece)) return false;
            continue;
        }
        tail_ += piece;
        const std::size_t safe = tail_.size() - std::min(tail_.size(), trailer_size);
        if (!frame(std::string_view{tail_}.substr(0, safe))) return false;
        tail_.erase(0, safe);
    } while (z.avail_out == 0);
    return true;
}

bool Answer::frame(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, options_.chunk_size - chunk_.size());
        chunk_ += part;
        bytes.remove_prefix(part.size());
        if (chunk_.size() == options_.chunk_size && !end_chunk()) return false;
    }
    return true;
}

bool Answer::end_chunk() {
    if (chunk_.empty()) return true;
    std::array<char, 20> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), chunk_.size(), 16).ptr;
    wire_.append(size.data(), static_cast<std::size_t>(end - size.data()));
    ((wire_ += "\r\n") += chunk_) += "\r\n";
    chunk_.clear();
    return wire_.size() < wire_size || send();
}

bool Answer::send() {
    const bool sent = connection_.write(wire_);
    wire_.clear();
    return sent;
}

bool Answer::finish() {
    if (!begun_ && !begin()) return false;
    if (gzip_ && !encode({}, Z_FINISH)) return false;
    if (gzip_ && faults_.find(Fault::Kind::garbage_after_gzip) != nullptr && !frame(R"({"code":"internal error","message":"unexpected EOF"})"))
        return false;
    if (!end_chunk()) return false;
    wire_ += "0\r\n\r\n";
    return send();
}

} // namespace fluxgate::sample
