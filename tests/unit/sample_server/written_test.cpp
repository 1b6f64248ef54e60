#include "raw_client.hpp"
#include "sample_server/server.hpp"
#include "support/catch.hpp"

#include <zlib.h>

using namespace fluxgate::sample;
using raw::exchange;

namespace {

const Time noon = *parse_time("2026-11-21T12:00:00Z");

std::unique_ptr<Server> serve() {
    ServerOptions options;
    options.clock = [] { return noon; };
    options.empty_buckets = {"mine"};
    auto server = Server::start(std::move(options));
    REQUIRE(server.ok());
    return *std::move(server);
}

raw::Reply send(const Server& server, const std::string& lines, const std::string& target = "/api/v2/write?org=test-org&bucket=mine",
                const std::string& fields = "", const std::string& token = "sample-token") {
    return exchange(server.port(), raw::post(lines, fields, target, token));
}

std::vector<std::string> payloads(const Server& server, const std::string& query) {
    const auto told = expect(query, noon, server.written());
    REQUIRE(told.ok());
    std::vector<std::string> out;
    for (const auto& m : told->messages) {
        out.push_back(m.payload);
    }
    return out;
}

const std::string values = R"( |> range(start: -1h) |> keep(columns: ["_time", "_value"]))";
const std::string mine = R"(from(bucket: "mine"))" + values;

std::string row(const std::string& time, const std::string& value) {
    return R"({"_time":")" + time + R"(","_value":)" + value + "}";
}

std::string cell(const std::string& time, const std::string& value, const std::string& field, const std::string& tag) {
    return R"({"_time":")" + time + R"(","_value":)" + value + R"(,"_field":")" + field + R"(","t":")" + tag + "\"}";
}

std::string gzip(const std::string& text) {
    z_stream z{};
    REQUIRE(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&z, text.size()), '\0');
    std::string in = text;
    z.next_in = reinterpret_cast<Bytef*>(in.data());
    z.avail_in = static_cast<uInt>(in.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

} // namespace

