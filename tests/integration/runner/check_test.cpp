// `fluxgate check`: which step fails, what is said of it, and what stays unsaid.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/raw_server.hpp"
#include "unit/http/tls_support.hpp"

#include <rapidjson/document.h>

#include <chrono>

using namespace fluxgate;
using test::Reply;
using test::run_fluxgate;

namespace {

const std::vector<std::string> all_steps{"configuration", "secret",         "resolve",      "tcp",   "tls",      "server",
                                         "clock",         "authentication", "organization", "query", "partition"};

struct Checked {
    test::Finished run;
    std::vector<std::string> order;
    std::map<std::string, std::map<std::string, std::string>> steps; // by step: status, text, cause, next

    std::string of(const std::string& step, const std::string& member = "status") const {
        const auto at = steps.find(step);
        return at == steps.end() ? "no such step" : at->second.at(member);
    }
};

// Runs check --json; every line of standard output must be an object of the documented form.
Checked check(const std::string& document, const std::vector<std::string>& more = {}) {
    const test::TempDirectory directory;
    std::vector<std::string> arguments{"check", directory.write("document.json", document), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Checked out;
    out.run = run_fluxgate(arguments, directory.path());
    for (const std::string& line : test::lines_of(out.run.out)) {
        rapidjson::Document read;
        read.Parse(line.c_str());
        INFO(line);
        REQUIRE_FALSE(read.HasParseError());
        REQUIRE(read["milliseconds"].IsNumber());
        CHECK(read["milliseconds"].GetDouble() >= 0);
        const std::string step = read["step"].GetString();
        out.order.push_back(step);
        for (const char* member : {"status", "text", "cause", "next"})
            out.steps[step][member] = read[member].GetString();
    }
    CHECK((out.run.out + out.run.err).find(test::token) == std::string::npos);
    return out;
}

// That `step` failed with a cause and a next step, the steps before passed or were skipped, and those behind were not reached.
void fails_at(const Checked& c, const std::string& step) {
    INFO(c.run.out << c.run.err);
    CHECK(c.run.code == 3);
    CHECK(c.order == all_steps);
    bool before = true;
    for (const std::string& one : all_steps) {
        INFO(one);
        if (one == step) {
            before = false;
            CHECK(c.of(one) == "failed");
            CHECK_FALSE(c.of(one, "cause").empty());
            CHECK_FALSE(c.of(one, "next").empty());
        } else if (before) {
            CHECK((c.of(one) == "ok" || c.of(one) == "warning" || c.of(one) == "skipped"));
        } else {
            CHECK(c.of(one) == "not_reached");
            CHECK(c.of(one, "text") == "not reached");
        }
    }
}

bool holds(const std::string& text, const std::string& word) {
    UNSCOPED_INFO(text << " / " << word);
    return text.find(word) != std::string::npos;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    if (at == std::string::npos) FAIL("the document has no " + what);
    return text.replace(at, what.size(), with);
}

std::string https_document(std::uint16_t port, const std::string& host, const std::string& ca_file) {
    std::string document = replaced(test::original_document(port), "http://127.0.0.1/some/url/path", "https://" + host);
    document.insert(1, "\"tls\": {\"caFile\": \"" + ca_file + "\"},");
    return document;
}

// A sample server that speaks TLS with this certificate.
std::unique_ptr<sample::Server> start_tls(const test::Issued& identity) {
    const test::TempFile certificate{identity.certificate_pem()}, key{identity.key_pem()};
    sample::ServerOptions options;
    options.cert_file = certificate.path();
    options.key_file = key.path();
    return test::start_server(std::move(options));
}

// Answers a connection at once with plain HTTP, as a server does that sees in the first bytes that they are none.
class ImpatientWire : public test::PlainWire {
public:
    using PlainWire::PlainWire;
    bool accept() override { return write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); }
};

std::string http(const std::string& status, const std::string& headers, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// An InfluxDB of some version that answers each query with one row.
test::RawServer::Answer influx(const std::string& version, const std::string& health = "{}") {
    return [version, health](const std::string& request, int) -> Reply {
        const std::string headers = "X-Influxdb-Build: OSS\r\nX-Influxdb-Version: " + version + "\r\n";
        if (request.find("GET /some/url/path/ping ") == 0) return {{"HTTP/1.1 204 No Content\r\n" + headers + "\r\n"}, Reply::End::keep};
        if (request.find("GET /some/url/path/health ") == 0) return {{http("200 OK", headers, health)}, Reply::End::keep};
        const bool no_rows = request.find("Prefer: return-no-content-with-error\r\n") != std::string::npos;
        return {
            {http("200 OK", headers,
                  no_rows ? "" : "#datatype,string,long,long\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,v\r\n,,0,7\r\n\r\n")},
            Reply::End::keep};
    };
}

} // namespace

TEST_CASE("check passes every step against a good server, warns of what it knows, and ends with 0") {
    const auto server = test::start_server();
    const Checked c = check(test::original_document(server->port()));
    INFO(c.run.out << c.run.err);
    CHECK(c.run.code == 0);
    CHECK(c.order == all_steps);
    CHECK(c.of("configuration") == "warning"); // of the over-escaped expression
    CHECK(holds(c.of("configuration", "text"), "/query/expression"));
    CHECK(c.of("tls") == "skipped");
    CHECK(holds(c.of("tcp", "text"), "127.0.0.1:" + std::to_string(server->port())));
    CHECK(c.of("server") == "warning");
    CHECK(holds(c.of("server", "text"), "2.7"));
    CHECK(holds(c.of("server", "cause"), "empty string"));
    for (const char* step : {"secret", "resolve", "tcp", "clock", "authentication", "organization", "query", "partition"})
        CHECK(c.of(step) == "ok");
    CHECK(holds(c.of("partition", "text"), "partition 0"));
    CHECK(server->queries() == 2);
    CHECK(server->connections() == 1);
}

TEST_CASE("check prints one aligned line a step, with cause and next step below a failure") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string good = directory.write("good.json", test::original_document(server->port()));
    const test::Finished passed = run_fluxgate({"check", good}, directory.path());
    INFO(passed.out << passed.err);
    CHECK(passed.code == 0);
    CHECK(holds(passed.out, "\nall steps passed, with 2 warnings\n"));
    CHECK(holds(passed.out, "ok       authentication"));
    CHECK(holds(passed.out, "skipped  tls"));
    const std::string bad = directory.write("bad.json", replaced(test::original_document(server->port()), "test-org", "no-org"));
    const test::Finished failed = run_fluxgate({"check", bad}, directory.path());
    INFO(failed.out);
    CHECK(failed.code == 3);
    CHECK(holds(failed.out, "FAILED   organization"));
    CHECK(holds(failed.out, "cause: the server has no organization \"no-org\""));
    CHECK(holds(failed.out, "next:  check organization"));
    CHECK(holds(failed.out, "-        query                        not reached"));
    CHECK(holds(failed.out, "\nfailed at: organization\n"));
}

