#include "raw_client.hpp"
#include "sample_server/certificates.hpp"
#include "sample_server/server.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <unistd.h>

using namespace fluxgate::sample;
using raw::exchange;
using raw::post;

namespace {

const Time noon = *parse_time("2026-11-21T12:00:00Z");
constexpr const char* dialect = R"("dialect":{"annotations":["datatype","group","default"],"header":true,"delimiter":","})";

std::string query(const std::string& flux) {
    std::string escaped;
    for (const char c : flux) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return "{\"query\":\"" + escaped + "\"," + dialect + "}";
}

const std::string stat = R"(from(bucket:"test-bucket") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "stat"))";
const std::string small =
    R"(from(bucket:"plant") |> range(start: -10s) |> filter(fn: (r) => r._measurement == "stat" and r._field == "running" and r.host == "oven 1"))";

std::unique_ptr<Server> serve(std::vector<std::string> faults = {}, ServerOptions options = {}) {
    options.clock = [] { return noon; };
    for (const std::string& f : faults) {
        options.faults.push_back(*parse_fault(f));
    }
    auto server = Server::start(std::move(options));
    REQUIRE(server.ok());
    return *std::move(server);
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++n;
    }
    return n;
}

} // namespace

TEST_CASE("a small answer is right to the last byte, header and framing included") {
    const auto server = serve();
    const auto r = exchange(server->port(), post(query(small)));
    CHECK(r.head == "HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\nVary: Accept-Encoding\r\nX-Influxdb-Build: OSS\r\n"
                    "X-Influxdb-Version: 2.7-sample\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n");
    CHECK(r.body == "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,boolean,string,string,string,string,string\r\n"
                    "#group,false,false,true,true,false,false,true,true,true,true,true\r\n"
                    "#default,_result,,,,,,,,,,\r\n"
                    ",result,table,_start,_stop,_time,_value,_field,_measurement,host,line,site\r\n"
                    ",,0,2026-11-21T11:59:50Z,2026-11-21T12:00:00Z,2026-11-21T11:59:50Z,true,running,stat,oven 1,1,north\r\n"
                    "\r\n");
    CHECK(r.complete);
    CHECK(server->queries() == 1);
}

TEST_CASE("the original documentation's query is served under its path, in chunks of 4 KiB, and holds what the oracle says") {
    const auto server = serve();
    const auto r = exchange(server->port(), post(query(stat), "", "/some/url/path/api/v2/query?org=test-org"));
    CHECK(r.status == 200);
    CHECK(r.complete);
    CHECK(r.wire.substr(0, 6) == "1000\r\n");
    const auto oracle = expect(stat, noon);
    REQUIRE(oracle.ok());
    CHECK(count(r.body, "\r\n,,") == oracle->messages.size());
    CHECK(oracle->messages.size() == 4320);
}

TEST_CASE("the request's now decides over the clock, and extern sets v") {
    const auto server = serve();
    std::string body = query(
        R"(from(bucket:"plant") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> limit(n: 1) |> keep(columns: ["_start", "_stop"]))");
    body.back() = ',';
    body +=
        R"("now":"2026-01-01T00:00:00Z","extern":{"type":"File","body":[{"type":"OptionStatement","assignment":{"type":"VariableAssignment",)"
        R"("id":{"type":"Identifier","name":"v"},"init":{"type":"ObjectExpression","properties":[{"type":"Property","key":{"type":"Identifier",)"
        R"("name":"timeRangeStart"},"value":{"type":"UnaryExpression","operator":"-","argument":{"type":"DurationLiteral","values":[{"magnitude":1,"unit":"h"}]}}},)"
        R"({"type":"Property","key":{"type":"Identifier","name":"timeRangeStop"},"value":{"type":"DateTimeLiteral","value":"2025-12-31T23:30:00.5Z"}}]}}}]}})";
    const auto r = exchange(server->port(), post(body));
    INFO(r.body);
    CHECK(r.body.find(",,0,2025-12-31T23:00:00Z,2025-12-31T23:30:00.5Z\r\n") != std::string::npos);
}

