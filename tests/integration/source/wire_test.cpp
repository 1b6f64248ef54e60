// Behaviour of real servers that no other test names: each case is a statement about the wire.
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/raw_server.hpp"
#include "support/recording.hpp"
#include "support/source_driver.hpp"

#include <atomic>
#include <string>
#include <vector>

using namespace fluxgate;
using test::Reply;
using Got = test::SourceDriver::Got;
using namespace std::chrono_literals;

namespace {

std::string answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string status(const std::string& line, const std::string& headers, const std::string& body) {
    return "HTTP/1.1 " + line + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string head = "#datatype,string,long,dateTime:RFC3339,double,string\r\n#group,false,false,false,false,true\r\n#default,_result,,,,\r\n"
                         ",result,table,_time,_value,host\r\n";

struct Rig {
    test::RecordingHost host;
    test::RawServer server;
    test::SourceDriver source;

    Rig(test::RawServer::Answer say, bool once, const std::string& more = {})
        : server(std::move(say)), source((host.set_secret("INFLUX_TOKEN", "t"), host), test::influx_document(server.port(), more), once) {}
    Rig(const std::string& wire, bool once, const std::string& more = {})
        : Rig([wire](const std::string&, int) { return Reply{{wire}}; }, once, more) {}

    // Drives the stage until its health has this level.
    bool until_health(int level) {
        for (int i = 0; i < 500; ++i) {
            if (host.health().level == level && !host.log().empty()) return true;
            if (source.next(10ms) == Got::error) return host.health().level == level;
        }
        return false;
    }
};

const std::string retry_at_once = R"(,"retry":{"type":"fixed","initial":"1us"})";

} // namespace

TEST_CASE("a server that was killed in the middle of its answer leaves an incomplete one, and none of its rows leave with verified delivery") {
    const std::string wire = test::read_file(std::string{FLUXGATE_TEST_DATA} + "/recordings/influxd-2.9-faults/killed-mid-response.response");
    for (const std::string delivery : {"verified", "streaming"}) {
        Rig rig{wire, true, R"(,"delivery":")" + delivery + R"(","retry":{"type":"fixed","initial":"1us","maxRetries":0})"};
        REQUIRE(rig.source.run(20s) == Got::error);
        CHECK(rig.source.error().code == Errc::incomplete);
        CHECK(rig.source.messages().empty() == (delivery == "verified"));
    }
}

TEST_CASE("the recorded overload, HTTP 400 with queue length exceeded, is retried like 429") {
    const std::string overload = test::read_file(std::string{FLUXGATE_TEST_DATA} + "/recordings/influxd-2.9-faults/queue-full.response");
    const test::Recording good = test::load_recording("influxd-2.7", "bool-edges");
    std::atomic<int> asked{0};
    Rig rig{[&](const std::string&, int) { return Reply{{asked++ < 3 ? overload : good.wire}}; }, true, retry_at_once};
    CHECK(rig.source.run(20s) == Got::ended);
    CHECK(asked == 4);
    CHECK(rig.source.messages().size() == good.expected.size());
}

TEST_CASE("Retry-After is honoured in full, in seconds and as a date") {
    const test::Recording good = test::load_recording("influxd-2.7", "bool-edges");
    for (const bool date : {false, true}) {
        const std::string after =
            date ? "Date: Sat, 21 Nov 2026 11:00:00 GMT\r\nRetry-After: Sat, 21 Nov 2099 13:00:00 GMT\r\n" : "Retry-After: 7200\r\n";
        std::atomic<int> asked{0};
        Rig rig{[&](const std::string&, int) { return Reply{{asked++ == 0 ? status("429 Too Many Requests", after, "") : good.wire}}; }, false,
                retry_at_once};
        REQUIRE(rig.until_health(FG_HEALTH_RETRYING));
        rig.host.advance(date ? 24h : 7190s); // not yet
        for (int i = 0; i < 5; ++i)
            rig.source.next(5ms);
        CHECK(asked == 1);
        if (date) continue; // decades away
        rig.host.advance(11s);
        CHECK(rig.source.until_messages(good.expected.size(), 5s));
    }
}

TEST_CASE("403 and 404 need a person, 408, 499 and 5xx heal by themselves") {
    for (const auto& [line, level] : std::vector<std::pair<std::string, int>>{{"403 Forbidden", FG_HEALTH_NEEDS_ATTENTION},
                                                                              {"404 Not Found", FG_HEALTH_NEEDS_ATTENTION},
                                                                              {"408 Request Timeout", FG_HEALTH_RETRYING},
                                                                              {"499 Client Closed Request", FG_HEALTH_RETRYING},
                                                                              {"500 Internal Server Error", FG_HEALTH_RETRYING},
                                                                              {"503 Service Unavailable", FG_HEALTH_RETRYING}}) {
        INFO(line);
        const std::string wire = status(line, "", R"({"code":"x","message":"the words"})");
        std::atomic<int> asked{0}; // the second try gets no answer: its delay is drawn, and may be over at once
        Rig rig{[&](const std::string&, int) { return asked++ == 0 ? Reply{{wire}} : Reply{{}, Reply::End::hold}; }, false};
        CHECK(rig.until_health(level));
        CHECK(rig.host.health().text.find("the words") != std::string::npos);
        CHECK(rig.host.health().text.find("try 2 in ") != std::string::npos);
    }
}

TEST_CASE("trouble is logged once however often it repeats, and its end is logged with the number of failures") {
    const test::Recording good = test::load_recording("influxd-2.7", "bool-edges");
    std::atomic<int> asked{0};
    Rig rig{[&](const std::string&, int) { return Reply{{asked++ < 20 ? status("503 Service Unavailable", "", "busy") : good.wire}}; }, false,
            retry_at_once};
    REQUIRE(rig.source.until_messages(good.expected.size(), 10s));
    while (rig.host.health().level != FG_HEALTH_OK)
        rig.source.next(5ms);
    int failed = 0;
    bool recovered = false;
    for (const std::string& line : rig.host.log()) {
        failed += line.find("query.failed") != std::string::npos ? 1 : 0;
        recovered = recovered || (line.find("query.recovered") != std::string::npos && line.find("failures=20") != std::string::npos);
    }
    CHECK(failed == 1);
    CHECK(recovered);
}

TEST_CASE("an error table's reference may be a number") {
    Rig rig{answer("#datatype,string,long\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,it broke,897\r\n"), true};
    REQUIRE(rig.source.run(10s) == Got::error);
    CHECK(rig.source.error().code == Errc::query);
    CHECK(rig.source.error().server_text == "it broke");
}

TEST_CASE("#group is a hint that is never trusted: a grouped column that changes keeps every value") {
    Rig rig{answer(head + ",,0,2026-01-01T00:00:00Z,1,a\r\n,,0,2026-01-01T00:00:00Z,2,b\r\n,,0,2026-01-01T00:00:00Z,3,a\r\n\r\n"), true,
            R"(,"partitionCount":4,"partitionStrategy":{"type":"key","expression":".payload.host"})"};
    REQUIRE(rig.source.run(10s) == Got::ended);
    REQUIRE(rig.source.messages().size() == 3);
    for (const test::Delivered& m : rig.source.messages()) {
        const bool b = m.payload.find("\"_value\":2") != std::string::npos;
        CHECK(m.payload.find(b ? "\"host\":\"b\"" : "\"host\":\"a\"") != std::string::npos);
        CHECK(m.text.find(b ? "\"partitionKey\":\"b\"" : "\"partitionKey\":\"a\"") != std::string::npos);
    }
}

TEST_CASE("fields may be megabytes long, and hold NUL, a BOM and bytes that are not UTF-8") {
    const std::string big(3'000'000, 'x');
    const std::string odd = std::string{"\xEF\xBB\xBF"} + std::string(1, '\0') + "\xFF" + big;
    Rig rig{answer(head + ",,0,2026-01-01T00:00:00Z,1," + odd + "\r\n\r\n"), true};
    REQUIRE(rig.source.run(10s) == Got::ended);
    REQUIRE(rig.source.messages().size() == 1);
    CHECK(rig.source.messages()[0].payload.find("\"host\":\"\xEF\xBB\xBF\\u0000\xEF\xBF\xBD" + big + "\"") != std::string::npos);
    CHECK(rig.host.metric("utf8_replaced") == 1);
}

TEST_CASE("zero bytes are no result, one line end is a result without tables") {
    Rig none{answer(""), true, R"(,"retry":{"type":"fixed","initial":"1us","maxRetries":0})"};
    REQUIRE(none.source.run(10s) == Got::error);
    CHECK(none.source.error().code == Errc::incomplete);
    Rig empty{answer("\r\n"), true};
    CHECK(empty.source.run(10s) == Got::ended);
}

TEST_CASE("a server that thinks longer than firstByte and one that stops talking longer than idle are told apart") {
    const std::string timeouts =
        R"(,"timeouts":{"connect":"2s","firstByte":"80ms","idle":"60ms"},"retry":{"type":"fixed","initial":"1us","maxRetries":0})";
    Rig thinking{[](const std::string&, int) { return Reply{{}, Reply::End::hold}; }, true, timeouts};
    REQUIRE(thinking.source.run(10s) == Got::error);
    CHECK(thinking.source.error().code == Errc::timeout);
    CHECK(thinking.source.error().message.find("80ms") != std::string::npos);
    const std::string half = answer(head + std::string(1000, 'x')).substr(0, 300);
    Rig stalled{[half](const std::string&, int) { return Reply{{half}, Reply::End::hold}; }, true, timeouts};
    REQUIRE(stalled.source.run(10s) == Got::error);
    CHECK(stalled.source.error().code == Errc::timeout);
    CHECK(stalled.source.error().message.find("60ms") != std::string::npos);
}

TEST_CASE("a body beyond spoolBytes needs a person with verified delivery, and the setting is named") {
    Rig rig{answer(head + ",,0,2026-01-01T00:00:00Z,1,a\r\n\r\n"), true, R"(,"delivery":"verified","spoolBytes":100)"};
    REQUIRE(rig.source.run(10s) == Got::error);
    CHECK(rig.source.error().code == Errc::limit);
    CHECK(rig.source.error().message.find("spoolBytes") != std::string::npos);
    CHECK(rig.source.messages().empty());
}

TEST_CASE("verified delivery gives the same messages as streaming, from memory and from disk") {
    const test::Recording r = test::load_recording("influxd-2.7", "cpu-6h"); // 7.5 MB
    for (const std::string delivery : {"streaming", "verified"}) {
        Rig rig{r.wire, true, R"(,"delivery":")" + delivery + R"(")"};
        REQUIRE(rig.source.run(20s) == Got::ended);
        REQUIRE(rig.source.messages().size() == r.expected.size());
        for (std::size_t i = 0; i < r.expected.size(); ++i)
            REQUIRE(test::comparable(rig.source.messages()[i].text) == r.expected[i]);
    }
}

TEST_CASE("InfluxDB 1.8 answers /api/v2/query with the same CSV, read without new settings") {
    for (const auto& [name, rows] :
         std::vector<std::pair<std::string, std::size_t>>{{"flux-sparse", 30}, {"flux-json-dialect", 29}, {"flux-now", 0}}) {
        INFO(name);
        const test::Recording r = test::load_recording("influxdb-1.8", name);
        Rig rig{r.wire, true};
        REQUIRE(rig.source.run(10s) == Got::ended);
        CHECK(rig.source.messages().size() == rows);
        CHECK(rig.host.letters().empty());
    }
    const test::Recording zipped = test::load_recording("influxdb-1.8", "flux-gzip");
    Rig rig{zipped.wire, true, R"(,"compression":"gzip")"};
    REQUIRE(rig.source.run(10s) == Got::ended);
    CHECK(rig.source.messages().size() > 100);
}

TEST_CASE("1.8's query errors, a 500 with X-Influxdb-Error and a body in text, need a person; its 401 too") {
    for (const auto& [name, words] : std::vector<std::pair<std::string, std::string>>{{"flux-error", "loc 1:1-1:6: expected RPAREN, got EOF"},
                                                                                      {"flux-error-db", "no database"},
                                                                                      {"flux-error-auth", "authorization failed"}}) {
        INFO(name);
        std::atomic<int> asked{0};
        const test::Recording r = test::load_recording("influxdb-1.8", name);
        Rig rig{[&](const std::string&, int) {
                    ++asked;
                    return Reply{{r.wire}};
                },
                true};
        REQUIRE(rig.source.run(10s) == Got::error);
        CHECK(rig.source.error().server_text.find(words) != std::string::npos);
        CHECK(asked == 1); // tried again, it would only fail again
    }
}

TEST_CASE("a server that is down at the start is no reason to end") {
    std::uint16_t port = 0;
    {
        test::RawServer gone{Reply{}};
        port = gone.port();
    }
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "t");
    test::SourceDriver source{host, test::influx_document(port, retry_at_once), false};
    for (int i = 0; i < 20; ++i)
        REQUIRE(source.next(10ms) == Got::nothing);
    CHECK(host.health().level == FG_HEALTH_RETRYING);
    CHECK(host.metric("queries") > 3);
}
