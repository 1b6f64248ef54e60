// A document that was explained gives the stage the same settings.
#include "config/explain.hpp"

#include "config/findings.hpp"
#include "influxdb/settings.hpp"
#include "merge_patch.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <rapidjson/pointer.h>

#include <fstream>
#include <iterator>
#include <sstream>

using namespace fluxgate;
using namespace fluxgate::influxdb;

namespace {

class Catalog : public config::StageCatalog {
public:
    std::optional<std::int32_t> kind_of(std::string_view type) const override {
        if (type == "input/influxdbv2@v1") return FG_KIND_SOURCE;
        if (type == "output/stdout@v1") return FG_KIND_OUTPUT;
        return std::nullopt;
    }
    std::vector<stage::Violation> validate(std::string_view type, std::string_view document) const override {
        return type == "input/influxdbv2@v1" ? parse_settings(document).violations : std::vector<stage::Violation>{};
    }
    std::string schema_of(std::string_view type) const override {
        std::ifstream file{FLUXGATE_SOURCE_DIR "/schemas/input.influxdbv2.v1.json"};
        return type == "input/influxdbv2@v1" ? std::string{std::istreambuf_iterator<char>{file}, {}} : std::string{};
    }
    std::vector<std::string> types() const override { return {"input/influxdbv2@v1", "output/stdout@v1"}; }
};

// Every setting in words, so that two of them can be compared.
std::string words(const Settings& s) {
    std::ostringstream out;
    const auto ns = [](std::chrono::nanoseconds time) { return time.count(); };
    out << s.display_name << '|' << s.url.https << s.url.host << ':' << s.url.port << s.url.prefix << '|' << s.organization << '|' << s.secret_name
        << '|' << s.query << '|' << ns(s.interval) << '|' << s.partition_count << '|' << static_cast<int>(s.strategy) << s.partition_expression << '|'
        << ns(s.timeouts.connect) << ',' << ns(s.timeouts.first_byte) << ',' << ns(s.timeouts.idle) << '|' << static_cast<int>(s.retry.type) << ','
        << ns(s.retry.initial) << ',' << ns(s.retry.max) << ',' << (s.retry.max_retries ? std::to_string(*s.retry.max_retries) : "no limit") << '|'
        << s.tls.ca_file << ',' << s.tls.cert_file << ',' << s.tls.key_file << ',' << s.tls.tls13_only << s.tls.insecure_skip_verify << '|'
        << static_cast<int>(s.compression) << static_cast<int>(s.non_finite) << static_cast<int>(s.nulls) << '|' << s.batch.max_rows << ','
        << s.batch.max_bytes << ',' << ns(s.batch.max_delay) << '|' << s.limits.max_row_bytes << ',' << s.limits.max_columns << ','
        << s.limits.max_header_bytes << ',' << s.limits.max_annotations << ',' << s.limits.max_decompression_ratio << '|'
        << static_cast<int>(s.delivery) << s.spool_bytes << '|';
    if (!s.incremental) return out.str();
    const Incremental& i = *s.incremental;
    out << (i.start ? std::to_string(*i.start) : "-") << ',' << ns(i.past) << ',' << (i.stop ? std::to_string(*i.stop) : "-") << ',' << ns(i.window)
        << ',' << ns(i.delay) << ',' << ns(i.lookback) << ',' << i.concurrency << ',' << ns(i.align) << ',' << ns(i.window_period) << ','
        << i.row_wise;
    return out.str();
}

} // namespace

TEST_CASE("an explained document gives the source exactly the settings, and the warnings, that the original gives") {
    const Catalog catalog;
    const std::string windows = R"json("query":{"expression":"from(bucket:\"b\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop)"},)json";
    for (const std::string& patch : std::vector<std::string>{
             "{}", R"({"retry":{"initial":"5m"}})", R"({"retry":{"type":"none"}})", R"({"retry":{"type":"fixed","initial":"2m","maxRetries":3}})",
             R"({"url":"http://localhost:8086"})", R"({"url":"http://localhost:8086","tls":{"minVersion":"1.3"}})", R"({"tls":{"caFile":"/ca"}})",
             R"({"partitionCount":4,"partitionStrategy":{"type":"key","expression":".payload.host"}})", R"({"timeouts":{"idle":"1s"}})",
             R"({"batch":{"maxBytes":1000},"limits":{"maxColumns":9},"compression":"none","nulls":"omit","nonFinite":"deadLetter"})",
             R"({"delivery":"verified"})", "{" + windows + R"("incremental":{"start":"-1h"}})",
             "{" + windows + R"("incremental":{"start":"2026-01-01T00:00:00Z","align":"1h","rowWise":true}})",
             "{" + windows + R"("incremental":{"start":"2026-01-01T00:00:00Z","align":"7m","lookback":"1m"}})",
             R"({"query":null,"read":{"bucket":"b","fields":["x"]},"incremental":{"start":"-1h","window":"1m"}})"}) {
        const std::string document = patched(patch);
        INFO(document);
        const ParsedSettings original = parse_settings(document);
        REQUIRE(original.settings);
        const config::Explanation explained = config::explain_pipeline(document, catalog, {});
        REQUIRE(explained.text);
        const config::JsonText json = config::parse_json(*explained.text);
        REQUIRE(json.parsed);
        INFO(*explained.text);
        const ParsedSettings again = parse_settings(config::to_text(json.dom["input"]));
        REQUIRE(again.settings);
        CHECK(words(*again.settings) == words(*original.settings));
        CHECK(stage::violations_json(again.violations) == stage::violations_json(original.violations));
    }
}
