// Recorded answers of real servers, byte for byte over a real socket, through the plugin: chunk framing and gzip included.
#include "support/catch.hpp"
#include "support/raw_server.hpp"
#include "support/recording.hpp"
#include "support/source_driver.hpp"

#include <atomic>
#include <string>
#include <vector>

using namespace fluxgate;
using test::Reply;
using Got = test::SourceDriver::Got;

namespace {

std::vector<std::string> comparable(const std::vector<test::Delivered>& messages) {
    std::vector<std::string> out;
    for (const test::Delivered& m : messages)
        out.push_back(test::comparable(m.text));
    return out;
}

} // namespace

TEST_CASE("every readable recording of 2.7 becomes exactly its expected messages") {
    const auto names = test::readable_recordings("influxd-2.7");
    CHECK(names.size() >= 30);
    for (const std::string& name : names) {
        if (name == "prefer-no-content") continue; // no rows were asked for, so the answer is no result at all
        INFO(name);
        const test::Recording r = test::load_recording("influxd-2.7", name);
        test::RawServer server{Reply{{r.wire}}};
        test::RecordingHost host;
        host.set_secret("INFLUX_TOKEN", "TOKEN");
        test::SourceDriver source{host, test::influx_document(server.port()), true};
        const Got got = source.run(std::chrono::seconds{20});
        REQUIRE(comparable(source.messages()) == r.expected);
        CHECK(host.letters().empty());
        if (r.error.empty()) {
            CHECK(got == Got::ended);
            CHECK(host.metric("rows_read") == static_cast<double>(r.expected.size()));
        } else {
            CHECK(got == Got::error);
            CHECK(source.error().code == Errc::query);
            CHECK(source.error().server_text == r.error);
        }
    }
}

TEST_CASE("small recordings give the same messages for every cut of the wire's bytes into two") {
    for (const std::string& name : test::readable_recordings("influxd-2.7")) {
        const test::Recording r = test::load_recording("influxd-2.7", name);
        if (r.wire.size() > 3000 || !r.error.empty() || name == "prefer-no-content") continue;
        INFO(name);
        const std::size_t first = r.wire.find("\r\n\r\n");
        const std::size_t cuts = r.wire.size() - first;
        std::atomic<std::size_t> served{0};
        test::RawServer server{[&](const std::string&, int) {
            const std::size_t cut = first + served++ % cuts;
            return Reply{{r.wire.substr(0, cut), r.wire.substr(cut)}};
        }};
        test::RecordingHost host;
        host.set_secret("INFLUX_TOKEN", "TOKEN");
        // the shortest interval: the next cut follows at once
        std::string document = test::influx_document(server.port(), R"(,"batch":{"maxDelay":"1s"})");
        document.replace(document.find("\"10ms\""), 6, "\"1us\"");
        test::SourceDriver source{host, document, false};
        std::size_t seen = 0;
        while (host.metric("queries") < static_cast<double>(cuts) && seen < 20 * cuts) {
            ++seen;
            source.next(std::chrono::milliseconds{100});
            if (r.expected.empty() || source.messages().size() < r.expected.size() * 50) continue;
            const auto got = comparable(source.messages());
            for (std::size_t i = 0; i < got.size(); ++i)
                REQUIRE(got[i] == r.expected[i % r.expected.size()]);
            // what is left over begins a new round
            REQUIRE(got.size() % r.expected.size() == 0);
            source.clear();
        }
        while (source.next(std::chrono::nanoseconds{0}) == Got::batch) {
        }
        const auto got = comparable(source.messages());
        for (std::size_t i = 0; i < got.size(); ++i)
            REQUIRE(got[i] == r.expected[i % r.expected.size()]);
        CHECK(host.metric("queries") >= static_cast<double>(cuts));
        CHECK(host.metric("rows_read") >= static_cast<double>(cuts * r.expected.size()));
    }
}

TEST_CASE("recordings sent byte by byte give the same messages") {
    for (const std::string name : {"strings", "yields", "duplicate-columns", "pivot", "window-aggregate", "yields-gzip", "empty-result"}) {
        INFO(name);
        const test::Recording r = test::load_recording("influxd-2.7", name);
        Reply reply;
        for (const char c : r.wire)
            reply.pieces.emplace_back(1, c);
        test::RawServer server{reply};
        test::RecordingHost host;
        host.set_secret("INFLUX_TOKEN", "TOKEN");
        test::SourceDriver source{host, test::influx_document(server.port()), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(comparable(source.messages()) == r.expected);
    }
}
