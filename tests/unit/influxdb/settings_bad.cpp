// Bad documents of input/influxdbv2@v1, each with every violation: pointer, message, order.
#include "config/json_text.hpp"
#include "influxdb/settings.hpp"
#include "support/catch.hpp"

#include "merge_patch.hpp"

#include <string>
#include <vector>

using fluxgate::influxdb::parse_settings;
using fluxgate::influxdb::patched;
using fluxgate::stage::Violation;

namespace {

// A change of the good document (RFC 7396) and what is then said about it.
struct Bad {
    const char* name;
    const char* patch;
    std::vector<Violation> expected;
};

// clang-format off
const std::vector<Bad> bad_documents{
    {"an unknown field with a near name",
     R"({"uri":"x"})",
     {{"/uri", "unknown field \"uri\"; did you mean \"url\"?"}}},
    {"an unknown field that is like none",
     R"({"zzzzzz":1})",
     {{"/zzzzzz", "unknown field \"zzzzzz\"; known fields: \"$schema\", \"type\", \"displayName\", \"description\", \"url\", \"port\", \"organization\", \"authentication\", \"query\", \"interval\", \"format\", \"partitionCount\", \"partitionStrategy\", \"next\", \"viewOptions\", \"timeouts\", \"retry\", \"tls\", \"compression\", \"nonFinite\", \"nulls\", \"batch\", \"limits\", \"delivery\", \"spoolBytes\", \"incremental\", \"schema\", \"read\""}}},
    {"a misspelt required field",
     R"({"organization":null,"organisation":"o"})",
     {{"/organisation", "unknown field \"organisation\"; did you mean \"organization\"?"},
      {"/organization", "the required field \"organization\" is missing; it must be a string that is not empty"}}},
    {"a misspelt nested field",
     R"({"query":{"expression":null,"expresion":"q"}})",
     {{"/query/expresion", "unknown field \"expresion\"; did you mean \"expression\"?"},
      {"/query/expression", "the required field \"expression\" is missing; it must be a string that is not empty"}}},
    {"no url",
     R"({"url":null})",
     {{"/url", "the required field \"url\" is missing; it must be a string that is not empty"}}},
    {"everything missing",
     R"({"type":null,"displayName":null,"url":null,"organization":null,"authentication":null,"query":null,"interval":null,"format":null})",
     {{"/type", "the required field \"type\" is missing; it must be \"input/influxdbv2@v1\""},
      {"/url", "the required field \"url\" is missing; it must be a string that is not empty"},
      {"/organization", "the required field \"organization\" is missing; it must be a string that is not empty"},
      {"/authentication", "the required field \"authentication\" is missing; it must be an object"},
      {"/interval", "the required field \"interval\" is missing; it must be a duration such as \"5s\", more than 0s, at most 8760h"},
      {"/format", "the required field \"format\" is missing; it must be an object"},
      {"/displayName", "the field \"displayName\" is missing; give the stage a name that people recognise", true},
      {"/query", "the required field \"query\" is missing; it must be an object with the Flux text in \"expression\""}}},
    {"another type",
     R"({"type":"input/influxdbv3@v1"})",
     {{"/type", "must be \"input/influxdbv2@v1\"; found \"input/influxdbv3@v1\" (a string)"}}},
    {"a url that is a number",
     R"({"url":5})",
     {{"/url", "must be a string that is not empty; found 5 (an integer)"}}},
    {"an empty url",
     R"({"url":""})",
     {{"/url", "must be a string that is not empty; found \"\" (a string)"}}},
    {"a url of another scheme",
     R"({"url":"ftp://h"})",
     {{"/url", "the URL must begin with http:// or https://; found \"ftp://\""}}},
    {"a url without a scheme",
     R"({"url":"h.example:8086"})",
     {{"/url", "the URL must begin with http:// or https://; found no scheme"}}},
    {"a url with credentials",
     R"({"url":"https://user:hunter2@h.example"})",
     {{"/url", "the URL must not hold credentials (the part before '@'); name a secret in authentication"}}},
    {"a url whose password has a slash",
     R"({"url":"https://user:hunt/er2@h.example"})",
     {{"/url", "the URL must not hold credentials (the part before '@'); name a secret in authentication"}}},
    {"a url with a query",
     R"({"url":"https://h.example/?token=hunter2"})",
     {{"/url", "the URL must not have a query ('?'); remove it"}}},
    {"a url with a fragment",
     R"({"url":"https://h.example/#hunter2"})",
     {{"/url", "the URL must not have a fragment ('#'); remove it"}}},
    {"a url without a host",
     R"({"url":"https:///path"})",
     {{"/url", "the URL has no host; write for example https://influx.example.com"}}},
    {"a url with an IPv6 address without brackets",
     R"({"url":"https://::1"})",
     {{"/url", "an IPv6 address in a URL stands in brackets: https://[::1]:8086"}}},
    {"a url with a bad port",
     R"({"url":"https://h.example:99999"})",
     {{"/url", "the port in the URL must be a number from 1 to 65535; found \"99999\""}}},
    {"a url with a space in its path",
     R"({"url":"https://h.example/a b"})",
     {{"/url", "the path of the URL has a character that must be percent-encoded (%20 for a space)"}}},
    {"http without any port",
     R"({"url":"http://localhost"})",
     {{"/url", "an http:// URL needs a port: write it in the URL (http://HOST:8086) or as \"port\"; only https:// has a default, 443"}}},
    {"http to another machine without any port",
     R"({"url":"http://h.example"})",
     {{"/url", "an http:// URL needs a port: write it in the URL (http://HOST:8086) or as \"port\"; only https:// has a default, 443"},
      {"/url", "the access token travels unencrypted to \"h.example\"; use https:// where the server offers it", true}}},
    {"two different ports",
     R"({"url":"https://h.example:8086","port":443})",
     {{"/port", "must equal the port in \"url\", 8086; found 443"}}},
    {"port 0",
     R"({"port":0})",
     {{"/port", "must be an integer from 1 to 65535; found 0 (an integer)"}}},
    {"a port beyond 65535",
     R"({"port":65536})",
     {{"/port", "must be an integer from 1 to 65535; found 65536 (an integer)"}}},
    {"a port that is a string",
     R"({"port":"443"})",
     {{"/port", "must be an integer from 1 to 65535; found \"443\" (a string)"}}},
    {"a port with a fraction",
     R"({"port":443.5})",
     {{"/port", "must be an integer from 1 to 65535; found 443.5 (a number)"}}},
    {"an empty organization",
     R"({"organization":""})",
     {{"/organization", "must be a string that is not empty; found \"\" (a string)"}}},
    {"an authentication type that is not supported",
     R"({"authentication":{"type":"usernamePassword","accessToken":null,"username":"u","password":"hunter2"}})",
     {{"/authentication/type", "this authentication type is not supported; the one that is supported is \"accessToken\"; found \"usernamePassword\""}}},
    {"a token in the place of the authentication type",
     R"({"authentication":{"type":"hunter2=="}})",
     {{"/authentication/type", "this authentication type is not supported; the one that is supported is \"accessToken\"; found a string (not shown: it may be a secret)"}}},
    {"a token in the place of the authentication",
     R"({"authentication":"hunter2"})",
     {{"/authentication", "must be an object; found a string (not shown: it may be a secret)"}}},
    {"a token in the place of its name",
     R"({"authentication":{"accessToken":"hunter2=="}})",
     {{"/authentication/accessToken", "must be the name of a secret (1 to 253 letters, digits, '.', '_' and '-'), not the secret itself; found a string (not shown: it may be a secret): it has a character that names do not have"}}},
    {"an access token that is a number",
     R"({"authentication":{"accessToken":12345678}})",
     {{"/authentication/accessToken", "must be the name of a secret (1 to 253 letters, digits, '.', '_' and '-'), not the secret itself; found an integer (not shown: it may be a secret)"}}},
    {"no access token",
     R"({"authentication":{"accessToken":null,"acessToken":"hunter2"}})",
     {{"/authentication/acessToken", "unknown field \"acessToken\"; did you mean \"accessToken\"?"},
      {"/authentication/accessToken", "the required field \"accessToken\" is missing; it must be the name of a secret (1 to 253 letters, digits, '.', '_' and '-'), not the secret itself"}}},
    {"a secret name that is a directory",
     R"({"authentication":{"accessToken":".."}})",
     {{"/authentication/accessToken", "must be the name of a secret (1 to 253 letters, digits, '.', '_' and '-'), not the secret itself; found a string (not shown: it may be a secret): it names a directory"}}},
    {"a query that is text",
     R"({"query":"from bucket"})",
     {{"/query", "must be an object; found \"from bucket\" (a string)"}}},
    {"an empty query",
     R"({"query":{"expression":""}})",
     {{"/query/expression", "must be a string that is not empty; found \"\" (a string)"}}},
    {"no query and no read",
     R"({"query":null})",
     {{"/query", "the required field \"query\" is missing; it must be an object with the Flux text in \"expression\""}}},
    {"an interval of zero",
     R"({"interval":"0s"})",
     {{"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found \"0s\" (a string): it is too small"}}},
    {"an interval without a unit",
     R"({"interval":"5"})",
     {{"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found \"5\" (a string): the number \"5\" has no unit (h, m, s, ms, us, µs or ns)"}}},
    {"an interval with an unknown unit",
     R"({"interval":"5 s"})",
     {{"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found \"5 s\" (a string): no unit (h, m, s, ms, us, µs or ns) begins at \" s\""}}},
    {"an interval that is a number",
     R"({"interval":5})",
     {{"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found 5 (an integer)"}}},
    {"a negative interval",
     R"({"interval":"-5s"})",
     {{"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found \"-5s\" (a string): a number is needed at \"-5s\""}}},
    {"an interval that overflows",
     R"({"interval":"3000000h"})",
     {{"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found \"3000000h\" (a string): it is longer than 292 years"}}},
    {"an interval beyond a year",
     R"({"interval":"9000h"})",
     {{"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found \"9000h\" (a string): it is too large"}}},
    {"another format",
     R"({"format":{"type":"csv"}})",
     {{"/format/type", "must be \"json\"; found \"csv\" (a string)"}}},
    {"a format with a path",
     R"({"format":{"path":".payload"}})",
     {{"/format/path", "this field is not supported by this stage; remove it (found \".payload\" (a string))"}}},
    {"no partition",
     R"({"partitionCount":0})",
     {{"/partitionCount", "must be an integer from 1 to 1024; found 0 (an integer)"}}},
    {"too many partitions",
     R"({"partitionCount":1025})",
     {{"/partitionCount", "must be an integer from 1 to 1024; found 1025 (an integer)"}}},
    {"a huge partition count",
     R"({"partitionCount":1e30})",
     {{"/partitionCount", "must be an integer from 1 to 1024; found 1e30 (a number)"}}},
    {"another partition strategy",
     R"({"partitionStrategy":{"type":"hash","expression":"0"}})",
     {{"/partitionStrategy/type", "must be one of \"id\", \"key\"; found \"hash\" (a string)"}}},
    {"a partition strategy without an expression",
     R"({"partitionStrategy":{"type":"key"}})",
     {{"/partitionStrategy/expression", "the required field \"expression\" is missing; it must be a string that is not empty"}}},
    {"an expression that is a number",
     R"({"partitionStrategy":{"type":"id","expression":0}})",
     {{"/partitionStrategy/expression", "must be a string that is not empty; found 0 (an integer)"}}},
    {"bad timeouts",
     R"({"timeouts":{"connect":"0s","firstByte":"x","idle":60}})",
     {{"/timeouts/connect", "must be a duration such as \"10s\", more than 0s, at most 8760h; found \"0s\" (a string): it is too small"},
      {"/timeouts/firstByte", "must be a duration such as \"5m\", more than 0s, at most 8760h; found \"x\" (a string): a number is needed at \"x\""},
      {"/timeouts/idle", "must be a duration such as \"60s\", more than 0s, at most 8760h; found 60 (an integer)"}}},
    {"a bad retry",
     R"({"retry":{"type":"linear","maxRetries":-1}})",
     {{"/retry/type", "must be one of \"exponential\", \"fixed\", \"none\"; found \"linear\" (a string)"},
      {"/retry/maxRetries", "must be an integer from 0 to 4294967295; found -1 (an integer)"}}},
    {"a longest wait below the first",
     R"({"retry":{"initial":"5s","max":"1s"}})",
     {{"/retry/max", "must be at least \"initial\", 5s; found 1s"}}},
    {"a certificate without its key",
     R"({"tls":{"certFile":"c.pem"}})",
     {{"/tls/keyFile", "the field \"keyFile\" is missing; \"certFile\" needs the client's private key"}}},
    {"a key without its certificate",
     R"({"tls":{"keyFile":"k.pem"}})",
     {{"/tls/certFile", "the field \"certFile\" is missing; \"keyFile\" needs the client's certificate"}}},
    {"an old TLS version",
     R"({"tls":{"minVersion":"1.1"}})",
     {{"/tls/minVersion", "must be one of \"1.2\", \"1.3\"; found \"1.1\" (a string)"}}},
    {"a number as a TLS version",
     R"({"tls":{"minVersion":1.2}})",
     {{"/tls/minVersion", "must be one of \"1.2\", \"1.3\"; found 1.2 (a number)"}}},
    {"a string for a boolean",
     R"({"tls":{"insecureSkipVerify":"true"}})",
     {{"/tls/insecureSkipVerify", "must be true or false; found \"true\" (a string)"}}},
    {"unknown words",
     R"({"compression":"zip","nonFinite":"nan","nulls":"keep","delivery":"fast"})",
     {{"/compression", "must be one of \"auto\", \"gzip\", \"none\"; found \"zip\" (a string)"},
      {"/nonFinite", "must be one of \"null\", \"string\", \"deadLetter\"; found \"nan\" (a string)"},
      {"/nulls", "must be one of \"include\", \"omit\"; found \"keep\" (a string)"},
      {"/delivery", "must be one of \"streaming\", \"verified\"; found \"fast\" (a string)"}}},
    {"batch bounds",
     R"({"batch":{"maxRows":0,"maxBytes":"33MiB","maxDelay":"-1s"}})",
     {{"/batch/maxRows", "must be an integer from 1 to 1000000; found 0 (an integer)"},
      {"/batch/maxBytes", "must be a size in bytes, an integer or a string such as \"256KiB\", at least 1B, at most 32MiB; found \"33MiB\" (a string): it is too large"},
      {"/batch/maxDelay", "must be a duration such as \"100ms\", at most 8760h; found \"-1s\" (a string): a number is needed at \"-1s\""}}},
    {"limits",
     R"({"limits":{"maxRowBytes":"1GB","maxColumns":0,"maxHeaderBytes":0,"maxAnnotations":0,"maxDecompressionRatio":"1000"}})",
     {{"/limits/maxRowBytes", "must be a size in bytes, an integer or a string such as \"16MiB\", at least 1B, at most 256MiB; found \"1GB\" (a string): the unit is not B, KiB, MiB, GiB or TiB: \"GB\""},
      {"/limits/maxColumns", "must be an integer from 1 to 65536; found 0 (an integer)"},
      {"/limits/maxHeaderBytes", "must be a size in bytes, an integer or a string such as \"1MiB\", at least 1B, at most 64MiB; found 0 (an integer): it is too small"},
      {"/limits/maxAnnotations", "must be an integer from 1 to 1024; found 0 (an integer)"},
      {"/limits/maxDecompressionRatio", "must be an integer from 1 to 1000000; found \"1000\" (a string)"}}},
    {"sizes of wrong types",
     R"({"batch":{"maxBytes":1.5},"spoolBytes":true})",
     {{"/batch/maxBytes", "must be a size in bytes, an integer or a string such as \"256KiB\", at least 1B, at most 32MiB; found 1.5 (a number)"},
      {"/spoolBytes", "must be a size in bytes, an integer or a string such as \"1GiB\", at least 1B, at most 16TiB; found true (a boolean)"}}},
    {"incremental reading of a query that does not take a range",
     R"({"incremental":{"start":"-24h","stop":"2026-02-28T00:00:00Z","window":"10m","delay":"0s","concurrency":4}})",
     {{"/query/expression", "the query cannot be read in windows: it does not use v.timeRangeStart; incremental reading needs range(start: v.timeRangeStart, stop: v.timeRangeStop) in it"},
      {"/query/expression", "the query cannot be read in windows: it does not use v.timeRangeStop; incremental reading needs range(start: v.timeRangeStart, stop: v.timeRangeStop) in it"}}},
    {"incremental reading of a query that aggregates, without edges that are aligned",
     R"json({"incremental":{"start":"-24h"},"query":{"expression":"from(bucket:\"b\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> mean()"}})json",
     {{"/query/expression", "the query cannot be read in windows: it calls mean(), which may look at several rows together, and windows end where they happen to end: its result would be wrong at their edges; give \"align\", or state with \"rowWise\": true that the query works row by row"}}},
    {"a range that is empty",
     R"({"incremental":{"start":"2026-01-02T00:00:00Z","stop":"2026-01-01T00:00:00Z","align":"1m","windowPeriod":"7s"},)"
     R"json("query":{"expression":"from(bucket:\"b\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> aggregateWindow(every: v.windowPeriod, fn: mean)"}})json",
     {{"/incremental/stop", "must be later than \"start\"; nothing would be read"}}},
    {"an alignment that does not fit the period",
     R"({"incremental":{"start":"2026-01-02T00:00:00Z","align":"1m","windowPeriod":"7s"},)"
     R"json("query":{"expression":"from(bucket:\"b\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> aggregateWindow(every: v.windowPeriod, fn: mean)"}})json",
     {{"/incremental/align", "must be a multiple of \"windowPeriod\", 7s, for a query that uses v.windowPeriod; found 1m"}}},
    {"times beyond InfluxDB's",
     R"({"query":null,"read":{"bucket":"b"},"incremental":{"start":"0001-01-01T00:00:00Z","stop":"9999-01-01T00:00:00Z"}})",
     {{"/incremental/start", "must lie between the years 1677 and 2262, in which InfluxDB keeps times"},
      {"/incremental/stop", "must lie between the years 1677 and 2262, in which InfluxDB keeps times"}}},
    {"bad incremental reading",
     R"({"incremental":{"start":"yesterday","stop":"2026-02-30T00:00:00Z","windows":"10m","concurrency":0}})",
     {{"/incremental/start", "must be an RFC 3339 time or a duration back from now such as \"-24h\"; found \"yesterday\" (a string): it is no such time"},
      {"/incremental/stop", "must be an RFC 3339 time such as \"2026-02-01T00:00:00Z\"; found \"2026-02-30T00:00:00Z\" (a string): it is no such time"},
      {"/incremental/windows", "unknown field \"windows\"; did you mean \"window\"?"},
      {"/incremental/concurrency", "must be an integer from 1 to 64; found 0 (an integer)"}}},
    {"a read without incremental, beside a query",
     R"({"read":{"bucket":"b"}})",
     {{"/read", "\"read\" and \"query\" exclude each other; keep one"},
      {"/incremental", "the field \"incremental\" is missing; \"read\" needs it"}}},
    {"a bad read",
     R"({"query":null,"read":{"measurements":[],"fields":[""],"columns":"a"},"incremental":{"start":"-1h"}})",
     {{"/read/measurements", "must be an array that is not empty and has at most 4096 elements; found an array of 0 elements"},
      {"/read/fields/0", "must be a string that is not empty and has at most 1024 characters; found \"\" (a string)"},
      {"/read/columns", "must be an array that is not empty and has at most 4096 elements; found \"a\" (a string)"},
      {"/read/bucket", "the required field \"bucket\" is missing; it must be a string that is not empty and has at most 1024 characters"}}},
    {"several things at once, in document order",
     R"({"url":"ftp://h","organization":7,"interval":"5","nextt":[],"port":0})",
     {{"/url", "the URL must begin with http:// or https://; found \"ftp://\""},
      {"/organization", "must be a string that is not empty; found 7 (an integer)"},
      {"/interval", "must be a duration such as \"5s\", more than 0s, at most 8760h; found \"5\" (a string): the number \"5\" has no unit (h, m, s, ms, us, µs or ns)"},
      {"/nextt", "unknown field \"nextt\"; did you mean \"next\"?"},
      {"/port", "must be an integer from 1 to 65535; found 0 (an integer)"}}},
};
// clang-format on

