// The answers that the benchmark reads: annotated CSV by the sample server's encoder, rendered once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::bench {

// KIND:NUMBERS is one of
//   rows:ROWS,TABLES[,grouped|ungrouped|quoted]   the rows of the sample server's --bench: 10 columns, about 170 bytes
//   columns:COLUMNS,ROWS   one table: _time, the tag host, and so many columns of alternating types, as a pivoted query gives
//   field:BYTES,ROWS       one table: _time, the tag host, and one string of so many bytes
// Throws std::runtime_error when it is none.
std::string answer_csv(std::string_view what);

// What every time of such an answer begins with; the next days do not occur.
inline constexpr const char* answer_day = "2026-11-21T";

// What stands before the chunks. `coding` is "" or "gzip".
std::string answer_head(std::string_view coding);

// The body in HTTP's chunked framing, last chunk included.
std::string in_chunks(std::string_view body, std::size_t chunk_size);

// The body compressed as InfluxDB's gzip does it: one member, zlib's default level.
std::string gzipped(std::string_view body);

// The header of the rows that tick_row makes, and row number `index` of them: _time and the column `seq`.
std::string tick_header();
std::string tick_row(std::uint64_t index);

} // namespace fluxgate::bench