TEST_CASE("a wrong token fails authentication and is never shown") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string wrong = "wrong-token-0123456789";
    directory.write("AKV_ACCESS_TOKEN", wrong);
    const Checked c = check(test::original_document(server->port()), {"--secrets", directory.path(), "--log-level", "debug"});
    fails_at(c, "authentication");
    CHECK(holds(c.of("authentication", "text"), "HTTP 401: unauthorized access"));
    CHECK(holds(c.of("authentication", "next"), "AKV_ACCESS_TOKEN"));
    CHECK((c.run.out + c.run.err).find(wrong) == std::string::npos);
}

TEST_CASE("a secret that is not there fails its step before anything is sent") {
    const auto server = test::start_server();
    const Checked c = check(replaced(test::original_document(server->port()), "AKV_ACCESS_TOKEN", "NOT_THERE_TOKEN"));
    fails_at(c, "secret");
    CHECK(holds(c.of("secret", "text"), "NOT_THERE_TOKEN"));
    CHECK(server->connections() == 0);
}

TEST_CASE("a secret of two lines fails its step") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    directory.write("AKV_ACCESS_TOKEN", "first-line-of-it\nsecond: line");
    const Checked c = check(test::original_document(server->port()), {"--secrets", directory.path()});
    fails_at(c, "secret");
    CHECK(c.run.out.find("first-line") == std::string::npos);
    CHECK(server->connections() == 0);
}

