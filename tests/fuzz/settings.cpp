// The stage's configuration: a document of any bytes is read, or refused with violations; what is read keeps its bounds.
// Input: mode, bytes. By mode they are the whole document, or further fields of one that is right.
#include "influxdb/settings.hpp"
#include "findings.hpp"
#include "input.hpp"
#include "targets.hpp"

namespace fluxgate::fuzz::settings {

namespace {

constexpr std::string_view beginning = R"({"type":"input/influxdbv2@v1","displayName":"n","organization":"o",)"
                                       R"("authentication":{"type":"accessToken","accessToken":"token"})";
constexpr std::string_view common = R"x(,"url":"https://influx.example.com","query":{"expression":"from(bucket:\"b\")"},"interval":"10s")x";

void keeps_its_bounds(const influxdb::Settings& s) {
    demand(!s.url.host.empty() && s.url.port != 0, "there is a server");
    demand(s.interval.count() > 0, "the interval is positive");
    demand(s.partition_count >= 1, "there is a partition");
    demand(s.timeouts.connect.count() > 0 && s.timeouts.first_byte.count() > 0 && s.timeouts.idle.count() > 0, "deadlines are positive");
    demand(s.retry.initial.count() > 0 && s.retry.initial <= s.retry.max, "the first wait is not longer than the longest");
    demand(s.batch.max_rows >= 1 && s.batch.max_bytes >= 1 && s.batch.max_bytes <= 32u << 20, "batches are bounded");
    demand(s.limits.max_row_bytes >= 1 && s.limits.max_row_bytes <= 256u << 20, "rows are bounded");
    demand(s.limits.max_columns >= 1 && s.limits.max_columns <= 65536, "columns are bounded");
    demand(s.limits.max_header_bytes >= 1 && s.limits.max_header_bytes <= 64u << 20, "headers are bounded");
    demand(s.limits.max_annotations >= 1 && s.limits.max_annotations <= 1024, "annotation rows are bounded");
    demand(s.limits.max_decompression_ratio >= 1 && s.limits.max_decompression_ratio <= 1'000'000, "decompression is bounded");
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint8_t mode = input.byte();
    std::string document{input.rest()};
    if ((mode & 1) != 0) document = std::string{beginning} + ((mode & 2) != 0 ? std::string{common} : std::string{}) + "," + document + "}";
    const influxdb::ParsedSettings parsed = influxdb::parse_settings(document);
    judge_violations(parsed.violations);
    demand_equal(parsed.settings.has_value(), !config::has_error(parsed.violations), "settings are there when there is no error");
    if (parsed.settings) keeps_its_bounds(*parsed.settings);
    return 0;
}

} // namespace fluxgate::fuzz::settings
