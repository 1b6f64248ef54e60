#include "raw_client.hpp"
#include "sample_server/server.hpp"
#include "support/catch.hpp"
#include "support/recording.hpp"

using namespace fluxgate::sample;
using fluxgate::test::load_recording;
using raw::exchange;

namespace {

const Time noon = *parse_time("2026-11-21T12:00:00Z");

std::unique_ptr<Server> serve() {
    ServerOptions options;
    options.clock = [] { return noon; };
    options.buckets = {"plant"};
    options.empty_buckets = {"machines"};
    auto server = Server::start(std::move(options));
    REQUIRE(server.ok());
    REQUIRE(
        (*server)
            ->write(
                "machines",
                "mem,host=web-00 available_percent=1,state=\"a\",used=2i 1795262399000000000\ncpu,cpu=a,dc=x,host=web-07 v=1 1795262399000000000\n"
                "cpu,cpu=b,host=web-03 v=1 1795262399000000000\n"
                "cpu,host=web-04 v=1 1795262399000000000\nold,host=gone v=1 1700000000000000000")
            .ok());
    return *std::move(server);
}

std::string escaped(const std::string& flux) {
    std::string out;
    for (const char c : flux) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

raw::Reply ask(const Server& server, const std::string& flux) {
    return exchange(server.port(), raw::post("{\"query\":\"" + escaped(flux) +
                                             R"(","dialect":{"annotations":["datatype","group","default"],"header":true,"delimiter":","}})"));
}

// The rows of a one-column answer.
std::vector<std::string> rows(const raw::Reply& reply) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < reply.body.size();) {
        const std::size_t end = reply.body.find("\r\n", at);
        const std::string line = reply.body.substr(at, end - at);
        if (line.rfind(",,0,", 0) == 0) out.push_back(line.substr(4));
        at = end + 2;
    }
    return out;
}

using Names = std::vector<std::string>;

// What stands before the first row.
std::string head_of(const std::string& body) {
    return body.substr(0, body.find("\r\n,,"));
}

} // namespace

TEST_CASE("fields and measurements are answered as the recorded server answers them") {
    const auto server = serve();
    const auto fields =
        ask(*server, "import \"influxdata/influxdb/schema\"\nschema.measurementFieldKeys(bucket: \"machines\", measurement: \"mem\")");
    CHECK(fields.status == 200);
    CHECK(fields.body == load_recording("influxd-2.7", "schema-fields").body);
    const auto measurements = ask(*server, "import \"influxdata/influxdb/schema\"\nschema.measurements(bucket: \"machines\")");
    CHECK(head_of(measurements.body) == head_of(load_recording("influxd-2.7", "schema-measurements").body));
    CHECK(rows(measurements) == Names{"cpu", "mem"}); // the old one is no longer in the 30 days that the function looks at
    CHECK(rows(ask(*server, "import \"influxdata/influxdb/schema\"\nschema.measurements(bucket: \"machines\", start: 2020-01-01T00:00:00Z)")) ==
          Names{"cpu", "mem", "old"});
    CHECK(rows(ask(*server, "import \"influxdata/influxdb/schema\"\nschema.measurements(bucket: \"plant\")")) ==
          Names{"edges", "energy", "machine", "stat"});
}

TEST_CASE("tags and their values are answered as the recorded server answers them") {
    const auto server = serve();
    const std::string import = "import \"influxdata/influxdb/schema\"\n";
    CHECK(ask(*server, import + R"(schema.measurementTagKeys(bucket: "machines", measurement: "cpu"))").body ==
          load_recording("influxd-2.7", "schema-tags").body);
    const auto values = ask(*server, import + R"(schema.measurementTagValues(bucket: "machines", measurement: "cpu", tag: "host"))");
    CHECK(head_of(values.body) == head_of(load_recording("influxd-2.7", "schema-tag-values").body));
    CHECK(rows(values) == Names{"web-03", "web-04", "web-07"});
    CHECK(rows(ask(*server, import + R"(schema.measurementTagValues(bucket: "machines", measurement: "cpu", tag: "host") |> limit(n: 2))")) ==
          Names{"web-03", "web-04"});
    CHECK(rows(ask(*server, import + R"(schema.measurementTagValues(bucket: "machines", measurement: "cpu", tag: "host") |> count())")) ==
          Names{"3"});
    CHECK(rows(ask(*server, import + R"(schema.measurementTagKeys(bucket: "machines", measurement: "none"))")).empty());
}

TEST_CASE("buckets are answered in the recorded server's columns, by name") {
    const auto server = serve();
    const auto reply = ask(*server, "buckets()");
    CHECK(head_of(reply.body) == head_of(load_recording("influxd-2.7", "schema-buckets").body));
    const auto all = rows(reply);
    REQUIRE(all.size() == 2);
    CHECK(all[0].rfind("machines,", 0) == 0);
    CHECK(all[1].rfind("plant,", 0) == 0);
    CHECK(all[1].substr(all[1].size() - 20) == ",0123456789abcdef,,0");
}

TEST_CASE("what cannot be asked is refused in the server's words") {
    const auto server = serve();
    CHECK(ask(*server, R"(schema.measurements(bucket: "plant"))").body.find("error @1:1-1:7: undefined identifier schema") != std::string::npos);
    CHECK(ask(*server, "import \"influxdata/influxdb/schema\"\nschema.measurements(bucket: \"none\")").status == 404);
    CHECK(ask(*server, "import \"influxdata/influxdb/schema\"\nschema.measurementFieldKeys(bucket: \"plant\")")
              .body.find("missing required argument measurement") != std::string::npos);
    CHECK(ask(*server, "import \"influxdata/influxdb/schema\"\nschema.tagKeys(bucket: \"plant\")").status == 400);
}

TEST_CASE("first and last are one row a series, the same rows that a whole read begins and ends with") {
    const auto server = serve();
    REQUIRE(server->write("plant", "machine,line=1,machine=press-1,site=north temp=1 1795262399000000000").ok());
    const std::string read = R"(from(bucket: "plant") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "machine" and r.line == "1"))";
    const auto all = expect(read, noon, server->written()), first = expect(read + " |> first()", noon, server->written()),
               last = expect(read + " |> last()", noon, server->written());
    REQUIRE(all.ok());
    REQUIRE(first.ok());
    REQUIRE(last.ok());
    std::vector<ExpectedMessage> firsts, lasts;
    for (const ExpectedMessage& m : all->messages) {
        if (lasts.empty() || lasts.back().table != m.table) {
            firsts.push_back(m);
            lasts.push_back(m);
        }
        lasts.back() = m;
    }
    CHECK(firsts.size() == 12);
    CHECK(first->messages == firsts);
    CHECK(last->messages == lasts);
}
