#include "influxdb/settings.hpp"

#include "config/json_text.hpp"
#include "config/schema_check.hpp"
#include "merge_patch.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

using namespace fluxgate::influxdb;
using namespace std::chrono_literals;
using fluxgate::stage::Violation;

namespace {

// The sample of the stage's documentation, byte for byte.
constexpr std::string_view sample = R"json({
  "displayName": "InfluxDB v2 - ec8750",
  "type": "input/influxdbv2@v1",
  "query": { "expression": "from(bucket:\\\"test-bucket\\\") |> range(start: -1h) |> filter(fn: (r) => r._measurement == \\\"stat\\\")" },
  "url": "https://contoso.com/some/url/path",
  "interval": "5s",
  "port": 443,
  "organization": "test-org",
  "format": { "type": "json" },
  "partitionCount": 1,
  "partitionStrategy": { "type": "id", "expression": "0" },
  "authentication": { "type": "accessToken", "accessToken": "AKV_ACCESS_TOKEN" },
  "description": "Example InfluxDB source stage"
})json";

// The stage's schema without the lines of the keyword "format" (the field of that name has an object).
std::string schema_without_formats() {
    std::ifstream file{FLUXGATE_SOURCE_DIR "/schemas/input.influxdbv2.v1.json"};
    std::string out;
    for (std::string line; std::getline(file, line);)
        if (line.find("\"format\": \"") == std::string::npos) out += line + "\n";
    return out;
}

std::string warnings(std::string_view patch) {
    const ParsedSettings parsed = parse_settings(patched(patch));
    std::string out = parsed.settings ? "" : "NO SETTINGS ";
    for (const Violation& v : parsed.violations)
        out += (v.warning ? "" : "error ") + v.pointer + " " + v.message.substr(0, 24) + "|";
    return out;
}

} // namespace

TEST_CASE("the sample document loads unchanged, its expression comes out un-escaped, with a warning") {
    const ParsedSettings parsed = parse_settings(sample);
    REQUIRE(parsed.settings);
    REQUIRE(parsed.violations.size() == 1);
    CHECK(parsed.violations[0].warning);
    CHECK(parsed.violations[0].pointer == "/query/expression");
    CHECK(parsed.violations[0].message == "every quotation mark stands behind a backslash; the expression was un-escaped once before use");
    const Settings& s = *parsed.settings;
    CHECK(s.query == R"(from(bucket:"test-bucket") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "stat"))");
    CHECK(s.display_name == "InfluxDB v2 - ec8750");
    CHECK(s.url.https);
    CHECK(s.url.host == "contoso.com");
    CHECK(s.url.port == 443);
    CHECK(s.url.prefix == "/some/url/path");
    CHECK(s.organization == "test-org");
    CHECK(s.secret_name == "AKV_ACCESS_TOKEN");
    CHECK(s.interval == 5s);
    CHECK(s.partition_count == 1);
    CHECK(s.strategy == Strategy::id);
    CHECK(s.partition_expression == "0");
}

TEST_CASE("a document with the required fields alone gets the documented defaults and no warning") {
    const ParsedSettings parsed = parse_settings(patched("{}"));
    REQUIRE(parsed.settings);
    CHECK(parsed.violations.empty());
    const Settings& s = *parsed.settings;
    CHECK(s.url.port == 443);
    CHECK(s.url.prefix.empty());
    CHECK(s.timeouts.connect == 10s);
    CHECK(s.timeouts.first_byte == 5min);
    CHECK(s.timeouts.idle == 60s);
    CHECK(s.retry.type == RetryType::exponential);
    CHECK(s.retry.initial == 500ms);
    CHECK(s.retry.max == 60s);
    CHECK_FALSE(s.retry.max_retries);
    CHECK_FALSE(s.tls.tls13_only);
    CHECK_FALSE(s.tls.insecure_skip_verify);
    CHECK(s.compression == Compression::automatic);
    CHECK(s.non_finite == NonFinite::null);
    CHECK(s.nulls == Nulls::include);
    CHECK(s.batch.max_rows == 5000);
    CHECK(s.batch.max_bytes == 256 * 1024);
    CHECK(s.batch.max_delay == 100ms);
    CHECK(s.limits.max_row_bytes == 16u << 20);
    CHECK(s.limits.max_columns == 4096);
    CHECK(s.limits.max_header_bytes == 1u << 20);
    CHECK(s.limits.max_annotations == 16);
    CHECK(s.limits.max_decompression_ratio == 1000);
    CHECK(s.delivery == Delivery::streaming);
    CHECK(s.spool_bytes == 1ull << 30);
}

