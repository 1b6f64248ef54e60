#include "http/client.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"
#include "tls_support.hpp"

#include <fstream>
#include <string>

using namespace fluxgate;
using namespace fluxgate::test;
using http::Client;
using http::Event;

namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

const Reply kOk{{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, Reply::End::keep};

struct Attempt {
    Outcome outcome;
    Error error;
};

Attempt attempt(const TlsServerSettings& settings, const http::TlsOptions& tls, const std::string& host = "localhost", Reply reply = kOk) {
    TlsContext context{settings};
    RawServer server{[reply](const std::string&, int) { return reply; }, context.wires()};
    Client client{{true, host, server.port()}, tls, generous(), {}, real_clock};
    Attempt out;
    out.outcome = exchange(client);
    out.error = client.error();
    return out;
}

http::TlsOptions trusting(const std::string& ca_file) {
    http::TlsOptions tls;
    tls.ca_file = ca_file;
    return tls;
}

} // namespace

TEST_CASE("TLS: a certificate of the private CA for this name or address is accepted, in 1.2 and 1.3") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    for (const bool only13 : {false, true}) {
        http::TlsOptions tls = trusting(ca_file.path());
        tls.tls13_only = only13;
        CHECK(attempt({ca.issue({"DNS:localhost,IP:127.0.0.1"})}, tls).outcome.complete);
        CHECK(attempt({ca.issue({"DNS:localhost,IP:127.0.0.1"})}, tls, "127.0.0.1").outcome.complete);
    }
    TlsServerSettings old{ca.issue({"DNS:localhost"})};
    old.max_version = TLS1_2_VERSION;
    CHECK(attempt(old, trusting(ca_file.path())).outcome.complete);
    http::TlsOptions tls13 = trusting(ca_file.path());
    tls13.tls13_only = true;
    const Attempt refused = attempt(old, tls13);
    CHECK(refused.error.code == Errc::tls);
    CHECK(has(refused.error.message, "tls.minVersion"));
}

TEST_CASE("TLS: a long body arrives whole, and the connection is used again") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    const std::string body(2'000'000, 'b');
    TlsContext context{{ca.issue({"DNS:localhost"})}};
    RawServer server{[&](const std::string&, int) {
                         return Reply{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 4096)}, Reply::End::keep};
                     },
                     context.wires()};
    Client client{{true, "localhost", server.port()}, trusting(ca_file.path()), generous(), {}, real_clock};
    for (int i = 0; i < 3; ++i) {
        const Outcome got = exchange(client);
        INFO(got.reason);
        CHECK(got.complete);
        CHECK(got.body == body);
    }
    CHECK(server.connections() == 1);
}

TEST_CASE("TLS: expired, not yet valid, wrong host and unknown issuer are four different texts, and need a person") {
    const Authority ca{"Test CA"};
    const Authority other{"Other CA"};
    const TempFile ca_file{ca.pem()};
    const http::TlsOptions tls = trusting(ca_file.path());

    const Attempt expired = attempt({ca.issue({"DNS:localhost", -20, -10})}, tls);
    CHECK(has(expired.error.message, "the server's certificate expired at 20"));
    const Attempt early = attempt({ca.issue({"DNS:localhost", 10, 20})}, tls);
    CHECK(has(early.error.message, "not yet valid: it begins at 20"));
    const Attempt wrong = attempt({ca.issue({"DNS:plant.example,DNS:*.other.example,IP:10.1.2.3"})}, tls);
    CHECK(has(wrong.error.message, "not for the host 'localhost' but for: plant.example, *.other.example, 10.1.2.3"));
    const Attempt wrong_address = attempt({ca.issue({"DNS:localhost"})}, tls, "127.0.0.1");
    CHECK(has(wrong_address.error.message, "not for the host '127.0.0.1' but for: localhost"));
    const Attempt unknown = attempt({other.issue({"DNS:localhost"})}, tls);
    CHECK(has(unknown.error.message, "Other CA"));
    CHECK(has(unknown.error.message, "unknown to tls.caFile '" + ca_file.path() + "'"));
    for (const Attempt* a : {&expired, &early, &wrong, &wrong_address, &unknown}) {
        INFO(a->error.message);
        CHECK(a->outcome.last == Event::failed);
        CHECK(a->error.code == Errc::tls);
        CHECK(!a->error.retryable);
        CHECK(has(a->error.message, "TLS with "));
    }
}

TEST_CASE("TLS: without a CA file the system's authorities do not know a private one; skipping verification accepts it") {
    const Authority ca{"Test CA"};
    const Attempt refused = attempt({ca.issue({"DNS:localhost"})}, {});
    CHECK(refused.error.code == Errc::tls);
    CHECK(has(refused.error.message, "tls.caFile"));
    http::TlsOptions skipping;
    skipping.insecure_skip_verify = true;
    CHECK(attempt({ca.issue({"DNS:elsewhere", -20, -10})}, skipping).outcome.complete);
}

TEST_CASE("TLS: SSL_CERT_FILE counts when no CA file is given, and is named when it cannot be read") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    {
        const TempEnvironment env{"SSL_CERT_FILE", ca_file.path()};
        CHECK(attempt({ca.issue({"DNS:localhost"})}, {}).outcome.complete);
    }
    const TempEnvironment env{"SSL_CERT_FILE", "/no/such/bundle.pem"};
    const Attempt refused = attempt({ca.issue({"DNS:localhost"})}, {});
    CHECK(refused.error.code == Errc::tls);
    CHECK(has(refused.error.message, "SSL_CERT_FILE"));
    CHECK(has(refused.error.message, "/no/such/bundle.pem"));
}

