// The body of one answer on its way to the client: chunked framing, gzip where it pays, faults where they are ordered.
#pragma once

#include "connection.hpp"
#include "faults.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fluxgate::sample {

struct AnswerOptions {
    std::size_t chunk_size = 4096;
    bool client_takes_gzip = false;
};

// One thread. Every call answers false once the client is gone or the connection was cut; nothing more happens then.
class Answer {
public:
    // Smaller bodies are not compressed, as on the real server.
    static constexpr std::size_t gzip_threshold = 1400;

    // `head` is status line and fields without those of framing and coding, each line with its CRLF. `faults` must outlive
    // the answer.
    Answer(Connection& connection, std::string head, AnswerOptions options, const FaultsOfRequest& faults);
    ~Answer();
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    bool write(std::string_view body);
    bool flush(); // what was written goes out now
    bool finish();
    [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; } // before compression

private:
    struct Gzip;
    bool begin();
    bool encode(std::string_view body, int zlib_flush);
    bool frame(std::string_view bytes);
    bool end_chunk();
    bool send();

    Connection& connection_;
    std::string head_;
    AnswerOptions options_;
    const FaultsOfRequest& faults_;
    bool begun_ = false;
    std::string pending_; // the body until the coding is chosen
    std::unique_ptr<Gzip> gzip_;
    std::string tail_; // with gzip_no_trailer: the last bytes so far, which may be the trailer
    std::string chunk_, wire_;
    std::uint64_t body_bytes_ = 0;
};

} // namespace fluxgate::sample