TEST_CASE("a wrong organization fails its step by name, the token having passed") {
    const auto server = test::start_server();
    const Checked c = check(replaced(test::original_document(server->port()), "test-org", "no-org"));
    fails_at(c, "organization");
    CHECK(c.of("authentication") == "ok");
    CHECK(holds(c.of("organization", "text"), "organization name \"no-org\" not found"));
}

TEST_CASE("a missing bucket fails the query") {
    const auto server = test::start_server();
    const Checked c = check(replaced(test::original_document(server->port()), "test-bucket", "no-bucket"));
    fails_at(c, "query");
    CHECK(c.of("organization") == "ok");
    CHECK(holds(c.of("query", "text"), "could not find bucket \"no-bucket\""));
    CHECK(holds(c.of("query", "cause"), "no such bucket"));
}

TEST_CASE("a bad query fails with the line of the query and a caret below the place") {
    const auto server = test::start_server();
    const Checked c = check(replaced(test::original_document(server->port()), "|> range(start: -1h)", "|> nonsense(a: 1)   "));
    fails_at(c, "query");
    const std::string text = c.of("query", "text");
    const std::size_t line = text.find("\nline 1: ");
    REQUIRE(line != std::string::npos);
    const std::size_t carets = text.find('\n', line + 1);
    REQUIRE(carets != std::string::npos);
    const std::size_t column = text.find('^', carets) - carets;
    INFO(text);
    CHECK(text.substr(line + column, 8) == "nonsense");
}

TEST_CASE("an error table under HTTP 200 fails the query") {
    sample::ServerOptions options;
    options.faults.push_back(*sample::parse_fault("error-table-after=5"));
    const auto server = test::start_server(std::move(options));
    const Checked c = check(test::original_document(server->port()));
    fails_at(c, "query");
    CHECK(holds(c.of("query", "text"), "told to fail after 5 rows"));
}

TEST_CASE("an overloaded server fails the query, not the token") {
    sample::ServerOptions options;
    options.faults.push_back(*sample::parse_fault("status=503"));
    const auto server = test::start_server(std::move(options));
    const Checked c = check(test::original_document(server->port()));
    fails_at(c, "query");
    CHECK(c.of("authentication") == "skipped");
    CHECK(holds(c.of("query", "next"), "again later"));
}

TEST_CASE("a name that does not resolve, and a port that nobody listens on, fail their steps") {
    const Checked name = check(replaced(test::original_document(8086), "http://127.0.0.1", "http://no-such-host.invalid"));
    fails_at(name, "resolve");
    CHECK(holds(name.of("resolve", "text"), "no-such-host.invalid"));

    std::uint16_t port = 0;
    {
        const auto gone = test::start_server();
        port = gone->port();
    }
    const Checked closed = check(test::original_document(port));
    fails_at(closed, "tcp");
    CHECK(holds(closed.of("tcp", "text"), "127.0.0.1:" + std::to_string(port)));
    CHECK(holds(closed.of("tcp", "cause"), "nothing listens"));
}

TEST_CASE("http spoken to an https port, and the reverse, are told as such") {
    const test::Authority authority{"an authority"};
    const auto tls = start_tls(authority.issue({"IP:127.0.0.1"}));
    const Checked http_to_tls = check(test::original_document(tls->port()));
    fails_at(http_to_tls, "server");
    CHECK(holds(http_to_tls.of("server", "cause"), "expects HTTPS"));

    // as Go's servers, so InfluxDB, answer
    const test::RawServer go{Reply{{"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"}}};
    const Checked to_go = check(test::original_document(go.port()));
    fails_at(to_go, "server");
    CHECK(holds(to_go.of("server", "next"), "https://"));

    const test::TempFile ca{authority.pem()};
    const test::RawServer plain{[](const std::string&, int) { return Reply{}; },
                                [](int fd) -> std::unique_ptr<test::Wire> { return std::make_unique<ImpatientWire>(fd); }};
    const Checked tls_to_http = check(https_document(plain.port(), "127.0.0.1", ca.path()));
    fails_at(tls_to_http, "tls");
    CHECK(holds(tls_to_http.of("tls", "cause"), "plain HTTP"));

    const auto waiting = test::start_server(); // for the rest of what it takes for a header
    const Checked no_answer = check(https_document(waiting->port(), "127.0.0.1", ca.path()), {"--timeout", "500ms"});
    fails_at(no_answer, "tls");
    CHECK(holds(no_answer.of("tls", "cause"), "plain HTTP"));
}