TEST_CASE("every setting that is given arrives") {
    const ParsedSettings parsed = parse_settings(patched(R"({"url":"http://[::1]:8086/p/","port":8086,"partitionCount":1024,
        "partitionStrategy":{"type":"key","expression":".payload.host"},"next":["a"],"viewOptions":{"x":1},
        "timeouts":{"connect":"1s","firstByte":"2m","idle":"3s"},"retry":{"type":"fixed","initial":"2m","maxRetries":0},
        "tls":{"caFile":"a","certFile":"b","keyFile":"c","minVersion":"1.3","insecureSkipVerify":true},
        "compression":"gzip","nonFinite":"deadLetter","nulls":"omit","batch":{"maxRows":1,"maxBytes":1,"maxDelay":"0s"},
        "limits":{"maxRowBytes":"1KiB","maxColumns":7,"maxHeaderBytes":4096,"maxAnnotations":5,"maxDecompressionRatio":50},"delivery":"streaming","spoolBytes":"2GiB"})"));
    REQUIRE(parsed.settings);
    const Settings& s = *parsed.settings;
    CHECK_FALSE(s.url.https);
    CHECK(s.url.host == "::1");
    CHECK(s.url.port == 8086);
    CHECK(s.url.prefix == "/p");
    CHECK(s.partition_count == 1024);
    CHECK(s.strategy == Strategy::key);
    CHECK(s.partition_expression == ".payload.host");
    CHECK(s.timeouts.connect == 1s);
    CHECK(s.timeouts.first_byte == 2min);
    CHECK(s.timeouts.idle == 3s);
    CHECK(s.retry.type == RetryType::fixed);
    CHECK(s.retry.initial == 2min);
    CHECK(s.retry.max == 2min); // the default is raised to a larger first wait
    CHECK(s.retry.max_retries == 0u);
    CHECK(s.tls.ca_file == "a");
    CHECK(s.tls.cert_file == "b");
    CHECK(s.tls.key_file == "c");
    CHECK(s.tls.tls13_only);
    CHECK(s.tls.insecure_skip_verify);
    CHECK(s.compression == Compression::gzip);
    CHECK(s.non_finite == NonFinite::dead_letter);
    CHECK(s.nulls == Nulls::omit);
    CHECK(s.batch.max_rows == 1);
    CHECK(s.batch.max_bytes == 1);
    CHECK(s.batch.max_delay == 0ns);
    CHECK(s.limits.max_row_bytes == 1024);
    CHECK(s.limits.max_columns == 7);
    CHECK(s.limits.max_header_bytes == 4096);
    CHECK(s.limits.max_annotations == 5);
    CHECK(s.limits.max_decompression_ratio == 50);
    CHECK(s.spool_bytes == 2ull << 30);
}