TEST_CASE("TLS: files that cannot be used are named with their setting") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    const Issued mine = ca.issue({"DNS:client"});
    const Issued another = ca.issue({"DNS:client"});
    const TempFile cert{mine.certificate_pem()};
    const TempFile key{mine.key_pem()};
    const TempFile wrong_key{another.key_pem()};
    const TempFile nonsense{"nothing"};
    const TlsServerSettings server{ca.issue({"DNS:localhost"})};

    CHECK(has(attempt(server, trusting("/no/such/ca.pem")).error.message, "tls.caFile '/no/such/ca.pem'"));
    CHECK(has(attempt(server, trusting(nonsense.path())).error.message, "tls.caFile '" + nonsense.path() + "'"));
    http::TlsOptions tls = trusting(ca_file.path());
    tls.cert_file = "/no/such/cert.pem";
    CHECK(has(attempt(server, tls).error.message, "tls.certFile '/no/such/cert.pem'"));
    tls.cert_file = cert.path();
    tls.key_file = nonsense.path();
    CHECK(has(attempt(server, tls).error.message, "tls.keyFile '" + nonsense.path() + "'"));
    tls.key_file = wrong_key.path();
    CHECK(has(attempt(server, tls).error.message, "does not belong"));
    tls.key_file = key.path();
    CHECK(attempt(server, tls).outcome.complete);
}

TEST_CASE("TLS: a server that asks for a client certificate gets it, and its refusal without one says what to set") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    const Issued mine = ca.issue({"DNS:client"});
    const TempFile cert{mine.certificate_pem()};
    const TempFile key{mine.key_pem()};
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsServerSettings server{ca.issue({"DNS:localhost"})};
        server.max_version = version;
        server.client_ca = &ca;
        http::TlsOptions tls = trusting(ca_file.path());
        const Attempt refused = attempt(server, tls);
        INFO(refused.error.message);
        CHECK(refused.error.code == Errc::tls);
        CHECK(has(refused.error.message, "tls.certFile"));
        tls.cert_file = cert.path();
        tls.key_file = key.path();
        CHECK(attempt(server, tls).outcome.complete);
    }
}

TEST_CASE("TLS: a plain HTTP server is told apart, and a handshake that is cut may be tried again") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    // Answers the hello as if it were a request.
    class Shouting : public PlainWire {
    public:
        explicit Shouting(int fd) : PlainWire(fd) {}
        bool accept() override {
            std::string hello(4096, '\0');
            return read(hello.data(), hello.size()) > 0 && write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") && false;
        }
    };
    RawServer plain{[](const std::string&, int) { return Reply{}; }, [](int fd) -> std::unique_ptr<Wire> { return std::make_unique<Shouting>(fd); }};
    Client client{{true, "localhost", plain.port()}, trusting(ca_file.path()), generous(), {}, real_clock};
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::tls);
    CHECK(!client.error().retryable);
    CHECK(has(client.error().message, "does not speak TLS"));

    class Hanging : public PlainWire {
    public:
        explicit Hanging(int fd) : PlainWire(fd) {}
        bool accept() override {
            std::string hello(4096, '\0');
            return read(hello.data(), hello.size()) < 0;
        }
    };
    RawServer cut{[](const std::string&, int) { return Reply{}; }, [](int fd) -> std::unique_ptr<Wire> { return std::make_unique<Hanging>(fd); }};
    Client other{{true, "localhost", cut.port()}, trusting(ca_file.path()), generous(), {}, real_clock};
    CHECK(exchange(other).last == Event::failed);
    CHECK(other.error().code == Errc::tls);
    CHECK(other.error().retryable);
}

TEST_CASE("TLS: a self-signed certificate is told apart from one of an unknown authority, and is accepted when it is the CA file") {
    const Authority self{"plant.example itself", "DNS:localhost"};
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    const Attempt refused = attempt({self.identity()}, trusting(ca_file.path()));
    INFO(refused.error.message);
    CHECK(refused.error.code == Errc::tls);
    CHECK(!refused.error.retryable);
    CHECK(has(refused.error.message, "is self-signed"));
    CHECK(has(refused.error.message, "plant.example itself"));
    CHECK(has(refused.error.message, "tls.caFile"));
    const TempFile own{self.pem()};
    CHECK(attempt({self.identity()}, trusting(own.path())).outcome.complete);
}

TEST_CASE("TLS: versions below 1.2 are refused") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    TlsServerSettings old{ca.issue({"DNS:localhost"})};
    old.max_version = TLS1_1_VERSION;
    const Attempt refused = attempt(old, trusting(ca_file.path()));
    INFO(refused.error.message);
    CHECK(refused.outcome.last == Event::failed);
    CHECK(refused.error.code == Errc::tls);
    CHECK(!refused.error.retryable);
    CHECK(has(refused.error.message, "tls.minVersion"));
}

TEST_CASE("TLS: a body that is cut without close_notify is incomplete, and so is one that ends by close with it") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    const Reply half{{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nrow"}, Reply::End::fin};
    CHECK(attempt({ca.issue({"DNS:localhost"})}, trusting(ca_file.path()), "localhost", half).error.code == Errc::incomplete);
    const Reply by_close{{"HTTP/1.1 200 OK\r\n\r\nrows"}, Reply::End::fin};
    const Attempt closed = attempt({ca.issue({"DNS:localhost"})}, trusting(ca_file.path()), "localhost", by_close);
    CHECK(closed.outcome.last == Event::finished);
    CHECK(!closed.outcome.complete);
}