TEST_CASE("a good certificate is described with version, names and days, and warned of when it ends soon") {
    const test::Authority authority{"an authority"};
    const test::TempFile ca{authority.pem()};
    const auto server = start_tls(authority.issue({"IP:127.0.0.1", -1, 30}));
    const Checked good = check(https_document(server->port(), "127.0.0.1", ca.path()));
    INFO(good.run.out << good.run.err);
    CHECK(good.run.code == 0);
    CHECK(good.of("tls") == "ok");
    for (const char* word : {"TLSv1.3", "a test server", "an authority", "days left"})
        CHECK(holds(good.of("tls", "text"), word));
    const auto ending = start_tls(authority.issue({"IP:127.0.0.1", -1, 10}));
    const Checked soon = check(https_document(ending->port(), "127.0.0.1", ca.path()));
    CHECK(soon.run.code == 0);
    CHECK(soon.of("tls") == "warning");
}

TEST_CASE("an expired certificate, one of another host, and one of an unknown authority are told apart") {
    const test::Authority authority{"an authority"}, stranger{"a stranger"};
    const test::TempFile ca{authority.pem()};
    const auto expired = start_tls(authority.issue({"IP:127.0.0.1", -30, -1}));
    const Checked old = check(https_document(expired->port(), "127.0.0.1", ca.path()));
    fails_at(old, "tls");
    CHECK(holds(old.of("tls", "text"), "expired"));
    const auto other = start_tls(authority.issue({"DNS:influx.example"}));
    const Checked host = check(https_document(other->port(), "127.0.0.1", ca.path()));
    fails_at(host, "tls");
    CHECK(holds(host.of("tls", "text"), "influx.example"));
    CHECK(holds(host.of("tls", "cause"), "another name"));
    const auto strange = start_tls(stranger.issue({"IP:127.0.0.1"}));
    const Checked unknown = check(https_document(strange->port(), "127.0.0.1", ca.path()));
    fails_at(unknown, "tls");
    CHECK(holds(unknown.of("tls", "cause"), "private authority"));
    CHECK(holds(unknown.of("tls", "next"), "tls.caFile"));
}

TEST_CASE("the server's version comes from its header or from /health, and old or unknown ones are warned of") {
    struct Case {
        const char *version, *health, *status, *word;
    };
    for (const Case& c :
         {Case{"v2.9.1", "{}", "ok", "2.9.1"}, Case{"v2.8.0", "{}", "warning", "2.8.0"}, Case{"dev", R"({"version": "2.9.0"})", "ok", "2.9.0"},
          Case{"dev", R"({"version": "dev"})", "warning", "could not be told"}, Case{"dev", "not json", "warning", "could not be told"}}) {
        const test::RawServer server{influx(c.version, c.health)};
        const Checked seen = check(test::original_document(server.port()));
        INFO(c.version << seen.run.out << seen.run.err);
        CHECK(seen.run.code == 0);
        CHECK(seen.of("server") == c.status);
        CHECK(holds(seen.of("server", "text"), c.word));
        CHECK(seen.of("clock") == "skipped"); // no Date header
    }
}

TEST_CASE("the token travels only with the queries, the first of which asks for no rows") {
    const test::RawServer server{influx("v2.9.1")};
    const Checked c = check(test::original_document(server.port()));
    CHECK(c.run.code == 0);
    const std::vector<std::string> requests = server.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].find("Authorization") == std::string::npos);
    CHECK(requests[1].find("Authorization: Token " + test::token) != std::string::npos);
    CHECK(requests[1].find("Prefer: return-no-content-with-error") != std::string::npos);
    CHECK(requests[2].find("Authorization: Token " + test::token) != std::string::npos);
    CHECK(requests[2].find("Prefer:") == std::string::npos);
}

