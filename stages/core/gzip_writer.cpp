#include "core/gzip_writer.hpp"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>

namespace fluxgate::core {

struct GzipWriter::Engine {
    isal_zstream stream;
    std::array<std::uint8_t, ISAL_DEF_LVL1_DEFAULT> work;
    std::array<std::uint8_t, 64u << 10> piece;
};

GzipWriter::GzipWriter() : engine_(new Engine) { // not value-initialised: the library fills it
    isal_deflate_init(&engine_->stream);
    engine_->stream.gzip_flag = IGZIP_GZIP;
    engine_->stream.level = 1;
    engine_->stream.level_buf = engine_->work.data();
    engine_->stream.level_buf_size = static_cast<std::uint32_t>(engine_->work.size());
}
GzipWriter::~GzipWriter() = default;
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter& GzipWriter::operator=(GzipWriter&&) noexcept = default;

void GzipWriter::run(std::string_view text, bool last, std::string& out) {
    isal_zstream& stream = engine_->stream;
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())); // the library does not write to it
    stream.avail_in = static_cast<std::uint32_t>(text.size());
    stream.end_of_stream = last ? 1 : 0;
    do {
        stream.next_out = engine_->piece.data();
        stream.avail_out = static_cast<std::uint32_t>(engine_->piece.size());
        isal_deflate(&stream); // fails for wrong parameters only, and these are fixed
        out.append(reinterpret_cast<const char*>(engine_->piece.data()), engine_->piece.size() - stream.avail_out);
    } while (stream.avail_out == 0 || stream.avail_in > 0);
}

void GzipWriter::add(std::string_view text, std::string& out) {
    constexpr std::size_t most = 1u << 30; // the library counts in 32 bits
    for (; !text.empty(); text.remove_prefix(std::min(text.size(), most)))
        run(text.substr(0, most), false, out);
}

void GzipWriter::end(std::string& out) {
    run({}, true, out);
}

} // namespace fluxgate::core