TEST_CASE("what was written is answered over HTTP, by type, series and time, and the oracle knows it") {
    const auto server = serve();
    const auto r = send(*server, "m,t=b f=1.5,n=7i 1795262399000000000\nm,t=a f=2.5,u=8u,s=\"x, y\",b=true 1795262398000000001\n");
    CHECK(r.status == 204);
    CHECK(r.body.empty());
    const auto answer = exchange(server->port(), raw::post(R"_({"query":"from(bucket: \"mine\") |> range(start: -1h)"})_"));
    INFO(answer.body);
    CHECK(answer.status == 200);
    CHECK(answer.body.find(",_result,0,2026-11-21T11:00:00Z,2026-11-21T12:00:00Z,2026-11-21T11:59:58.000000001Z,true,b,m,a\r\n") !=
          std::string::npos);
    const std::string early = "2026-11-21T11:59:58.000000001Z", late = "2026-11-21T11:59:59Z";
    CHECK(payloads(*server, R"(from(bucket: "mine") |> range(start: -1h) |> keep(columns: ["_time", "_value", "t", "_field"]))") ==
          std::vector<std::string>{cell(early, "true", "b", "a"), cell(early, "2.5", "f", "a"), cell(early, "\"x, y\"", "s", "a"),
                                   cell(early, "8", "u", "a"), cell(late, "1.5", "f", "b"), cell(late, "7", "n", "b")});
}

TEST_CASE("a point at a time that has one replaces it, a late one stands in its place in time") {
    const auto server = serve();
    REQUIRE(server->write("mine", "m f=1 1795262390000000000\nm f=3 1795262392000000000").ok());
    REQUIRE(server->write("mine", "m f=2 1795262391000000000\nm f=9 1795262390000000000").ok());
    CHECK(payloads(*server, mine) ==
          std::vector<std::string>{row("2026-11-21T11:59:50Z", "9"), row("2026-11-21T11:59:51Z", "2"), row("2026-11-21T11:59:52Z", "3")});
    // A range is half-open for written points too.
    CHECK(payloads(*server, R"(from(bucket: "mine") |> range(start: 2026-11-21T11:59:50.000000001Z, stop: 2026-11-21T11:59:52Z))").size() == 1);
}

TEST_CASE("written points stand among the plant's own and replace them") {
    const auto server = serve();
    const std::string query =
        R"(from(bucket: "plant") |> range(start: -30s) |> filter(fn: (r) => r._measurement == "stat" and r._field == "cycles" and )"
        R"(r.host == "oven 1") |> keep(columns: ["_time", "_value"]))";
    const auto before = payloads(*server, query);
    REQUIRE(before.size() == 3);
    const std::string series = "stat,host=oven\\ 1,line=1,site=north cycles=";
    REQUIRE(server->write("plant", series + "-5i 1795262380000000000\n" + series + "-6i 1795262385000000000").ok());
    CHECK(payloads(*server, query) ==
          std::vector<std::string>{before[0], row("2026-11-21T11:59:40Z", "-5"), row("2026-11-21T11:59:45Z", "-6"), before[2]});
    CHECK(payloads(*server, R"(from(bucket: "test-bucket"))" + query.substr(query.find(" |>"))) == before);
}

TEST_CASE("written series and the plant's come in the order of measurement, tags and field") {
    const auto server = serve();
    REQUIRE(server->write("plant", "energy,meter=M-1,site=north zeta=1\nalpha f=1\nzulu f=1\nenergy,meter=M-0,site=north power=1").ok());
    const auto series = server->written().series("plant", Time{noon.ns - 1}, Time{noon.ns + 1});
    REQUIRE(series.size() == plant().size() + 4);
    CHECK(std::is_sorted(series.begin(), series.end(), [](const auto& a, const auto& b) { return *a.key < *b.key; }));
}

TEST_CASE("a gzip body is unpacked, a damaged one is refused") {
    const auto server = serve();
    const std::string packed = gzip("m f=1\n");
    const std::string target = "/api/v2/write?org=test-org&bucket=mine&precision=s";
    CHECK(send(*server, packed, target, "Content-Encoding: gzip\r\n").status == 204);
    CHECK(payloads(*server, R"(from(bucket: "mine") |> range(start: -1h, stop: 1h) |> keep(columns: ["_time", "_value"]))") ==
          std::vector<std::string>{row("2026-11-21T12:00:00Z", "1")});
    CHECK(send(*server, packed.substr(0, packed.size() - 4), target, "Content-Encoding: gzip\r\n").status == 400);
    CHECK(send(*server, packed, target).status == 400);
    CHECK(send(*server, packed, target, "Content-Encoding: br\r\n").body.find("unknown content encoding: br") != std::string::npos);
    // 60 MB of comments fit into a small body.
    CHECK(send(*server, gzip("#" + std::string(60u << 20, 'a')), target, "Content-Encoding: gzip\r\n").status == 413);
}

TEST_CASE("refused writes have the real server's status, code and words, and change nothing") {
    const auto server = serve();
    REQUIRE(server->write("mine", "m f=1 1795262399000000000").ok());
    struct Case {
        std::string lines, target;
        int status;
        std::string body;
    };
    const std::string good = "/api/v2/write?org=test-org&bucket=mine";
    const Case cases[] = {
        {"m f=1\nm f=\n", good, 400, R"({"code":"invalid","message":"unable to parse 'm f=': missing field value"})"},
        {"", good, 400, R"({"code":"invalid","message":"writing requires points"})"},
        {"m f=1", good + "&precision=h", 400, R"({"code":"invalid","message":"invalid precision; valid precision units are ns, us, ms, and s"})"},
        {"m f=1", "/api/v2/write?bucket=mine", 400, R"({"code":"invalid","message":"Please provide either orgID or org"})"},
        {"m f=1", "/api/v2/write?org=nope&bucket=mine", 404, R"({"code":"not found","message":"organization name \"nope\" not found"})"},
        {"m f=1", "/api/v2/write?org=test-org&bucket=nope", 404, R"({"code":"not found","message":"bucket \"nope\" not found"})"},
        {"other g=2\nm f=1i", good, 422,
         R"({"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: input field \"f\" on )"
         R"(measurement \"m\" is type integer, already exists as type float dropped=2"})"},
        {"n f=1i\nn f=1", good, 422,
         R"({"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: input field \"f\" on )"
         R"(measurement \"n\" is type float, already exists as type integer dropped=2"})"},
    };
    for (const Case& c : cases) {
        const auto r = send(*server, c.lines, c.target);
        INFO(c.lines << " to " << c.target);
        CHECK(r.status == c.status);
        CHECK(r.body == c.body);
    }
    CHECK(send(*server, "m f=1", good, "", "wrong").status == 401);
    CHECK(send(*server, std::string((16u << 20) + 1, '#'), good).status == 413);
    CHECK(exchange(server->port(), "GET " + good + " HTTP/1.1\r\nAuthorization: Token sample-token\r\nConnection: close\r\n\r\n").status == 405);
    CHECK(server->write("plant", "stat cycles=1").error().http_status == 422);
    CHECK(payloads(*server, mine) == std::vector<std::string>{row("2026-11-21T11:59:59Z", "1")});
}
