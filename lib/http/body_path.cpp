#include "http/body_path.hpp"

#include "http/exchange_text.hpp"

#include <algorithm>

namespace fluxgate::http {
namespace {

constexpr std::size_t kTrailingKept = 200;
constexpr std::uint64_t kTrailingBound = 64u << 10;

// Untrusted bytes in one printable line.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c >= 0x20 && c < 0x7f ? c : '.';
    return out;
}

} // namespace

void BodyPath::reset(BodySink& sink, const Limits& limits) {
    sink_ = &sink;
    gzip_ = collect_ = undecodable_ = full_ = handed_on_ = false;
    limits_ = limits;
    budget_ = kBudget;
    error_body_.clear();
    trailing_.clear();
    trailing_bytes_ = wire_bytes_ = body_bytes_ = 0;
}

bool BodyPath::begin(const Head& head) {
    collect_ = head.status < 200 || head.status > 299;
    const std::string coding = lower(head.header("Content-Encoding"));
    if (coding.empty() || coding == "identity") return true;
    if (coding != "gzip" && coding != "x-gzip") {
        undecodable_ = collect_; // the status of an error matters more than its text
        return collect_;
    }
    gzip_ = true;
    if (!decoder_) decoder_ = std::make_unique<GzipDecoder>();
    decoder_->reset();
    return true;
}

void BodyPath::begin_turn() {
    handed_on_ = false;
    budget_ = kBudget;
    if (pending()) decoder_->feed({}, budget_, *this);
}

std::size_t BodyPath::on_wire_body(std::string_view bytes) {
    if (full_) return 0;
    if (undecodable_) {
        wire_bytes_ += bytes.size();
        return bytes.size();
    }
    if (!gzip_) {
        wire_bytes_ += bytes.size();
        on_decoded(bytes);
        return full_ ? 0 : bytes.size();
    }
    std::size_t used = decoder_->feed(bytes, budget_, *this);
    if (decoder_->state() == GzipDecoder::State::trailing) {
        keep_trailing(bytes.substr(used));
        used = bytes.size();
    }
    wire_bytes_ += used;
    return used;
}

void BodyPath::on_decoded(std::string_view bytes) {
    body_bytes_ += bytes.size();
    budget_ -= std::min(budget_, bytes.size());
    if (!collect_) {
        handed_on_ = true;
        sink_->on_body(bytes);
        return;
    }
    const std::size_t room = limits_.max_error_body - error_body_.size();
    error_body_ += bytes.substr(0, room);
    full_ = full_ || bytes.size() > room;
}

void BodyPath::keep_trailing(std::string_view bytes) {
    trailing_bytes_ += bytes.size();
    trailing_ += bytes.substr(0, kTrailingKept - std::min(kTrailingKept, trailing_.size()));
}

bool BodyPath::damaged() const noexcept {
    return gzip_ && decoder_->state() == GzipDecoder::State::damaged;
}
bool BodyPath::bomb() const noexcept {
    return gzip_ && limits_.max_decompression_ratio > 0 && body_bytes_ > limits_.free_decoded_bytes &&
           body_bytes_ / limits_.max_decompression_ratio > wire_bytes_;
}
bool BodyPath::mismatch() const noexcept {
    return gzip_ && decoder_->state() == GzipDecoder::State::mismatch;
}
bool BodyPath::trailing_bound() const noexcept {
    return trailing_bytes_ > kTrailingBound;
}

std::string BodyPath::coding_problem() const {
    if (undecodable_) return "the error's text has a content coding that is not supported";
    if (full_) return "the error's text is longer than " + std::to_string(limits_.max_error_body) + " bytes";
    if (!gzip_) return {};
    switch (decoder_->state()) {
    case GzipDecoder::State::ended: return {};
    case GzipDecoder::State::empty: return "the answer was announced as gzip, but holds no gzip data";
    case GzipDecoder::State::inside: return "the gzip data ended without its trailer, after " + std::to_string(wire_bytes_) + " bytes";
    case GzipDecoder::State::mismatch: return "the gzip trailer does not match the data (checksum or length)";
    case GzipDecoder::State::damaged: return "the gzip data is damaged at about byte " + std::to_string(wire_bytes_);
    case GzipDecoder::State::trailing: break;
    }
    return std::to_string(trailing_bytes_) + " bytes follow the finished gzip data; they begin with \"" + printable(trailing_) + "\"";
}

} // namespace fluxgate::http