TEST_CASE("a clock that is off by more than a second is a warning") {
    sample::ServerOptions options;
    options.clock = [] {
        return sample::Time{std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count() -
                            120'000'000'000};
    };
    const auto server = test::start_server(std::move(options));
    const Checked c = check(test::original_document(server->port()));
    INFO(c.run.out);
    CHECK(c.run.code == 0);
    CHECK(c.of("clock") == "warning");
    CHECK(holds(c.of("clock", "text"), "behind"));
}

TEST_CASE("an expression that fails on the first row fails the last step with the reason") {
    const auto server = test::start_server();
    const Checked c = check(replaced(test::original_document(server->port()), "\"expression\": \"0\"", "\"expression\": \".payload.host\""));
    fails_at(c, "partition");
    CHECK(holds(c.of("partition", "text"), "partition-type"));
    CHECK(holds(c.of("partition", "next"), "partitionStrategy.expression"));
}

TEST_CASE("a query without rows passes, and says that there was none to try") {
    const auto server = test::start_server();
    const Checked c = check(replaced(test::original_document(server->port()), "\"stat", "\"none"));
    INFO(c.run.out);
    CHECK(c.run.code == 0);
    CHECK(holds(c.of("partition", "text"), "no rows"));
}

TEST_CASE("a document that is not valid ends with 2, its configuration step failed") {
    const Checked c = check(replaced(test::original_document(8086), "\"5s\"", "\"soon\""));
    CHECK(c.run.code == 2);
    CHECK(c.order == std::vector<std::string>{"configuration"});
    CHECK(c.of("configuration") == "failed");
    CHECK(holds(c.of("configuration", "text"), "/interval"));
    CHECK(holds(c.run.err, "error at /interval"));
    CHECK(run_fluxgate({"check", "no-such-file.json"}).code == 2);
    CHECK(run_fluxgate({"check", "no-such-file.json", "--timeout", "soon"}).code == 2);
}

TEST_CASE("a server that says nothing is left when the check's time is over") {
    const test::RawServer silent{[](const std::string& request, int) -> Reply {
        if (request.find("GET ") == 0) return {{"HTTP/1.1 204 No Content\r\nX-Influxdb-Version: v2.9.0\r\n\r\n"}, Reply::End::keep};
        return {{}, Reply::End::hold};
    }};
    const auto began = std::chrono::steady_clock::now();
    const Checked c = check(test::original_document(silent.port()), {"--timeout", "700ms"});
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{10});
    fails_at(c, "query");
    CHECK(holds(c.of("query", "text"), "time for the check"));
}

TEST_CASE("what a server says cannot command the terminal") {
    const test::RawServer server{[](const std::string& request, int) -> Reply {
        if (request.find("GET ") == 0) return {{"HTTP/1.1 204 No Content\r\nX-Influxdb-Version: v2.9\x1B[2J\xC2\x9Bm\r\n\r\n"}, Reply::End::keep};
        return {{http("400 Bad Request", "X-Influxdb-Version: v2.9\r\n", R"({"code":"invalid","message":"\u001b[2J\u009bm and \u001b]0;x\u0007"})")},
                Reply::End::keep};
    }};
    const test::TempDirectory directory;
    const test::Finished f = run_fluxgate({"check", directory.write("d.json", test::original_document(server.port()))}, directory.path());
    CHECK(f.code == 3);
    for (const char* bad : {"\x1B", "\xC2\x9B", "\x07"})
        CHECK(f.out.find(bad) == std::string::npos);
}

TEST_CASE("a run logs a failed query with the line of the query that the server points at") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file =
        directory.write("bad.json", replaced(test::original_document(server->port()), "|> range(start: -1h)", "|> nonsense(a: 1)   "));
    const test::Finished f = run_fluxgate({"run", file, "--for", "1s"}, directory.path());
    INFO(f.err);
    CHECK(holds(f.err, "query_line=\"line 1: from(bucket"));
    CHECK(holds(f.err, "^^"));
}
