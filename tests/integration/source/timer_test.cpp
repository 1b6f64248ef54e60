// The interval against a server that takes its time: never two queries at once, the next one an interval after the last ended.
#include "support/catch.hpp"
#include "support/raw_server.hpp"
#include "support/recording.hpp"
#include "support/source_driver.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

using namespace fluxgate;
using Clock = std::chrono::steady_clock;

TEST_CASE("a slow server is never asked twice at once, and is asked again one interval after its answer ended") {
    const test::Recording r = test::load_recording("influxd-2.7", "bool-edges");
    std::mutex mutex;
    std::vector<Clock::time_point> began, ended;
    std::atomic<int> inside{0}, most{0};
    {
        test::RawServer server{[&](const std::string&, int) {
            most = std::max<int>(most, ++inside);
            {
                const std::lock_guard lock{mutex};
                began.push_back(Clock::now());
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{60}); // longer than the interval
            {
                const std::lock_guard lock{mutex};
                ended.push_back(Clock::now());
            }
            --inside;
            return test::Reply{{r.wire}};
        }};
        test::RecordingHost host;
        host.set_secret("INFLUX_TOKEN", "TOKEN");
        test::SourceDriver source{host, test::influx_document(server.port(), R"(,"partitionCount":1)"), false};
        REQUIRE(source.until_messages(r.expected.size() * 5, std::chrono::seconds{10}));
    }
    CHECK(most == 1);
    REQUIRE(began.size() >= 5);
    for (std::size_t i = 1; i < std::min(began.size(), ended.size()); ++i) {
        INFO("query " << i);
        CHECK(began[i] - ended[i - 1] >= std::chrono::milliseconds{10});
    }
}

TEST_CASE("the first query starts at once, whatever the interval") {
    const test::Recording r = test::load_recording("influxd-2.7", "bool-edges");
    test::RawServer server{test::Reply{{r.wire}}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "TOKEN");
    std::string document = test::influx_document(server.port());
    document.replace(document.find("\"10ms\""), 6, "\"24h\"");
    test::SourceDriver source{host, document, false};
    CHECK(source.until_messages(r.expected.size(), std::chrono::seconds{10}));
}

TEST_CASE("wake ends a wait, and cancel ends the source also while it waits for a server that says nothing") {
    test::RawServer server{test::Reply{{}, test::Reply::End::hold}};
    test::RecordingHost host;
    host.set_secret("INFLUX_TOKEN", "TOKEN");
    test::SourceDriver source{host, test::influx_document(server.port()), false};
    const auto began = Clock::now();
    std::thread waker{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{30});
        source.wake();
    }};
    CHECK(source.next(std::chrono::seconds{30}) == test::SourceDriver::Got::nothing);
    waker.join();
    std::thread canceller{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{30});
        source.cancel();
    }};
    auto got = source.next(std::chrono::seconds{30});
    while (got == test::SourceDriver::Got::nothing)
        got = source.next(std::chrono::seconds{30});
    canceller.join();
    CHECK(got == test::SourceDriver::Got::error);
    CHECK(source.error().code == Errc::cancelled);
    CHECK(Clock::now() - began < std::chrono::seconds{5});
}
