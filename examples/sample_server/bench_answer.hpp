// One big answer, rendered once: what benchmarks read. Serving it costs the server hardly more than the kernel's copy.
#pragma once

#include "fluxgate/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::sample {

struct BenchSpec {
    enum class Kind {
        grouped,   // one table a series, as a plain read gives
        ungrouped, // all series in one table, as group() gives; the tags change from row to row
        quoted,    // grouped, and the value is a string that must be quoted
    };
    std::uint64_t rows = 0;
    std::uint32_t tables = 1; // series; rows are spread evenly
    Kind kind = Kind::grouped;
};

// ROWS,TABLES[,grouped|ungrouped|quoted]; at most 20,000,000 rows.
Result<BenchSpec> parse_bench(std::string_view text);

// Annotated CSV of exactly spec.rows rows of about 170 bytes and 10 columns, CRLF, complete.
std::string bench_csv(const BenchSpec& spec);

// The body in HTTP's chunked framing, last chunk included.
std::string chunked(std::string_view body, std::size_t chunk_size);

} // namespace fluxgate::sample