TEST_CASE("the port comes from the URL, from port, or from https") {
    const auto port = [](std::string_view patch) { return parse_settings(patched(patch)).settings.value().url.port; };
    CHECK(port(R"({"url":"https://h"})") == 443);
    CHECK(port(R"({"url":"https://h:8443"})") == 8443);
    CHECK(port(R"({"url":"https://h","port":8444})") == 8444);
    CHECK(port(R"({"url":"https://h:8445","port":8445})") == 8445);
    CHECK(port(R"({"url":"http://localhost","port":8086})") == 8086);
}

TEST_CASE("what is allowed but unwise is a warning") {
    CHECK(warnings(R"({"displayName":null})") == "/displayName the field \"displayName\" |");
    CHECK(warnings(R"({"url":"http://influx:8086"})") == "/url the access token travels|");
    CHECK(warnings(R"({"url":"http://127.0.0.1:8086"})").empty());
    CHECK(warnings(R"({"tls":{"insecureSkipVerify":true}})") == "/tls/insecureSkipVerify THE SERVER'S CERTIFICATE|");
    CHECK(warnings(R"({"url":"http://localhost:1","tls":{"caFile":"a"}})") == "/tls has no effect: the URL b|");
    CHECK(warnings(R"json({"query":{"expression":"from(bucket:\"b\")"}})json").empty());
}

TEST_CASE("text that is no JSON object gives one violation and no settings") {
    for (const char* text : {"", "{", "[]", "5", "null", "{\"a\":1"}) {
        INFO(text);
        const ParsedSettings parsed = parse_settings(text);
        CHECK_FALSE(parsed.settings);
        CHECK(parsed.violations.size() == 1);
    }
}

// Our walk and valijson must agree, formats apart (valijson takes ours for annotations): a document that one of them
// refuses is refused by the other, and what our walk says is never in valijson's words.
TEST_CASE("our schema walk and valijson agree on documents changed at random") {
    const char* replay = std::getenv("FLUXGATE_SEED");
    const unsigned seed = replay != nullptr ? static_cast<unsigned>(std::strtoul(replay, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    const std::string schema_text = schema_without_formats();
    const auto schema = fluxgate::config::parse_json(schema_text);
    REQUIRE(schema.parsed);
    const std::vector<const char*> values{"1",        "0",       "-1",       "1.5",    "65536",
                                          "\"\"",     "\"5s\"",  "\"json\"", "\"id\"", "true",
                                          "[]",       "[\"a\"]", "{}",       "[1]",    "{\"type\":\"key\",\"expression\":\".\"}",
                                          "\"none\"", "\"a b\"", "1e30"};
    std::vector<std::string> fields;
    for (const auto& property : schema.dom["properties"].GetObject())
        fields.emplace_back(property.name.GetString());
    fields.emplace_back("unknown");
    std::size_t good = 0, bad = 0;
    for (int i = 0; i < 400; ++i) {
        std::string patch = "{";
        for (auto n = random() % 3; n > 0; --n)
            patch += "\"" + fields[random() % fields.size()] + "\":" + values[random() % values.size()] + ",";
        patch += "\"description\":\"\"}";
        const std::string document = patched(patch);
        INFO(document);
        const auto json = fluxgate::config::parse_json(document);
        const auto said = fluxgate::config::check_schema(json.dom, schema_text);
        const auto judged = fluxgate::config::judge_schema(json.dom, schema.dom);
        CHECK(said.empty() == judged.empty());
        if (!said.empty()) CHECK(fluxgate::stage::violations_json(said) != fluxgate::stage::violations_json(judged));
        (said.empty() ? good : bad) += 1;
    }
    CHECK(good > 20);
    CHECK(bad > 20);
}

TEST_CASE("incremental reading and read come out as values") {
    const std::string query = R"json("query":{"expression":"from(bucket:\"b\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop)"})json";
    const ParsedSettings plain = parse_settings(patched("{\"incremental\":{\"start\":\"-24h\"}," + query + "}"));
    REQUIRE(plain.settings);
    REQUIRE(plain.settings->incremental);
    const Incremental& defaults = *plain.settings->incremental;
    CHECK_FALSE(defaults.start);
    CHECK(defaults.past == 24h);
    CHECK_FALSE(defaults.stop);
    CHECK(defaults.window == 10min);
    CHECK(defaults.delay == 10s);
    CHECK(defaults.lookback == 0s);
    CHECK(defaults.concurrency == 1);
    CHECK(defaults.align == 0s);
    CHECK(defaults.window_period == 0s);

    const ParsedSettings read = parse_settings(patched(
        R"({"query":null,"read":{"bucket":"b","measurements":["m"]},"incremental":{"start":"2026-01-01T00:00:30Z","stop":"2026-01-02T00:00:00+01:00",)"
        R"("window":"90s","delay":"1s","lookback":"61s","concurrency":4,"align":"1m"}})"));
    REQUIRE(read.settings);
    const Incremental& i = *read.settings->incremental;
    CHECK(fluxgate::window::format_instant(*i.start) == "2026-01-01T00:00:00Z"); // moved to a multiple of align, with a warning
    CHECK(fluxgate::window::format_instant(*i.stop) == "2026-01-01T23:00:00Z");
    CHECK(i.window == 1min);
    CHECK(i.lookback == 2min);
    CHECK(i.window_period == 1min);
    CHECK(read.settings->query.find("r._measurement == \"m\"") != std::string::npos);
    std::size_t moved = 0;
    for (const Violation& v : read.violations)
        moved += v.warning && v.message.find("is no multiple of \"align\", 1m") != std::string::npos;
    CHECK(moved == 2);

    CHECK_FALSE(parse_settings(patched("{" + query + "}")).settings->incremental);
}

TEST_CASE("what the schema command looks at and whether messages say their types come out as values") {
    const ParsedSettings plain = parse_settings(patched("{}"));
    REQUIRE(plain.settings);
    CHECK_FALSE(plain.settings->types);
    CHECK(plain.settings->schema.buckets.empty());
    CHECK(plain.settings->schema.past == 720h);
    CHECK(plain.settings->schema.max_measurements == 100);

    const ParsedSettings given = parse_settings(patched(
        R"({"format":{"type":"json","types":true},"schema":{"buckets":["a","b"],"measurements":["m"],"start":"2026-01-01T00:00:00Z","maxValues":9}})"));
    REQUIRE(given.settings);
    CHECK(given.settings->types);
    CHECK(given.settings->schema.buckets == std::vector<std::string>{"a", "b"});
    CHECK(given.settings->schema.measurements == std::vector<std::string>{"m"});
    CHECK(fluxgate::window::format_instant(given.settings->schema.start.value()) == "2026-01-01T00:00:00Z");
    CHECK(given.settings->schema.max_values == 9);
    CHECK(parse_settings(patched(R"({"schema":{"start":"-90m"}})")).settings->schema.past == 90min);
    CHECK_FALSE(parse_settings(patched(R"({"schema":{"maxValues":0}})")).settings);
    CHECK_FALSE(parse_settings(patched(R"({"schema":{"start":"0001-01-01T00:00:00Z"}})")).settings);
    CHECK_FALSE(parse_settings(patched(R"({"schema":{"bucket":["a"]}})")).settings);
}
