#include "influxdb/settings.hpp"

#include "config/duration.hpp"
#include "config/findings.hpp"
#include "config/flux_escape.hpp"
#include "config/names.hpp"
#include "config/schema_check.hpp"
#include "config/show.hpp"
#include "config/url.hpp"
#include "influxdb/settings_fields.hpp"
#include "influxdbv2_schema.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fluxgate::influxdb {

namespace {

using config::Findings;
using rapidjson::Value;

using namespace std::string_view_literals;
constexpr std::array<std::pair<std::string_view, Strategy>, 2> strategies{{{"id"sv, Strategy::id}, {"key"sv, Strategy::key}}};
constexpr std::array<std::pair<std::string_view, NonFinite>, 3> non_finites{
    {{"null"sv, NonFinite::null}, {"string"sv, NonFinite::string}, {"deadLetter"sv, NonFinite::dead_letter}}};
constexpr std::array<std::pair<std::string_view, Nulls>, 2> nulls{{{"include"sv, Nulls::include}, {"omit"sv, Nulls::omit}}};
constexpr std::array<std::pair<std::string_view, Compression>, 3> compressions{
    {{"auto"sv, Compression::automatic}, {"gzip"sv, Compression::gzip}, {"none"sv, Compression::none}}};
constexpr std::array<std::pair<std::string_view, Delivery>, 2> deliveries{{{"streaming"sv, Delivery::streaming}, {"verified"sv, Delivery::verified}}};
constexpr std::array<std::pair<std::string_view, RetryType>, 3> retry_types{
    {{"exponential"sv, RetryType::exponential}, {"fixed"sv, RetryType::fixed}, {"none"sv, RetryType::none}}};

void read_url(const Fields& document, Settings& settings, Findings& findings) {
    const std::string_view text = document.text("url");
    if (text.empty()) return;
    auto url = config::parse_server_url(text);
    if (!url) {
        findings.error("/url", url.error().message);
        return;
    }
    std::uint32_t given = 0;
    document.read_count("port", given);
    const bool port_valid = given >= 1 && given <= 65535;
    if (url->port && port_valid && given != *url->port) {
        findings.error("/port", "must equal the port in \"url\", " + std::to_string(*url->port) + "; found " + std::to_string(given));
    } else if (!url->https && !url->port && !document.has("port")) {
        findings.error("/url",
                       "an http:// URL needs a port: write it in the URL (http://HOST:8086) or as \"port\"; only https:// has a default, 443");
    }
    settings.url.https = url->https;
    settings.url.host = std::move(url->host);
    settings.url.prefix = std::move(url->prefix);
    settings.url.port = url->port ? *url->port : port_valid ? static_cast<std::uint16_t>(given) : std::uint16_t{443};
    if (!settings.url.https && !config::is_loopback(settings.url.host))
        findings.warning("/url", "the access token travels unencrypted to " + config::quoted(settings.url.host) +
                                     "; use https:// where the server offers it");
}

void read_authentication(const Fields& document, Settings& settings, Findings& findings) {
    const Fields authentication = document.object("authentication");
    authentication.read("accessToken", settings.secret_name);
    const Value* type = authentication.find("type");
    if (type == nullptr || !type->IsString() || authentication.text("type") == "accessToken") return;
    // The fields of another type are not judged as if they were an access token's.
    findings.forget_below("/authentication");
    static constexpr std::array<std::string_view, 7> shown{"none", "usernamePassword", "header", "x509", "serviceAccountToken", "managedIdentity",
                                                           "basic"};
    const std::string_view word = authentication.text("type");
    const bool known = std::find(shown.begin(), shown.end(), word) != shown.end();
    findings.error("/authentication/type", "this authentication type is not supported; the one that is supported is \"accessToken\"; found " +
                                               (known ? config::quoted(word) : config::show(*type, true)));
}

void read_query(const Fields& document, Settings& settings, Findings& findings) {
    const bool query = document.has("query"), read = document.has("read");
    if (!query && !read) {
        findings.error("/query", "the required field \"query\" is missing; it must be an object with the Flux text in \"expression\"");
    }
    if (query && read) findings.error("/read", "\"read\" and \"query\" exclude each other; keep one");
    if (read && !document.has("incremental")) findings.error("/incremental", "the field \"incremental\" is missing; \"read\" needs it");
    config::FluxText flux = config::unescape_flux(document.object("query").text("expression"));
    if (flux.changed)
        findings.warning("/query/expression", "every quotation mark stands behind a backslash; the expression was un-escaped once before use");
    settings.query = std::move(flux.text);
}

void read_retry(const Fields& document, Settings& settings, Findings& findings) {
    const Fields retry = document.object("retry");
    Retry& out = settings.retry;
    retry.read_word("type", retry_types, out.type);
    retry.read("initial", out.initial);
    retry.read("max", out.max);
    if (const Value* count = retry.find("maxRetries"); count != nullptr && count->IsUint()) out.max_retries = count->GetUint();
    if (out.initial <= out.max) return;
    if (retry.has("max") && !findings.error_within("/retry/max"))
        findings.error("/retry/max",
                       "must be at least \"initial\", " + config::format_duration(out.initial) + "; found " + config::format_duration(out.max));
    else
        out.max = out.initial;
}

void read_tls(const Fields& document, Settings& settings, Findings& findings) {
    const Fields tls = document.object("tls");
    Tls& out = settings.tls;
    tls.read("caFile", out.ca_file);
    tls.read("certFile", out.cert_file);
    tls.read("keyFile", out.key_file);
    tls.read("insecureSkipVerify", out.insecure_skip_verify);
    out.tls13_only = tls.text("minVersion") == "1.3";
    if (tls.has("certFile") && !tls.has("keyFile"))
        findings.error("/tls/keyFile", "the field \"keyFile\" is missing; \"certFile\" needs the client's private key");
    if (tls.has("keyFile") && !tls.has("certFile"))
        findings.error("/tls/certFile", "the field \"certFile\" is missing; \"keyFile\" needs the client's certificate");
    if (out.insecure_skip_verify)
        findings.warning("/tls/insecureSkipVerify",
                         "THE SERVER'S CERTIFICATE IS NOT VERIFIED: anyone on the way can read the access token and forge data; "
                         "for tests only, name the server's CA in \"caFile\" instead");
    if (document.has("tls") && !settings.url.https && !settings.url.host.empty())
        findings.warning("/tls", "has no effect: the URL begins with http://");
}

void read_options(const Fields& document, Settings& settings) {
    document.read("displayName", settings.display_name);
    document.read("organization", settings.organization);
    document.read("interval", settings.interval);
    document.read_count("partitionCount", settings.partition_count);
    const Fields strategy = document.object("partitionStrategy");
    strategy.read_word("type", strategies, settings.strategy);
    strategy.read("expression", settings.partition_expression);
    document.read_word("compression", compressions, settings.compression);
    document.read_word("nonFinite", non_finites, settings.non_finite);
    document.read_word("nulls", nulls, settings.nulls);
    document.object("format").read("types", settings.types);
    document.read_word("delivery", deliveries, settings.delivery);
    document.read_bytes("spoolBytes", settings.spool_bytes);

    const Fields timeouts = document.object("timeouts");
    timeouts.read("connect", settings.timeouts.connect);
    timeouts.read("firstByte", settings.timeouts.first_byte);
    timeouts.read("idle", settings.timeouts.idle);
    const Fields batch = document.object("batch");
    batch.read_count("maxRows", settings.batch.max_rows);
    batch.read_bytes("maxBytes", settings.batch.max_bytes);
    batch.read("maxDelay", settings.batch.max_delay);
    const Fields limits = document.object("limits");
    limits.read_bytes("maxRowBytes", settings.limits.max_row_bytes);
    limits.read_count("maxColumns", settings.limits.max_columns);
    limits.read_bytes("maxHeaderBytes", settings.limits.max_header_bytes);
    limits.read_count("maxAnnotations", settings.limits.max_annotations);
    limits.read_count("maxDecompressionRatio", settings.limits.max_decompression_ratio);
}

void read_schema_scope(const Fields& document, SchemaScope& scope, Findings& findings) {
    const Fields schema = document.object("schema");
    schema.read_names("buckets", scope.buckets);
    schema.read_names("measurements", scope.measurements);
    const std::string_view start = schema.text("start");
    if (!start.empty() && start.front() == '-') {
        if (const auto past = config::parse_duration(start.substr(1)); past) scope.past = *past;
    } else if (!start.empty()) {
        scope.start = window::parse_instant(start);
        if (!scope.start && !findings.error_within("/schema/start"))
            findings.error("/schema/start", "must lie between the years 1677 and 2262, in which InfluxDB keeps times");
    }
    schema.read_count("maxBuckets", scope.max_buckets);
    schema.read_count("maxMeasurements", scope.max_measurements);
    schema.read_count("maxFields", scope.max_fields);
    schema.read_count("maxTags", scope.max_tags);
    schema.read_count("maxValues", scope.max_values);
    schema.read_count("maxSeries", scope.max_series);
}

} // namespace

ParsedSettings parse_settings(std::string_view document) {
    config::JsonText json = config::check_text(document, embedded::input_influxdbv2);
    ParsedSettings out;
    if (!json.parsed || !json.dom.IsObject()) {
        out.violations = std::move(json.violations);
        return out;
    }
    Findings findings;
    findings.add(json.violations);
    const Fields fields{&json.dom};
    Settings settings;
    if (!fields.has("displayName"))
        findings.warning("/displayName", "the field \"displayName\" is missing; give the stage a name that people recognise");
    read_options(fields, settings);
    read_url(fields, settings, findings);
    read_authentication(fields, settings, findings);
    read_query(fields, settings, findings);
    read_retry(fields, settings, findings);
    read_tls(fields, settings, findings);
    read_incremental(fields, settings, findings);
    read_schema_scope(fields, settings.schema, findings);
    out.violations = std::move(findings).take(json.dom);
    if (!config::has_error(out.violations)) out.settings = std::move(settings);
    return out;
}

} // namespace fluxgate::influxdb
