// Secrets: resolved when a query starts, tried again when they change, never shown.
#include "support/catch.hpp"
#include "support/raw_server.hpp"
#include "support/recording.hpp"
#include "support/source_driver.hpp"

#include <string>

using namespace fluxgate;
using test::Reply;
using Got = test::SourceDriver::Got;

TEST_CASE("a secret that changes while the old value is refused is tried at once") {
    const test::Recording good = test::load_recording("influxd-2.7", "bool-edges");
    const test::Recording refused = test::load_recording("influxd-2.7", "error-token");
    test::RawServer server{[&](const std::string& request, int) {
        const bool right = request.find("Authorization: Token new-value") != std::string::npos;
        return Reply{{right ? good.wire : refused.wire}};
    }};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "old-value");
    std::string document = test::influx_document(server.port());
    document.replace(document.find("\"10ms\""), 6, "\"1h\""); // waiting for the interval would fail the test
    test::SourceDriver source{host, document, false};
    while (host.health().level != FG_HEALTH_NEEDS_ATTENTION)
        REQUIRE(source.next(std::chrono::milliseconds{50}) != Got::error);
    host.set_secret("INFLUX_TOKEN", "new-value");
    CHECK(source.until_messages(good.expected.size(), std::chrono::seconds{5}));
    CHECK(host.health().level == FG_HEALTH_OK);
}

TEST_CASE("a secret that is not there is told by its name, and works as soon as it is there") {
    const test::Recording good = test::load_recording("influxd-2.7", "bool-edges");
    test::RawServer server{Reply{{good.wire}}};
    test::RecordingHost host;
    test::SourceDriver source{host, test::influx_document(server.port()), false};
    while (host.health().level != FG_HEALTH_NEEDS_ATTENTION)
        REQUIRE(source.next(std::chrono::milliseconds{50}) != Got::error);
    CHECK(host.health().text.find("INFLUX_TOKEN") != std::string::npos);
    CHECK(server.connections() == 0);
    host.set_secret("INFLUX_TOKEN", "value");
    CHECK(source.until_messages(good.expected.size(), std::chrono::seconds{5}));
}

TEST_CASE("the token appears in no log line, error, dead letter or metric, whatever happens") {
    const std::string token = "Zq7-very-secret-token==";
    for (const std::string name : {"bool-edges", "error-token", "error-compile", "error-runtime-second-yield"}) {
        const test::Recording r = test::load_recording("influxd-2.7", name);
        test::RawServer server{Reply{{r.wire}}};
        test::RecordingHost host;
        host.set_secret("INFLUX_TOKEN", token);
        test::SourceDriver source{host, test::influx_document(server.port()), true};
        source.run(std::chrono::seconds{10});
        CHECK(host.all_output().find(token) == std::string::npos);
        CHECK(source.error().text().find(token) == std::string::npos);
        for (const test::Delivered& m : source.messages())
            CHECK(m.text.find(token) == std::string::npos);
    }
}
