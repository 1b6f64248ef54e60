#include "request.hpp"
#include "support/catch.hpp"
#include "support/recording.hpp"

#include <string>

using namespace fluxgate;

namespace {

influxdb::Settings settings_for(const std::string& host) {
    influxdb::Settings s;
    s.url = {true, host, 8443, "/prefix"};
    s.organization = "plant & co";
    s.secret_name = "MY_TOKEN";
    s.query = "from(bucket:\"b\")\n |> range(start: -1h)\t// \x01";
    return s;
}

http::Head head(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
    http::Head h;
    h.status = status;
    h.headers = std::move(headers);
    return h;
}

} // namespace

TEST_CASE("the request's target carries the prefix and the organization, percent-encoded") {
    const http::Request r = influxdb::query_request(settings_for("h"), "secret");
    CHECK(r.method == "POST");
    CHECK(r.target == "/prefix/api/v2/query?org=plant%20%26%20co");
    CHECK(r.body.find(R"({"query":"from(bucket:\"b\")\n |> range(start: -1h)\t// \u0001","type":"flux")") == 0);
    CHECK(r.body.find("secret") == std::string::npos);
}

TEST_CASE("compression auto asks for gzip unless the server is on this machine") {
    for (const std::string local : {"localhost", "127.0.0.1", "127.1.2.3", "::1"}) {
        INFO(local);
        CHECK_FALSE(influxdb::wants_gzip(settings_for(local)));
    }
    for (const std::string far : {"influx.example", "10.0.0.1", "127.example.com"}) {
        INFO(far);
        CHECK(influxdb::wants_gzip(settings_for(far)));
    }
    influxdb::Settings s = settings_for("127.0.0.1");
    s.compression = influxdb::Compression::gzip;
    CHECK(influxdb::wants_gzip(s));
}

TEST_CASE("an address is shown with scheme, port and prefix, IPv6 in brackets") {
    CHECK(influxdb::address(settings_for("::1").url) == "https://[::1]:8443/prefix");
    CHECK(influxdb::address({false, "h", 80, ""}) == "http://h:80");
}

TEST_CASE("the server's words are found in JSON of 2.x and 1.x, in 1.8's header, in text and in HTML") {
    const influxdb::Settings s = settings_for("h");
    CHECK(influxdb::status_error(s, head(400), R"({"code":"invalid","message":"bad query"})").server_text == "bad query");
    CHECK(influxdb::status_error(s, head(401), R"({"error":"authorization failed"})").server_text == "authorization failed");
    CHECK(influxdb::status_error(s, head(500, {{"X-Influxdb-Error", "undefined identifier x"}}), "error\r\nundefined identifier x").server_text ==
          "undefined identifier x");
    CHECK(influxdb::status_error(s, head(502), "<html>\r\n<b>Bad   Gateway</b>\x1B[31m</html>").server_text == "a web page: Bad Gateway [31m");
    CHECK(influxdb::status_error(s, head(501),
                                 "<!DOCTYPE HTML>\n<html><head><style type=\"text/css\">b > i { color: red }</style><script>if (1 < 2) f();</script>"
                                 "<title>Error response</title></head><body><p>Message: Unsupported method ('POST').</p></body></html>")
              .server_text == "a web page: Error response Message: Unsupported method ('POST').");
    CHECK(influxdb::status_error(s, head(502), "<html><script>never closed").server_text == "");
    CHECK(influxdb::status_error(s, head(502), "<").server_text == "");
    CHECK(influxdb::status_error(s, head(503), "").server_text.empty());
    CHECK(influxdb::status_error(s, head(500), std::string(5000, 'x')).server_text.size() == 1003);
}

TEST_CASE("each refusal names the next step; a redirect shows its target and is not followed") {
    const influxdb::Settings s = settings_for("h");
    CHECK(influxdb::status_error(s, head(401), "").message.find("MY_TOKEN") != std::string::npos);
    CHECK(influxdb::status_error(s, head(403), "").message.find("permission") != std::string::npos);
    CHECK(influxdb::status_error(s, head(404), "").message.find("bucket") != std::string::npos);
    for (const int status : {405, 501, 505}) {
        const Error foreign = influxdb::status_error(s, head(status), "");
        CHECK(foreign.message.find("check url, port and the path of url: something else than InfluxDB answers there") != std::string::npos);
        CHECK(foreign.message.find("tried again") == std::string::npos);
    }
    CHECK(influxdb::status_error(s, head(503), "").message.find("the query is tried again") != std::string::npos);
    const Error redirect = influxdb::status_error(s, head(301, {{"Location", "https://other/x"}}), "");
    CHECK(redirect.message.find("redirects are not followed; it points to https://other/x") != std::string::npos);
    CHECK(redirect.http_status == 301);
}
