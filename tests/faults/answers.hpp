// The answer that is damaged, and the ways to put it on the wire.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::faults {

// About 20 KB of annotated CSV as InfluxDB writes it: two results, several schemas, quoted fields with quotes, line ends and
// blank lines inside, nulls.
struct Answer {
    std::string body;
    std::size_t rows = 0;
    // Positions right behind a blank line that closes a table or result but is not the last: a body that ends there looks
    // like a shorter complete answer. With the number of rows before.
    std::vector<std::pair<std::size_t, std::size_t>> look_complete;
};
Answer make_answer();

std::string gzip(std::string_view body, bool with_trailer = true);

// "HTTP/1.1 200 OK" with chunk framing in chunks of 4096 bytes, the last chunk included. `encoding`: "" or "gzip".
std::string chunked_answer(std::string_view body, std::string_view encoding);

// A plain answer with Content-Length.
std::string plain_answer(std::string_view status, std::string_view headers, std::string_view body);

} // namespace fluxgate::faults
