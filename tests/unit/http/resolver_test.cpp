#include "http/resolver.hpp"

#include "http/client.hpp"
#include "http_support.hpp"
#include "support/catch.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

using namespace fluxgate;
using namespace fluxgate::http;

namespace {

// Resolves and waits for the answer.
Resolution resolve_and_wait(const std::string& host) {
    std::mutex mutex;
    std::condition_variable changed;
    bool there = false;
    auto mailbox = std::make_shared<Mailbox>([&] {
        const std::lock_guard lock{mutex};
        there = true;
        changed.notify_one();
    });
    resolve(host, 8086, mailbox);
    std::unique_lock lock{mutex};
    REQUIRE(changed.wait_for(lock, std::chrono::seconds{60}, [&] { return there; }));
    lock.unlock();
    std::optional<Resolution> answer = mailbox->take();
    REQUIRE(answer.has_value());
    return std::move(*answer);
}

} // namespace

TEST_CASE("numeric addresses of both families need no look-up, names are none") {
    const auto v4 = numeric_addresses("127.0.0.1", 80);
    REQUIRE(v4.has_value());
    REQUIRE(v4->size() == 1);
    CHECK(v4->front().text() == "127.0.0.1");
    CHECK(v4->front().storage.ss_family == AF_INET);
    const auto v6 = numeric_addresses("::1", 80);
    REQUIRE(v6.has_value());
    CHECK(v6->front().text() == "::1");
    CHECK(v6->front().storage.ss_family == AF_INET6);
    CHECK(!numeric_addresses("localhost", 80).has_value());
    CHECK(!numeric_addresses("example.invalid", 80).has_value());
}

TEST_CASE("localhost resolves to loopback addresses") {
    const Resolution answer = resolve_and_wait("localhost");
    REQUIRE(answer.ok());
    REQUIRE(!answer.value().empty());
    for (const Address& address : answer.value())
        CHECK((address.text() == "127.0.0.1" || address.text() == "::1"));
}

TEST_CASE("a name that does not exist is a resolve error that names host and port") {
    const Resolution answer = resolve_and_wait("no-such-host.invalid");
    REQUIRE(!answer.ok());
    CHECK(answer.error().code == Errc::resolve);
    CHECK(answer.error().retryable);
    CHECK(answer.error().message.find("no-such-host.invalid:8086") != std::string::npos);
}

TEST_CASE("a closed mailbox neither keeps an answer nor tells of it") {
    bool told = false;
    Mailbox mailbox{[&] { told = true; }};
    mailbox.close();
    mailbox.deliver(std::vector<Address>{Address{}});
    CHECK(!told);
    CHECK(!mailbox.take().has_value());
}

TEST_CASE("a client that is looking up a name can be aborted, used again and destroyed at any moment") {
    for (int i = 0; i < 20; ++i) {
        test::Collector sink;
        Client client{{false, "no-such-host.invalid", 8086}, {}, test::generous(), {}, test::real_clock};
        client.start(test::query(), sink);
        CHECK(client.run(std::chrono::nanoseconds{0}) != Event::finished);
        client.abort();
        CHECK(!client.active());
        client.start(test::query(), sink);
        CHECK(client.active());
    }
}

TEST_CASE("a client reaches a server by name, trying each of its addresses in turn") {
    test::RawServer server{test::Reply{{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}}};
    Client client{{false, "localhost", server.port()}, {}, test::generous(), {}, test::real_clock};
    const test::Outcome got = test::exchange(client);
    INFO(got.reason);
    CHECK(got.body == "ok");
    CHECK(got.complete);
}