TEST_CASE("refusals have the real server's status, code and words") {
    const auto server = serve();
    const auto port = server->port();
    struct Case {
        std::string request;
        int status;
        std::string body;
    };
    const std::string good = query(small);
    const std::string decode = R"({"code":"invalid","message":"failed to decode request body: )";
    const Case cases[] = {
        {post(good, "", "/api/v2/query?org=test-org", "wrong"), 401, R"({"code":"unauthorized","message":"unauthorized access"})"},
        {post(good, "", "/api/v2/query"), 400, decode + R"(Please provide either orgID or org"})"},
        {post(good, "", "/api/v2/query?org=nope"), 400, decode + R"(organization name \"nope\" not found"})"},
        {post(""), 400,
         decode +
             R"(failed parsing request body as JSON; if sending a raw Flux script, set 'Content-Type: application/vnd.flux' in your request headers: EOF"})"},
        {post("{not json"), 400,
         decode +
             R"(failed parsing request body as JSON; if sending a raw Flux script, set 'Content-Type: application/vnd.flux' in your request headers: )"
             R"(invalid character 'n' looking for beginning of object key string"})"},
        {post(R"({"query":""})"), 400, decode + R"(request body requires either query or AST"})"},
        {post(R"({"query":"x","dialect":{"annotations":["datatype","units"]}})"), 400, decode + R"(unknown dialect annotation type: units"})"},
        {post(query(R"(from(bucket:"nope") |> range(start: -1h))")), 404,
         R"({"code":"not found","message":"failed to initialize execute state: could not find bucket \"nope\""})"},
        {post(query(R"(from(bucket:"plant") |> range(start: v.timeRangeStart))")), 400,
         R"({"code":"invalid","message":"error @1:38-1:39: undefined identifier v"})"},
        {"GET /api/v2/query?org=test-org HTTP/1.1\r\nConnection: close\r\nAuthorization: Token sample-token\r\n\r\n", 405,
         R"({"code":"method not allowed","message":"allow: OPTIONS, POST"})"},
        {post(good, "", "/prefix/api/v2/query?org=test-org"), 404, "no assets included in binary\n"},
        {"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 200,
         R"({"name":"influxdb", "message":"ready for queries and writes", "status":"pass", "checks":[], "version": "2.7-sample", "commit": "none"})"},
        {"rubbish\r\n\r\n", 400, R"({"code":"invalid","message":"the request's header is not proper HTTP/1.1"})"},
        {"POST /api/v2/query HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413,
         R"({"code":"request too large","message":"the request's body is longer than 1 MiB"})"},
    };
    for (const Case& c : cases) {
        INFO(c.request);
        const auto r = exchange(port, c.request);
        CHECK(r.status == c.status);
        CHECK(r.body == c.body);
        CHECK(r.complete);
    }
    CHECK(exchange(port, "GET /ping HTTP/1.1\r\nConnection: close\r\n\r\n").status == 204);
}

TEST_CASE("a connection serves one request after the other, also pipelined ones") {
    const auto server = serve();
    std::string first = post(query(small));
    first.replace(first.find("Connection: close\r\n"), 19, "");
    const auto r = exchange(server->port(), first + first + post(query(small)));
    CHECK(count(r.head + r.wire, "HTTP/1.1 200 OK") == 3);
    CHECK(server->connections() == 1);
}

TEST_CASE("gzip comes only when asked for and from 1,400 bytes on") {
    const auto server = serve();
    CHECK(!exchange(server->port(), post(query(small), "Accept-Encoding: gzip\r\n")).has("Content-Encoding"));
    const auto plain = exchange(server->port(), post(query(stat)));
    const auto r = exchange(server->port(), post(query(stat), "Accept-Encoding: gzip\r\n"));
    CHECK(r.has("Content-Encoding: gzip\r\n"));
    std::string rest;
    bool complete = false;
    CHECK(raw::gunzip(r.body, rest, complete) == plain.body);
    CHECK(complete);
    CHECK(rest.empty());
}

