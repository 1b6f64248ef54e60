#include "check_steps.hpp"
#include "request.hpp"
#include "support/catch.hpp"

#include <rapidjson/document.h>

#include <string>

using namespace fluxgate;
using namespace fluxgate::influxdb;

namespace {

Settings settings_for(bool https = false) {
    Settings s;
    s.url = {https, "influx.example", static_cast<std::uint16_t>(https ? 443 : 8086), "/base"};
    s.organization = "plant-org";
    s.secret_name = "PLANT_TOKEN";
    s.query = "from(bucket: \"b\")";
    return s;
}

bool holds(const std::string& text, const std::string& word) {
    INFO(text << " / " << word);
    return text.find(word) != std::string::npos;
}

Error http_error(int status, const std::string& words) {
    Error error{Errc::http_status, "http://influx.example:8086/base answered the query with HTTP " + std::to_string(status)};
    error.http_status = status;
    error.server_text = words;
    return error;
}

// authentication, organization, query as letters: o(k) w(arning) f(ailed) n(ot reached) s(kipped)
std::string verdicts(const QueryVerdict& v) {
    const auto letter = [](const Finding& f) {
        switch (f.status) {
        case Status::ok: return 'o';
        case Status::warning: return 'w';
        case Status::failed: return 'f';
        case Status::not_reached: return 'n';
        case Status::skipped: return 's';
        }
        return '?';
    };
    return {letter(v.authentication), letter(v.organization), letter(v.query)};
}

} // namespace

TEST_CASE("a step's line is one JSON object without a line feed, whatever the text holds") {
    const std::string line = step_line(Step::tls, {Status::warning, "a \"b\"\nline 1: x\xFF\x01", "because", "do"}, 1'250'000);
    CHECK(line.find('\n') == std::string::npos);
    rapidjson::Document read;
    read.Parse<rapidjson::kParseValidateEncodingFlag>(line.c_str());
    REQUIRE_FALSE(read.HasParseError());
    CHECK(std::string{read["step"].GetString()} == "tls");
    CHECK(std::string{read["status"].GetString()} == "warning");
    CHECK(read["milliseconds"].GetDouble() > 1.15);
    CHECK(read["milliseconds"].GetDouble() < 1.35);
    CHECK(std::string{read["text"].GetString()}.find("a \"b\"\nline 1: x") == 0);
    CHECK(std::string{read["cause"].GetString()} == "because");
    CHECK(std::string{read["next"].GetString()} == "do");
    CHECK(step_line(Step::partition, {Status::not_reached, "not reached"}, 0) ==
          R"({"step":"partition","status":"not_reached","milliseconds":0.0,"text":"not reached","cause":"","next":""})");
}

TEST_CASE("text of others becomes one bounded line without control characters") {
    CHECK(one_line(" a\r\n\tb\x1B[2Jc \x7F") == "a b [2Jc");
    CHECK(one_line(std::string(5000, 'x')).size() == 1003);
}

TEST_CASE("a broken exchange fails at the step that its connection did not pass") {
    http::ConnectionReport report;
    const Error connect{Errc::connect, "x"}, timeout{Errc::timeout, "x"};
    CHECK(failed_step({Errc::resolve, "x"}, report, true) == Step::resolve);
    CHECK(failed_step(timeout, report, true) == Step::resolve);
    report.resolve.done = true;
    CHECK(failed_step(connect, report, true) == Step::tcp);
    CHECK(failed_step(timeout, report, false) == Step::tcp);
    report.connect.done = true;
    report.proxy_address = "proxy.example:3128";
    CHECK(failed_step(connect, report, true) == Step::tcp);
    report.proxy.done = true;
    CHECK(failed_step(connect, report, true) == Step::tls);
    CHECK(failed_step({Errc::tls, "x"}, report, true) == Step::tls);
    CHECK(failed_step(connect, report, false) == Step::server);
    report.tls.done = true;
    CHECK(failed_step(timeout, report, true) == Step::server);
    CHECK(failed_step({Errc::http, "x"}, report, true) == Step::server);
}

TEST_CASE("a connection's failure tells what, a likely cause, and the next step apart") {
    const Finding f = connection_failure(
        Step::tcp, {Errc::connect, "no connection to influx.example:8086 (10.0.0.1: Connection refused). Check host and port in `url`"},
        settings_for());
    CHECK(f.status == Status::failed);
    CHECK(f.text == "no connection to influx.example:8086 (10.0.0.1: Connection refused)");
    CHECK(holds(f.cause, "nothing listens"));
    CHECK(f.next == "check host and port in `url`");

    struct Case {
        Step step;
        Error error;
        bool https;
        const char* cause;
    };
    for (const Case& c : {
             Case{Step::resolve, {Errc::resolve, "x"}, false, "misspelt"},
             Case{Step::tcp, {Errc::connect, "Network is unreachable"}, false, "no network"},
             Case{Step::tcp, {Errc::timeout, "x"}, false, "firewall"},
             Case{Step::tls, {Errc::tls, "the server's certificate expired at 2026. Renew it"}, true, "not renewed"},
             Case{Step::tls, {Errc::tls, "the server's certificate is not for the host 'a' but for: b. Use"}, true, "another name"},
             Case{Step::tls, {Errc::tls, "issued by x, an authority that is unknown to the system"}, true, "private authority"},
             Case{Step::tls, {Errc::tls, "the server does not speak TLS on this port (wrong version number). Use http"}, true, "plain HTTP"},
             Case{Step::server, {Errc::http, "x"}, false, "expects HTTPS"},
             Case{Step::server, {Errc::connect, "x"}, false, "expects HTTPS"},
             Case{Step::server, {Errc::http, "x"}, true, "something else than InfluxDB"},
         }) {
        const Finding found = connection_failure(c.step, c.error, settings_for(c.https));
        CHECK(holds(found.cause, c.cause));
        CHECK_FALSE(found.next.empty());
    }
}