std::string listing(const std::vector<Violation>& violations) {
    std::string out;
    for (const Violation& v : violations)
        out += (v.warning ? "warning " : "error ") + v.pointer + " | " + v.message + "\n";
    return out;
}

} // namespace

TEST_CASE("every bad source document is answered with all its violations, in document order, and with no settings") {
    CHECK(bad_documents.size() >= 40);
    for (const Bad& bad : bad_documents) {
        INFO(bad.name);
        const auto parsed = parse_settings(patched(bad.patch));
        CHECK(listing(parsed.violations) == listing(bad.expected));
        CHECK_FALSE(parsed.settings.has_value());
    }
}

TEST_CASE("no violation repeats what may be a secret") {
    // Every document of the table that holds a secret calls it hunter2 or 12345678.
    std::size_t with_secret = 0;
    for (const Bad& bad : bad_documents) {
        const std::string document = patched(bad.patch);
        if (document.find("hunt") != std::string::npos || document.find("12345678") != std::string::npos) ++with_secret;
        const std::string said = listing(parse_settings(document).violations);
        INFO(bad.name);
        CHECK(said.find("hunt") == std::string::npos);
        CHECK(said.find("er2") == std::string::npos);
        CHECK(said.find("12345678") == std::string::npos);
    }
    CHECK(with_secret >= 8);
}