TEST_CASE("Prefer: return-no-content-with-error runs the query and returns nothing, or the error table") {
    const auto server = serve();
    const std::string prefer = "Prefer: return-no-content-with-error\r\n";
    const auto fine = exchange(server->port(), post(query(stat), prefer));
    CHECK(fine.status == 200);
    CHECK(fine.wire == "0\r\n\r\n");
    const auto bad = exchange(server->port(), post(query(stat + " |> group()"), prefer));
    CHECK(bad.body == "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n"
                      ",schema collision: cannot group integer and string types together,\r\n");
}

TEST_CASE("a bare Flux body gets no annotations") {
    const auto server = serve();
    std::string request = post(small);
    request.replace(request.find("application/json"), 16, "application/vnd.flux");
    CHECK(exchange(server->port(), request).body.substr(0, 15) == ",result,table,_");
}

TEST_CASE("faults: a status for the first requests, then success") {
    const auto server = serve({"status=429,retry-after=2,requests=1-2", "queue-full,requests=3", "status=502,requests=4"});
    for (int i = 0; i < 2; ++i) {
        const auto r = exchange(server->port(), post(query(small)));
        CHECK(r.status == 429);
        CHECK(r.has("Retry-After: 2\r\n"));
    }
    const auto full = exchange(server->port(), post(query(small)));
    CHECK(full.status == 400);
    CHECK(full.body == R"({"code":"invalid","message":"queue length exceeded"})");
    const auto proxy = exchange(server->port(), post(query(small)));
    CHECK(proxy.status == 502);
    CHECK(proxy.has("Content-Type: text/html\r\n"));
    CHECK(exchange(server->port(), post(query(small))).status == 200);
}

TEST_CASE("faults: an answer is cut or reset after exactly so many bytes") {
    const auto server = serve({"cut-after=5000,requests=1", "cut-after=0,requests=2", "reset-after=5000,requests=3"});
    const auto cut = exchange(server->port(), post(query(stat)));
    CHECK(cut.status == 200);
    CHECK(cut.wire.size() == 5000);
    CHECK(!cut.complete);
    CHECK(!cut.reset);
    CHECK(exchange(server->port(), post(query(stat))).wire.empty());
    const auto reset = exchange(server->port(), post(query(stat)));
    CHECK(reset.reset);
    CHECK(!reset.complete);
    CHECK(exchange(server->port(), post(query(stat))).complete);
}

TEST_CASE("faults: an error table ends the answer after so many rows, and the framing is whole") {
    const auto server = serve({"error-table-after=3"});
    const auto r = exchange(server->port(), post(query(stat)));
    CHECK(r.status == 200);
    CHECK(r.complete);
    CHECK(count(r.body, "\r\n,,0,") == 3);
    const std::string end = "\r\n\r\n#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,the sample server was told to "
                            "fail after 3 rows,\r\n";
    REQUIRE(r.body.size() > end.size());
    CHECK(r.body.substr(r.body.size() - end.size()) == end);
}

TEST_CASE("faults: gzip without its trailer, and with garbage behind it") {
    const auto server = serve({"gzip-no-trailer,requests=2", "garbage-after-gzip,requests=3"});
    const std::string request = post(query(stat), "Accept-Encoding: gzip\r\n");
    const auto good = exchange(server->port(), request);
    const auto bare = exchange(server->port(), request);
    const auto garbage = exchange(server->port(), request);
    CHECK(bare.complete);
    CHECK(bare.body == good.body.substr(0, good.body.size() - 8));
    std::string rest;
    bool complete = false;
    (void)raw::gunzip(bare.body, rest, complete);
    CHECK(!complete);
    (void)raw::gunzip(garbage.body, rest, complete);
    CHECK(complete);
    CHECK(rest == R"({"code":"internal error","message":"unexpected EOF"})");
}

