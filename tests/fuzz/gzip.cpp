// The gzip decoder in any pieces and with any budget, against zlib: both call the same bytes complete, and then the text is the
// same; else what both had decoded is the beginning of one text.
// Input: mode, size of pieces, seed, bytes. By mode the bytes are gzip data, or are compressed here and then damaged.
#include "http/gzip.hpp"
#include "input.hpp"
#include "targets.hpp"

#include <zlib.h>

namespace fluxgate::fuzz::gzip {

namespace {

using http::GzipDecoder;

constexpr std::size_t most_text = 8u << 20; // of what a bomb makes

struct Verdict {
    bool complete = false;
    bool lenient = false; // zlib refuses a reserved flag of a header, which the decoder does not look at
    std::string text;
};

// zlib's word on a series of members: each ends with its trailer, the next begins right behind it.
Verdict by_zlib(std::string_view bytes) {
    Verdict verdict;
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) broken("zlib starts", "");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    bool inside = false;
    while (verdict.text.size() < most_text) {
        if (!inside && stream.avail_in == 0) break;
        inside = true;
        char piece[16384];
        stream.next_out = reinterpret_cast<Bytef*>(piece);
        stream.avail_out = sizeof piece;
        const int code = inflate(&stream, Z_NO_FLUSH);
        verdict.text.append(piece, sizeof piece - stream.avail_out);
        if (code == Z_STREAM_END) {
            inside = false;
            verdict.complete = stream.avail_in == 0;
            inflateReset(&stream);
        } else if (code != Z_OK) {
            verdict.lenient = stream.msg != nullptr && std::string_view{stream.msg} == "unknown header flags set";
            break;
        }
    }
    inflateEnd(&stream);
    return verdict;
}

struct Sink : GzipDecoder::Target {
    std::string text;
    void on_decoded(std::string_view bytes) override {
        demand(!bytes.empty() && bytes.size() <= GzipDecoder::kPiece, "output comes in pieces of at most 64 KiB");
        text += bytes;
    }
};

Verdict by_decoder(GzipDecoder& decoder, std::string_view bytes, Cut cut, std::size_t budget) {
    decoder.reset();
    Sink sink;
    in_pieces(bytes, cut, [&](std::string_view piece) {
        while ((!piece.empty() || decoder.pending()) && decoder.state() <= GzipDecoder::State::ended) {
            if (sink.text.size() >= most_text) return false;
            const std::size_t made = sink.text.size();
            const std::size_t used = decoder.feed(piece, budget, sink);
            demand(used <= piece.size(), "no more is taken than was given");
            demand(sink.text.size() - made < budget + GzipDecoder::kPiece, "the budget is passed by one piece at most");
            piece.remove_prefix(used);
        }
        return piece.empty();
    });
    demand_equal(decoder.decoded(), sink.text.size(), "decoded bytes are counted");
    Verdict verdict;
    verdict.complete = decoder.state() == GzipDecoder::State::ended;
    verdict.text = std::move(sink.text);
    return verdict;
}

std::string compressed(std::string_view text, int level) {
    z_stream stream{};
    if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) broken("zlib starts", "");
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) broken("zlib compresses", "");
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

// Bytes that are mostly right: members made of the text, cut, damaged in one place, or followed by something.
std::string nearly_right(Input& input) {
    const std::uint8_t kind = input.byte(), where = input.byte(), what = input.byte();
    std::string out = compressed(input.rest(), kind % 10);
    if ((kind & 16) != 0) out += compressed(input.rest().substr(0, where), 6);
    const std::size_t at = where * out.size() / 256;
    if ((kind & 32) != 0) out[at] = static_cast<char>(out[at] ^ what);
    if ((kind & 64) != 0) out.resize(at);
    if ((kind & 128) != 0) out += static_cast<char>(what);
    return out;
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    static GzipDecoder decoder;
    Input input{data, size};
    const std::uint8_t mode = input.byte(), pieces = input.byte();
    const Cut cut = Cut::chosen_by(pieces, input.byte());
    const std::size_t budget = (mode & 2) != 0 ? 1 + mode : SIZE_MAX / 2;
    const std::string bytes = (mode & 1) != 0 ? nearly_right(input) : std::string{input.rest()};
    const Verdict wanted = by_zlib(bytes);
    for (const Cut& each : {cut, Cut{}, Cut{1, 0}}) {
        const Verdict found = by_decoder(decoder, bytes, each, budget);
        if (wanted.lenient || wanted.text.size() >= most_text || found.text.size() >= most_text) return 0;
        demand_equal(found.complete, wanted.complete, "whether zlib calls the gzip data complete");
        if (wanted.complete) demand_equal(found.text, wanted.text, "the text that zlib decodes");
        const std::size_t both = std::min(found.text.size(), wanted.text.size());
        demand(found.text.compare(0, both, wanted.text, 0, both) == 0, "what is decoded of damaged data is what zlib decodes of it");
    }
    return 0;
}

} // namespace fluxgate::fuzz::gzip
