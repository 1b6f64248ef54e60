// What the stage sends, where rows go, and what becomes of rows that cannot be messages.
#include "support/catch.hpp"
#include "support/raw_server.hpp"
#include "support/recording.hpp"
#include "support/source_driver.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

using namespace fluxgate;
using test::Reply;
using Got = test::SourceDriver::Got;

namespace {

const std::string header = "#datatype,string,long,dateTime:RFC3339,double,string\r\n#group,false,false,false,false,true\r\n#default,_result,,,,\r\n"
                           ",result,table,_time,_value,host\r\n";

std::string answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunk(const std::string& body) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    return size + body + "\r\n";
}

std::string row(const std::string& value, const std::string& host) {
    return ",,0,2026-01-01T00:00:00Z," + value + "," + host + "\r\n";
}

std::string key_strategy(const std::string& expression, int count) {
    return R"(,"partitionCount":)" + std::to_string(count) + R"(,"partitionStrategy":{"type":"key","expression":")" + expression + R"("})";
}

} // namespace

TEST_CASE("the request is what the wire asks for") {
    test::RawServer server{Reply{{answer("\r\n")}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "s3cr3t-token");
    std::string document = test::influx_document(server.port(), R"(,"compression":"gzip")");
    document.replace(document.find("http://127.0.0.1"), 16, "http://127.0.0.1/some/url/path/");
    document.replace(document.find("test-org"), 8, "test org&1");
    test::SourceDriver source{host, document, true};
    REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
    const auto requests = server.requests();
    REQUIRE(requests.size() == 1);
    const std::string& sent = requests[0];
    CHECK(sent.substr(0, sent.find("\r\n")) == "POST /some/url/path/api/v2/query?org=test%20org%261 HTTP/1.1");
    for (const std::string line : {"Authorization: Token s3cr3t-token", "Content-Type: application/json", "Accept: application/csv",
                                   "Accept-Encoding: gzip", "User-Agent: fluxgate/1"}) {
        INFO(line);
        CHECK(sent.find("\r\n" + line) != std::string::npos);
    }
    CHECK(sent.substr(sent.find("\r\n\r\n") + 4) ==
          R"json({"query":"from(bucket:\"plant\") |> range(start: -1h)","type":"flux",)json"
          R"json("dialect":{"annotations":["datatype","group","default"],"header":true,"delimiter":","}})json");
}

TEST_CASE("rows go to the partition of their key, in order, and each message names both") {
    std::string body = header;
    for (int i = 0; i < 300; ++i)
        body += row(std::to_string(i), "host-" + std::to_string(i % 7));
    test::RawServer server{Reply{{answer(body + "\r\n")}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    test::SourceDriver source{host, test::influx_document(server.port(), key_strategy(".payload.host", 4)), true};
    REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
    REQUIRE(source.messages().size() == 300);
    std::map<std::string, std::uint32_t> partition_of;
    std::map<std::uint32_t, int> last;
    for (const test::Delivered& m : source.messages()) {
        const std::size_t at = m.text.find("\"partitionKey\":\"") + 16;
        const std::string key = m.text.substr(at, m.text.find('"', at) - at);
        CHECK(m.text.find("\"partitionId\":" + std::to_string(m.partition) + ",") != std::string::npos);
        CHECK(m.payload.find("\"host\":\"" + key + "\"") != std::string::npos);
        const auto [known, fresh] = partition_of.emplace(key, m.partition);
        CHECK(known->second == m.partition);
        const int value = std::stoi(m.payload.substr(m.payload.find("\"_value\":") + 9));
        if (last.count(m.partition) != 0) CHECK(last[m.partition] < value);
        last[m.partition] = value;
    }
    CHECK(partition_of.size() == 7);
    CHECK(host.metric("jq_evaluations") == 7); // one a distinct key: the rest is remembered
}

TEST_CASE("an expression that reads the time is evaluated on every row and agrees with its message") {
    std::string body = header;
    for (int i = 0; i < 50; ++i)
        body += row(std::to_string(i), "a");
    test::RawServer server{Reply{{answer(body + "\r\n")}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    const std::string strategy = R"(,"partitionCount":8,"partitionStrategy":{"type":"id","expression":".payload | ._value % 8"})";
    test::SourceDriver source{host, test::influx_document(server.port(), strategy), true};
    REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
    REQUIRE(source.messages().size() == 50);
    for (const test::Delivered& m : source.messages()) {
        const int value = std::stoi(m.payload.substr(m.payload.find("\"_value\":") + 9));
        CHECK(m.partition == static_cast<std::uint32_t>(value % 8));
        CHECK(m.text.find("partitionKey") == std::string::npos);
    }
}

TEST_CASE("rows that are not values of their type and messages without a partition are dead letters, and the count adds up") {
    const std::string body = header + row("1", "a") + row("warm", "b") + row("3", "") + row("NaN", "d") + ",,0,yesterday,4,e\r\n" +
                             row("5", std::string(200, 'k')) + "\r\n";
    test::RawServer server{Reply{{answer(body)}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    test::SourceDriver source{host, test::influx_document(server.port(), key_strategy(".payload.host", 2) + R"(,"nonFinite":"deadLetter")"), true};
    REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
    CHECK(source.messages().size() == 1);
    const auto letters = host.letters();
    REQUIRE(letters.size() == 5);
    CHECK(letters[0].code == "type-mismatch");
    CHECK(letters[0].raw == ",,0,2026-01-01T00:00:00Z,warm,b");
    CHECK(letters[1].code == "partition-type");
    CHECK(letters[1].raw.find("\"host\":null") != std::string::npos);
    CHECK(letters[2].code == "non-finite");
    CHECK(letters[3].code == "type-mismatch");
    CHECK(letters[4].code == "partition-key-too-long");
    CHECK(host.metric("rows_read") == 6);
}

TEST_CASE("rows and bytes are counted while an answer is still being read") {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string first = header + row("1", "a") + row("2", "b"), rest = row("3", "c") + "\r\n";
    test::RawServer server{Reply{{head + chunk(first), chunk(rest) + "0\r\n\r\n"}, Reply::End::fin, true}};
    for (const bool verified : {false, true}) {
        INFO("verified: " << verified);
        test::RecordingHost host;
        host.set_secret("INFLUX_TOKEN", "t");
        test::SourceDriver source{host, test::influx_document(server.port(), verified ? R"(,"delivery":"verified")" : ""), true};
        // The first piece is the server's to give; nothing of the second one exists yet.
        REQUIRE(source.next(std::chrono::milliseconds{50}) == Got::nothing);
        REQUIRE(server.let_piece());
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (host.metric("body_bytes") < static_cast<double>(first.size()) && std::chrono::steady_clock::now() < until)
            source.next(std::chrono::milliseconds{50});
        CHECK(host.metric("body_bytes") == static_cast<double>(first.size()));
        CHECK(host.metric("rows_read") == (verified ? 0 : 2)); // kept until the answer is whole
        CHECK(host.metric("queries") == 0);
        REQUIRE(server.let_piece());
        REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
        CHECK(host.metric("rows_read") == 3);
        CHECK(host.metric("body_bytes") == static_cast<double>(first.size() + rest.size()));
    }
}

TEST_CASE("a row beyond limits.maxRowBytes is a truncated dead letter and the rest goes on") {
    const std::string body = header + row("1", "a") + row("2", std::string(2000, 'x')) + row("3", "c") + "\r\n";
    test::RawServer server{Reply{{answer(body)}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    test::SourceDriver source{host, test::influx_document(server.port(), R"(,"limits":{"maxRowBytes":1024})"), true};
    REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
    CHECK(source.messages().size() == 2);
    REQUIRE(host.letters().size() == 1);
    CHECK(host.letters()[0].code == "row-too-long");
    CHECK(host.letters()[0].truncated);
    CHECK(host.letters()[0].raw.size() == 1024);
}

TEST_CASE("a dead letter that cannot be put on record stops the source with an error") {
    test::RawServer server{Reply{{answer(header + row("1", "a") + row("warm", "b") + row("2", "c") + "\r\n")}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    host.refuse_dead_letters();
    test::SourceDriver source{host, test::influx_document(server.port()), false};
    CHECK(source.run(std::chrono::seconds{10}) == Got::error);
    CHECK(source.error().code == Errc::dead_letter);
    CHECK(source.messages().size() == 1);
}

TEST_CASE("a batch leaves at maxRows and at maxBytes, and one partition's batch holds no other's messages") {
    std::string body = header;
    for (int i = 0; i < 1000; ++i)
        body += row(std::to_string(i), "a");
    test::RawServer server{Reply{{answer(body + "\r\n")}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    test::SourceDriver by_rows{host, test::influx_document(server.port(), R"(,"batch":{"maxRows":100})"), true};
    REQUIRE(by_rows.run(std::chrono::seconds{10}) == Got::ended);
    CHECK(by_rows.messages().size() == 1000);
    CHECK(by_rows.batches() >= 10);
    std::map<std::uint64_t, int> sizes;
    for (const test::Delivered& m : by_rows.messages())
        ++sizes[m.sequence];
    for (const auto& [sequence, size] : sizes)
        CHECK(size <= 100);
}

TEST_CASE("an answer that broke off is tried again and said to be incomplete") {
    const std::string body = header + row("1", "a") + "\r\n";
    test::RawServer server{[&](const std::string&, int connection) {
        if (connection == 1) return Reply{{answer(body).substr(0, answer(body).size() - 10)}};
        return Reply{{answer(body)}};
    }};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    test::SourceDriver source{host, test::influx_document(server.port(), R"(,"retry":{"type":"fixed","initial":"1ms"})"), true};
    REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
    CHECK(server.connections() == 2);
    CHECK(host.all_output().find("query.failed") != std::string::npos);
    CHECK(host.all_output().find("query.recovered") != std::string::npos);
    CHECK(host.health().level == FG_HEALTH_OK);
}

TEST_CASE("refusals are told with the server's own words and the next step") {
    struct Case {
        std::string recording, words, step;
        int status;
    };
    const std::vector<Case> cases{
        {"error-token", "unauthorized access", "check the token that the secret \"INFLUX_TOKEN\" holds", 401},
        {"error-bucket", "failed to initialize execute state: could not find bucket", "check the bucket's name", 404},
        {"error-compile", "", "check query.expression", 400},
        {"error-path", "no assets included in binary", "the path of url", 404},
    };
    for (const Case& c : cases) {
        INFO(c.recording);
        const test::Recording r = test::load_recording("influxd-2.7", c.recording);
        test::RawServer server{Reply{{r.wire}}};
        test::RecordingHost host;
        host.set_secret("INFLUX_TOKEN", "t");
        test::SourceDriver source{host, test::influx_document(server.port()), true};
        REQUIRE(source.run(std::chrono::seconds{10}) == Got::error);
        CHECK(source.error().http_status == c.status);
        CHECK(source.error().server_text.find(c.words) != std::string::npos);
        CHECK(source.error().message.find(c.step) != std::string::npos);
        CHECK(host.health().level == FG_HEALTH_NEEDS_ATTENTION);
    }
}
