#include "bench_answer.hpp"

#include "csv_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fluxgate::sample {
namespace {

constexpr std::uint64_t max_rows = 20'000'000;

template <class T>
bool number(std::string_view text, T& out) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

} // namespace

Result<BenchSpec> parse_bench(std::string_view text) {
    const auto comma = text.find(',');
    const auto second = comma == std::string_view::npos ? comma : text.find(',', comma + 1);
    const std::string_view kind = second == std::string_view::npos ? "grouped" : text.substr(second + 1);
    BenchSpec spec;
    const bool numbers = comma != std::string_view::npos && number(text.substr(0, comma), spec.rows) &&
                         number(text.substr(comma + 1, second == std::string_view::npos ? second : second - comma - 1), spec.tables);
    const bool kinds = kind == "grouped" || kind == "ungrouped" || kind == "quoted";
    if (!numbers || !kinds || spec.rows == 0 || spec.rows > max_rows || spec.tables == 0 || spec.tables > spec.rows) {
        Error e;
        e.code = Errc::invalid_argument;
        e.message = "bench \"" + std::string{text} +
                    "\": ROWS,TABLES[,grouped|ungrouped|quoted] is needed, with 1 to 20000000 rows and at most as many tables, e.g. 1000000,200";
        return e;
    }
    spec.kind = kind == "quoted" ? BenchSpec::Kind::quoted : kind == "ungrouped" ? BenchSpec::Kind::ungrouped : BenchSpec::Kind::grouped;
    return spec;
}

std::string bench_csv(const BenchSpec& spec) {
    const bool grouped = spec.kind != BenchSpec::Kind::ungrouped, quoted = spec.kind == BenchSpec::Kind::quoted;
    const std::vector<Column> columns{{"_start", Type::time, grouped},   {"_stop", Type::time, grouped},
                                      {"_time", Type::time, false},      {"_value", quoted ? Type::string : Type::floating, false},
                                      {"_field", Type::string, grouped}, {"_measurement", Type::string, grouped},
                                      {"host", Type::string, grouped},   {"site", Type::string, grouped}};
    constexpr std::int64_t start = 1'795'258'000 * second_ns + 576'444'139; // 2026-11-21
    constexpr std::array<std::string_view, 4> sites{"north hall 1", "north hall 2", "south hall 1", "south hall 2"};
    std::string out;
    out.reserve(spec.rows * 176 + 1024);
    CsvWriter writer(out, Dialect::annotated());
    writer.begin_result("_result");
    const Row no_key(columns.size());
    Row row{Time{start},
            Time{start + 3600 * second_ns},
            Null{},
            Null{},
            std::string_view{"temperature_celsius"},
            std::string_view{"plant_machine"},
            Null{},
            Null{}};
    std::string host, text;
    const auto put = [&](std::uint64_t series, std::uint64_t index) {
        const auto mixed = (index * 2654435761u + series * 40503u) & 0xFFFFu;
        host = "machine-" + std::to_string(10000 + series);
        row[2] = Time{start + static_cast<std::int64_t>(index) * 1'000'003 + 1};
        if (quoted) {
            text = "a \"" + std::to_string(mixed) + "\", b";
            row[3] = std::string_view{text};
        } else {
            row[3] = 20.0 + static_cast<double>(mixed) / 10000.0;
        }
        row[6] = std::string_view{host};
        row[7] = sites[series % sites.size()];
        writer.row(row);
    };
    if (!grouped) {
        writer.begin_table(columns, no_key);
        for (std::uint64_t i = 0; i < spec.rows; ++i) {
            put(i % spec.tables, i);
        }
        writer.end_table();
    }
    for (std::uint64_t t = 0, done = 0; grouped && t < spec.tables; ++t) {
        const std::uint64_t count = spec.rows / spec.tables + (t < spec.rows % spec.tables ? 1 : 0);
        writer.begin_table(columns, no_key);
        for (std::uint64_t i = 0; i < count; ++i) {
            put(t, done + i);
        }
        writer.end_table();
        done += count;
    }
    writer.end_result();
    return out;
}

std::string chunked(std::string_view body, std::size_t chunk_size) {
    std::string out;
    out.reserve(body.size() + body.size() / chunk_size * 10 + 64);
    std::array<char, 20> size{};
    while (!body.empty()) {
        const auto piece = body.substr(0, chunk_size);
        const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
        out.append(size.data(), static_cast<std::size_t>(end - size.data()));
        out += "\r\n";
        out += piece;
        out += "\r\n";
        body.remove_prefix(piece.size());
    }
    return out += "0\r\n\r\n";
}

} // namespace fluxgate::sample