TEST_CASE("addresses, peer and proxy are named") {
    http::ConnectionReport report;
    report.addresses = {"10.0.0.1", "fd00::1"};
    report.peer = "10.0.0.1:8086";
    CHECK(resolve_finding(settings_for(), report).text == "influx.example is 10.0.0.1, fd00::1");
    CHECK(tcp_finding(report).text == "connected to 10.0.0.1:8086");
    Settings by_address = settings_for();
    by_address.url.host = "10.0.0.1";
    report.addresses = {"10.0.0.1"};
    CHECK(resolve_finding(by_address, report).text == "10.0.0.1 is an address");
    report.proxy_address = "proxy.example:3128";
    CHECK(holds(resolve_finding(settings_for(), report).text, "proxy.example:3128"));
    CHECK(holds(tcp_finding(report).text, "proxy.example:3128"));
}

TEST_CASE("a certificate is described, and warned of below 14 days and when nobody verified it") {
    http::ConnectionReport report;
    report.tls_version = "TLSv1.3";
    report.certificate_subject = "/CN=server";
    report.certificate_issuer = "/CN=authority";
    constexpr std::int64_t now = 1'790'000'000, day = 86400;
    const auto after = [&](std::int64_t seconds, bool blind = false) {
        report.certificate_not_after = now + seconds;
        Settings s = settings_for(true);
        s.tls.insecure_skip_verify = blind;
        return tls_finding(s, report, now);
    };
    const Finding good = after(14 * day);
    CHECK(good.status == Status::ok);
    CHECK(good.text == "TLSv1.3, certificate of /CN=server by /CN=authority, 14 days left");
    CHECK(after(14 * day - 1).status == Status::warning);
    CHECK(holds(after(14 * day - 1).text, "13 days left"));
    CHECK(holds(after(day).text, "1 day left"));
    CHECK(holds(after(-5, true).text, "expired"));
    CHECK(after(90 * day, true).status == Status::warning);
    CHECK(holds(after(90 * day, true).cause, "insecureSkipVerify"));
    CHECK(tls_finding(settings_for(), {}, now).status == Status::skipped);
}

TEST_CASE("versions are read in every form in which servers write them") {
    struct Case {
        const char* text;
        int major, minor; // -1: none
    };
    for (const Case& c : {Case{"2.7.1", 2, 7}, Case{"v2.7.11", 2, 7}, Case{"2.7-sample", 2, 7}, Case{"1.8.10", 1, 8}, Case{"2.10", 2, 10},
                          Case{"3.0.0-beta", 3, 0}, Case{"dev", -1, -1}, Case{"unknown", -1, -1}, Case{"", -1, -1}, Case{"2", -1, -1},
                          Case{"2.", -1, -1}, Case{"2.x", -1, -1}, Case{"99999.1", -1, -1}}) {
        INFO(c.text);
        const auto version = parse_version(c.text);
        CHECK(version.has_value() == (c.major >= 0));
        if (version) {
            CHECK(version->major == c.major);
            CHECK(version->minor == c.minor);
        }
    }
}

TEST_CASE("a server before 2.9 is warned of, and one whose version is not told is called so") {
    struct Case {
        ServerSays says;
        Status status;
        const char* word;
    };
    for (const Case& c : {
             Case{{204, "v2.7.1", "OSS", ""}, Status::warning, "empty string"},
             Case{{204, "2.8.0", "OSS", ""}, Status::warning, "empty string"},
             Case{{204, "2.9.0", "OSS", ""}, Status::ok, "InfluxDB 2.9.0 (OSS)"},
             Case{{204, "2.10.0", "OSS", ""}, Status::ok, "InfluxDB 2.10.0"},
             Case{{204, "1.8.10", "OSS", ""}, Status::ok, "InfluxDB 1.8.10"},
             Case{{200, "3.1.0", "Core", ""}, Status::warning, "no Flux"},
             Case{{204, "dev", "OSS", ""}, Status::warning, "could not be told"},
             Case{{204, "unknown", "OSS", ""}, Status::warning, "could not be told"},
             Case{{204, "", "Cloud", ""}, Status::warning, "could not be told"},
             Case{{200, "", "", ""}, Status::warning, "does not say that it is InfluxDB"},
             Case{{404, "2.9.0", "OSS", ""}, Status::warning, "HTTP 404"},
             Case{{302, "", "", "https://elsewhere/"}, Status::warning, "https://elsewhere/"},
         }) {
        const Finding f = server_finding(c.says);
        INFO(c.says.version << " " << f.text);
        CHECK(f.status == c.status);
        CHECK(holds(f.text + f.cause, c.word));
        CHECK((f.status == Status::ok) == f.next.empty());
    }
}