TEST_CASE("faults: delays are kept, and a server that stops does not wait for them") {
    const auto server = serve({"delay-first-byte=50ms,requests=1", "delay-rows=1000:10ms,requests=2"});
    const auto before = std::chrono::steady_clock::now();
    CHECK(exchange(server->port(), post(query(small))).complete);
    CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds{50});
    const auto slow = std::chrono::steady_clock::now();
    CHECK(exchange(server->port(), post(query(stat))).complete);
    CHECK(std::chrono::steady_clock::now() - slow >= std::chrono::milliseconds{40});
    server->set_faults({*parse_fault("delay-first-byte=60m")});
    std::thread client([&] { CHECK(exchange(server->port(), post(query(small))).status == 0); });
    while (server->queries() < 3) {
        std::this_thread::yield();
    }
    server->stop();
    client.join();
}

TEST_CASE("a bench answer comes whole, every time") {
    ServerOptions options;
    options.bench = *parse_bench("5000,20");
    const auto server = serve({}, std::move(options));
    for (int i = 0; i < 2; ++i) {
        const auto r = exchange(server->port(), post(query(small)));
        CHECK(r.complete);
        CHECK(r.body == bench_csv(*parse_bench("5000,20")));
    }
}

TEST_CASE("https with certificates of its own making, verified by the client; the key is private") {
    namespace fs = std::filesystem;
    const fs::path directory = fs::temp_directory_path() / ("fluxgate-sample-tls-" + std::to_string(::getpid()));
    fs::remove_all(directory);
    const auto files = ensure_certificates(directory.string());
    REQUIRE(files.ok());
    CHECK((fs::status(files->key_file).permissions() & fs::perms::all) == (fs::perms::owner_read | fs::perms::owner_write));
    const auto written = fs::last_write_time(files->cert_file);
    REQUIRE(ensure_certificates(directory.string()).ok());
    CHECK(fs::last_write_time(files->cert_file) == written);
    ServerOptions options;
    options.cert_file = files->cert_file;
    options.key_file = files->key_file;
    {
        const auto server = serve({"cut-after=100,requests=2"}, std::move(options));
        CHECK(server->url() == "https://127.0.0.1:" + std::to_string(server->port()));
        const auto r = exchange(server->port(), post(query(stat)), files->ca_file);
        CHECK(r.status == 200);
        CHECK(r.complete);
        CHECK(exchange(server->port(), post(query(stat)), files->ca_file).wire.size() == 100);
    }
    fs::remove(files->ca_file);
    const auto partial = ensure_certificates(directory.string());
    CHECK(!partial.ok());
    fs::remove_all(directory);
}

TEST_CASE("the log has one line a request, without the query string and without the token") {
    std::vector<std::string> lines;
    std::size_t bytes = 0;
    ServerOptions options;
    options.log = [&](std::string_view line) { lines.emplace_back(line); };
    {
        const auto server = serve({}, std::move(options));
        bytes = exchange(server->port(), post(query(small))).body.size();
        server->stop();
    }
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] == "2026-11-21T12:00:00Z POST /api/v2/query 200 query 1, 1 rows, " + std::to_string(bytes) + " bytes");
}

TEST_CASE("options that cannot work are refused with the reason") {
    const auto error = [](auto change) {
        ServerOptions o;
        change(o);
        const auto server = Server::start(std::move(o));
        return server.ok() ? std::string{"started"} : server.error().message;
    };
    CHECK(error([](ServerOptions& o) { o.chunk_size = 0; }) == "the chunk size is 1 to 16777216 bytes");
    CHECK(error([](ServerOptions& o) { o.prefixes = {"x/"}; }) == "the path prefix \"x/\" must begin with / and not end with it");
    CHECK(error([](ServerOptions& o) { o.bind = "localhost"; }) == "\"localhost\" is no address to bind; give one such as 127.0.0.1 or ::1");
    CHECK(error([](ServerOptions& o) { o.cert_file = "x"; }) == "a certificate needs its key, and a key its certificate");
    const auto server = serve();
    CHECK(error([&](ServerOptions& o) { o.port = server->port(); }).find("cannot listen on 127.0.0.1 port ") == 0);
}
