#include "answers.hpp"

#include "sample_server/bench_answer.hpp"
#include "sample_server/csv_writer.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <vector>
#include <zlib.h>

namespace fluxgate::bench {

namespace {

using namespace fluxgate::sample;

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t start = 1'795'258'000 * second; // 2026-11-21

std::vector<std::uint64_t> numbers(std::string_view text) {
    std::vector<std::uint64_t> out;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(','));
        std::uint64_t value = 0;
        const auto read = std::from_chars(word.data(), word.data() + word.size(), value);
        if (read.ec != std::errc{} || read.ptr != word.data() + word.size()) throw std::runtime_error("not a number: " + std::string{word});
        out.push_back(value);
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return out;
}

std::uint64_t mixed(std::uint64_t i) {
    i = (i ^ (i >> 31)) * 0x9E3779B97F4A7C15u;
    return i ^ (i >> 29);
}

// One table with `columns`; `fill` sets a row's values from the third on.
template <class Fill>
std::string one_table(std::vector<Column> more, std::uint64_t rows, Fill fill) {
    std::vector<Column> columns{{"_time", Type::time, false}, {"host", Type::string, true}};
    columns.insert(columns.end(), more.begin(), more.end());
    std::string out;
    CsvWriter writer{out, Dialect::annotated()};
    writer.begin_result("_result");
    const Row no_key(columns.size());
    writer.begin_table(columns, no_key);
    Row row(columns.size());
    row[1] = std::string_view{"machine-10001"};
    for (std::uint64_t i = 0; i < rows; ++i) {
        row[0] = Time{start + static_cast<std::int64_t>(i) * 1'000'003 + 1};
        fill(row, i);
        writer.row(row);
    }
    writer.end_table();
    writer.end_result();
    return out;
}

std::string wide(std::uint64_t count, std::uint64_t rows) {
    static constexpr std::array<Type, 4> types{Type::floating, Type::integer, Type::string, Type::boolean};
    static constexpr std::array<std::string_view, 4> states{"idle", "running", "stopped for service", "waiting"};
    std::vector<Column> columns;
    for (std::uint64_t c = 0; c < count; ++c) {
        columns.push_back({"column_" + std::to_string(c), types[c % types.size()], false});
    }
    return one_table(columns, rows, [&](Row& row, std::uint64_t i) {
        for (std::uint64_t c = 0; c < count; ++c) {
            const std::uint64_t random = mixed(i * count + c);
            Value& value = row[c + 2];
            switch (types[c % types.size()]) {
            case Type::floating: value = static_cast<double>(random % 1'000'000) / 1000.0; break;
            case Type::integer: value = static_cast<std::int64_t>(random % 1'000'000); break;
            case Type::string: value = states[random % states.size()]; break;
            default: value = (random & 1u) != 0; break;
            }
        }
    });
}

std::string long_fields(std::uint64_t bytes, std::uint64_t rows) {
    static constexpr std::array<std::string_view, 8> words{"bearing ",     "temperature ", "of ",       "press ",
                                                           "above limit ", "inspected ",   "by shift ", "two "};
    std::string text;
    return one_table({{"text", Type::string, false}}, rows, [&](Row& row, std::uint64_t i) {
        text = std::to_string(i) + ' ';
        for (std::uint64_t w = i; text.size() < bytes; ++w)
            text += words[mixed(w) % words.size()];
        text.resize(bytes, '.');
        row[2] = std::string_view{text};
    });
}

} // namespace

std::string answer_csv(std::string_view what) {
    const auto colon = what.find(':');
    const std::string_view kind = what.substr(0, colon), rest = colon == std::string_view::npos ? std::string_view{} : what.substr(colon + 1);
    if (kind == "rows") {
        const auto spec = parse_bench(rest);
        if (!spec) throw std::runtime_error(spec.error().text());
        return bench_csv(*spec);
    }
    const std::vector<std::uint64_t> n = numbers(rest);
    if (n.size() == 2 && kind == "columns") return wide(n[0], n[1]);
    if (n.size() == 2 && kind == "field") return long_fields(n[0], n[1]);
    throw std::runtime_error("there is no answer \"" + std::string{what} + "\"; there are rows:, columns: and field:");
}

std::string answer_head(std::string_view coding) {
    std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\nTransfer-Encoding: chunked\r\nVary: Accept-Encoding\r\n";
    if (!coding.empty()) ((head += "Content-Encoding: ") += coding) += "\r\n";
    return head += "X-Influxdb-Build: OSS\r\nX-Influxdb-Version: 2.7-bench\r\n\r\n";
}

std::string in_chunks(std::string_view body, std::size_t chunk_size) {
    return chunked(body, chunk_size);
}

std::string gzipped(std::string_view body) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::runtime_error("zlib cannot be used");
    std::string out;
    std::vector<Bytef> piece(1u << 20);
    for (int code = Z_OK; code != Z_STREAM_END;) {
        if (stream.avail_in == 0 && !body.empty()) {
            const std::string_view part = body.substr(0, 1u << 28); // avail_in has 32 bits
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
            stream.avail_in = static_cast<uInt>(part.size());
            body.remove_prefix(part.size());
        }
        stream.next_out = piece.data();
        stream.avail_out = static_cast<uInt>(piece.size());
        code = deflate(&stream, body.empty() ? Z_FINISH : Z_NO_FLUSH);
        out.append(reinterpret_cast<const char*>(piece.data()), piece.size() - stream.avail_out);
    }
    deflateEnd(&stream);
    return out;
}

std::string tick_header() {
    return "#datatype,string,long,dateTime:RFC3339,string,long\r\n#group,false,false,false,true,false\r\n#default,_result,,,,\r\n"
           ",result,table,_time,host,seq\r\n";
}

std::string tick_row(std::uint64_t index) {
    return ",,0," + time_text(Time{start + static_cast<std::int64_t>(index) * 1'000'000}) + ",machine-10001," + std::to_string(index) + "\r\n";
}

} // namespace fluxgate::bench
