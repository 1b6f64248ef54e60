#include "http/client.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"
#include "tls_support.hpp"

#include <ctime>
#include <string>

using namespace fluxgate;
using namespace fluxgate::test;
using http::Client;
using http::ConnectionReport;
using http::Event;

namespace {

const Reply kOk{{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, Reply::End::keep};

} // namespace

TEST_CASE("the report of a plain connection says addresses, peer and times, and whether it was used again") {
    RawServer server{kOk};
    Client client{{false, "localhost", server.port()}, {}, generous(), {}, real_clock};
    CHECK(!client.connection().resolve.done);
    REQUIRE(exchange(client).complete);
    const ConnectionReport first = client.connection();
    CHECK(first.resolve.done);
    CHECK(first.connect.done);
    CHECK(first.resolve.took.count() > 0);
    CHECK(first.connect.took.count() > 0);
    CHECK(!first.proxy.done);
    CHECK(!first.tls.done);
    CHECK(!first.addresses.empty());
    CHECK(first.peer == "127.0.0.1:" + std::to_string(server.port()));
    CHECK(!first.reused);
    CHECK(first.tls_version.empty());
    CHECK(first.certificate_not_after == 0);

    REQUIRE(exchange(client).complete);
    const ConnectionReport second = client.connection();
    CHECK(second.reused);
    CHECK(second.peer == first.peer);
    CHECK(second.connect.took == first.connect.took);
}

TEST_CASE("the report of a failed attempt says how far it came") {
    std::uint16_t port = 0;
    { port = RawServer{Reply{}}.port(); }
    Client refused{local(port), {}, generous(), {}, real_clock};
    CHECK(exchange(refused).last == Event::failed);
    CHECK(refused.connection().resolve.done);
    CHECK(!refused.connection().connect.done);
    CHECK(refused.connection().addresses == std::vector<std::string>{"127.0.0.1"});
    CHECK(refused.connection().peer.empty());

    Client nameless{{false, "no-such-host.invalid", 8086}, {}, generous(), {}, real_clock};
    CHECK(exchange(nameless).last == Event::failed);
    CHECK(!nameless.connection().resolve.done);
    CHECK(nameless.connection().addresses.empty());
}

TEST_CASE("the report of a TLS connection names version and certificate, also of one that was refused as expired") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    http::TlsOptions tls;
    tls.ca_file = ca_file.path();
    for (const bool expired : {false, true}) {
        TlsContext context{{ca.issue({"DNS:localhost", -20, expired ? -10 : 30})}};
        RawServer server{[](const std::string&, int) { return kOk; }, context.wires()};
        Client client{{true, "localhost", server.port()}, tls, generous(), {}, real_clock};
        CHECK(exchange(client).complete == !expired);
        const ConnectionReport& report = client.connection();
        CHECK(report.connect.done);
        CHECK(report.tls.done == !expired);
        CHECK(report.tls_version == "TLSv1.3");
        CHECK(report.certificate_subject.find("a test server") != std::string::npos);
        CHECK(report.certificate_issuer.find("Test CA") != std::string::npos);
        const std::int64_t days = (report.certificate_not_after - static_cast<std::int64_t>(std::time(nullptr))) / 86'400;
        CHECK(days >= (expired ? -10 : 29));
        CHECK(days <= (expired ? -10 : 30));
    }
}