TEST_CASE("clocks are compared to half a second, and warned of only when they surely differ by more than one") {
    // 2026-11-21T11:26:43Z
    constexpr std::int64_t at = 1'795'260'403;
    const std::string date = "Sat, 21 Nov 2026 11:26:43 GMT";
    const auto seen = [&](double local, double took = 0.0) {
        const auto sent = static_cast<std::int64_t>((local - at) * 1e9) + at * 1'000'000'000;
        return clock_finding(date, sent, sent + static_cast<std::int64_t>(took * 1e9));
    };
    CHECK(seen(at).status == Status::ok);
    CHECK(seen(at + 0.999).status == Status::ok);
    CHECK(holds(seen(at + 0.5).text, "no difference"));
    CHECK(seen(at + 1.9).status == Status::ok);
    CHECK(holds(seen(at + 1.9).text, "1.4 s behind"));
    CHECK(seen(at + 2.1).status == Status::warning);
    CHECK(seen(at - 0.9).status == Status::ok);
    CHECK(seen(at - 1.1).status == Status::warning);
    CHECK(holds(seen(at - 600).text, "600.5 s ahead"));
    CHECK(seen(at + 1, 4.0).status == Status::ok); // a slow answer proves less
    CHECK(clock_finding("", 0, 0).status == Status::skipped);
    CHECK(holds(clock_finding("yesterday", 0, 0).text, "yesterday"));
}

TEST_CASE("one answer decides authentication, organization and query") {
    struct Case {
        Error error;
        bool influx;
        const char *verdicts, *cause;
    };
    for (const Case& c : {
             // from recordings of 2.7, 2.9 and 1.8
             Case{http_error(401, "unauthorized access"), true, "fnn", "does not know the token"},
             Case{http_error(401, "authorization failed"), true, "fnn", "does not know the token"},
             Case{http_error(403, "User is inactive"), true, "fnn", "not active"},
             Case{http_error(400, "failed to decode request body: organization name \"nope\" not found"), true, "ofn",
                  "no organization \"plant-org\""},
             Case{http_error(400, "failed to decode request body: Please provide either orgID or org"), true, "ofn", "organization"},
             Case{http_error(404, "failed to initialize execute state: could not find bucket \"organization\""), true, "oof", "no such bucket"},
             Case{http_error(400, "error @1:38-1:39: undefined identifier v"), true, "oof", "place shown"},
             Case{http_error(400, "error in building plan while starting program: cannot submit unbounded read to \"plant\""), true, "oof",
                  "no range()"},
             Case{http_error(403, "forbidden"), true, "oof", "may not read"},
             Case{http_error(400, "queue length exceeded"), true, "oof", "overloaded"},
             Case{http_error(500, "loc 1:1-1:6: expected RPAREN, got EOF"), true, "oof", "place shown"},
             Case{http_error(500, "failed to initialize execute state: no database"), true, "oof", "refuses"},
             Case{http_error(503, "x"), true, "ssf", "overloaded"},
             Case{http_error(429, "x"), true, "ssf", "overloaded"},
             Case{http_error(502, "<html>"), false, "ssf", "overloaded"},
             Case{http_error(404, "no assets included in binary"), true, "ssf", "path"},
             Case{http_error(404, "path not found"), true, "ssf", "path"},
             Case{http_error(405, "allow"), true, "ssf", "path"},
             Case{http_error(302, ""), true, "ssf", "path"},
             Case{http_error(400, "what?"), false, "ssf", "path"},
             Case{{Errc::query, "x", "runtime error @2:141-2:187: map: failed"}, true, "oof", "place shown"},
             Case{{Errc::incomplete, "the answer is not complete: no last chunk"}, true, "oof", "broke off"},
             Case{{Errc::timeout, "no first byte in 5m. Ask"}, false, "ssf", "overloaded"},
         }) {
        const QueryVerdict v = judge_query(settings_for(), {c.error, c.influx, false});
        INFO(c.error.http_status << " " << c.error.server_text << " " << c.error.message);
        CHECK(verdicts(v) == c.verdicts);
        const Finding& told = v.authentication.status == Status::failed ? v.authentication
                              : v.organization.status == Status::failed ? v.organization
                                                                        : v.query;
        CHECK(holds(told.cause, c.cause));
        CHECK_FALSE(told.next.empty());
    }
}

TEST_CASE("a query that went well passes three steps, and says when the server sent rows nonetheless") {
    const QueryVerdict v = judge_query(settings_for(), {std::nullopt, true, false});
    CHECK(verdicts(v) == "ooo");
    CHECK(holds(v.organization.text, "plant-org"));
    CHECK(holds(judge_query(settings_for(), {std::nullopt, true, true}).query.text, "sent rows"));
}
