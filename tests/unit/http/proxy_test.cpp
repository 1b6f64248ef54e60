#include "http/proxy.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"
#include "tls_support.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test;
using http::Client;
using http::Endpoint;
using http::Event;
using http::Proxy;
using http::Route;

namespace {

using Variables = std::map<std::string, std::string>;

http::EnvironmentLookup environment(Variables variables) {
    return [variables = std::move(variables)](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional<std::string>{found->second};
    };
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// "host:port" of the chosen proxy, "" for none, "!" for an error.
std::string chosen(const Endpoint& target, const Variables& variables) {
    const auto proxy = http::proxy_for(target, environment(variables));
    if (!proxy) return "!";
    return *proxy ? proxy->value().endpoint.host + ":" + std::to_string(proxy->value().endpoint.port) : "";
}

const Endpoint kHttp{false, "influx.example", 8086};
const Endpoint kHttps{true, "influx.example", 8086};

const std::string kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Route through(std::uint16_t port, std::string authorization = {}) {
    Route route;
    route.proxy = Proxy{{false, "127.0.0.1", port}, std::move(authorization), "HTTPS_PROXY"};
    return route;
}

// Answers CONNECT in plain text, and speaks what `inner` makes of the connection from then on.
class TunnelWire : public PlainWire {
public:
    TunnelWire(int fd, std::unique_ptr<Wire> inner, std::string& asked) : PlainWire(fd), inner_(std::move(inner)), asked_(asked) {}
    bool accept() override {
        char byte = 0;
        while (!has(asked_, "\r\n\r\n") && PlainWire::read(&byte, 1) == 1)
            asked_ += byte;
        return PlainWire::write(kEstablished) && inner_->accept();
    }
    ssize_t read(char* to, std::size_t size) override { return inner_->read(to, size); }
    bool write(std::string_view bytes) override { return inner_->write(bytes); }

private:
    std::unique_ptr<Wire> inner_;
    std::string& asked_;
};

Error refused_by_proxy(const Reply& reply, const std::string& authorization = {}) {
    RawServer proxy{reply};
    Client client{kHttps, {}, generous(), {}, real_clock, through(proxy.port(), authorization)};
    const Outcome got = exchange(client);
    CHECK(got.last == Event::failed);
    CHECK(has(client.error().text(), "127.0.0.1:" + std::to_string(proxy.port())));
    CHECK(has(client.error().text(), "influx.example:8086"));
    CHECK(has(client.error().text(), "HTTPS_PROXY"));
    CHECK(client.connection().connect.done);
    CHECK(!client.connection().proxy.done);
    return client.error();
}

} // namespace

TEST_CASE("the environment names the proxy: by the target's scheme, lower case first, an empty variable is none") {
    struct Row {
        Endpoint target;
        Variables variables;
        std::string expected;
    };
    const std::vector<Row> rows{
        {kHttp, {}, ""},
        {kHttp, {{"http_proxy", "http://p:3128"}}, "p:3128"},
        {kHttp, {{"HTTP_PROXY", "http://p:3128"}}, "p:3128"},
        {kHttp, {{"HTTP_PROXY", "http://upper:1"}, {"http_proxy", "http://lower:2"}}, "lower:2"},
        {kHttp, {{"HTTP_PROXY", "http://upper:1"}, {"http_proxy", ""}}, "upper:1"},
        {kHttp, {{"HTTPS_PROXY", "http://p:3128"}}, ""},
        {kHttp, {{"HTTP_PROXY", "http://evil:1"}, {"REQUEST_METHOD", "GET"}}, ""}, // CGI: the header `Proxy` of a request
        {kHttp, {{"http_proxy", "http://p:1"}, {"REQUEST_METHOD", "GET"}}, "p:1"},
        {kHttps, {{"https_proxy", "http://p:3128"}}, "p:3128"},
        {kHttps, {{"HTTPS_PROXY", "http://p:3128"}, {"REQUEST_METHOD", "GET"}}, "p:3128"},
        {kHttps, {{"http_proxy", "http://p:3128"}}, ""},
        {kHttps, {{"https_proxy", "p:3128"}}, "p:3128"},
        {kHttps, {{"https_proxy", "http://p"}}, "p:80"},
        {kHttps, {{"https_proxy", "HTTP://user:pass@p:3128/"}}, "p:3128"},
        {kHttps, {{"https_proxy", "http://[2001:db8::1]:3128"}}, "2001:db8::1:3128"},
        {kHttps, {{"https_proxy", "http://p:3128"}, {"no_proxy", "example"}}, ""},
        {kHttps, {{"https_proxy", "http://p:3128"}, {"NO_PROXY", "example"}}, ""},
        {kHttps, {{"https_proxy", "http://p:3128"}, {"NO_PROXY", "example"}, {"no_proxy", "other"}}, "p:3128"},
        {kHttps, {{"https_proxy", "https://p:3128"}}, "!"},
        {kHttps, {{"https_proxy", "socks5://p:3128"}}, "!"},
        {kHttps, {{"https_proxy", "http://"}}, "!"},
        {kHttps, {{"https_proxy", "http://p:0"}}, "!"},
        {kHttps, {{"https_proxy", "http://p:65536"}}, "!"},
        {kHttps, {{"https_proxy", "http://p:31a"}}, "!"},
        {kHttps, {{"https_proxy", "http://p q:3128"}}, "!"},
        {kHttps, {{"https_proxy", "http://u:%zz@p:3128"}}, "!"},
        {kHttps, {{"https_proxy", "socks5://p:3128"}, {"no_proxy", "*"}}, ""}, // not used, not judged
    };
    for (const Row& row : rows) {
        INFO((row.target.https ? "https " : "http ") << (row.variables.empty() ? "" : row.variables.begin()->second));
        CHECK(chosen(row.target, row.variables) == row.expected);
    }
}

TEST_CASE("loopback targets never have a proxy") {
    for (const char* host : {"localhost", "LOCALHOST", "localhost.", "db.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
        INFO(host);
        CHECK(chosen({true, host, 8086}, {{"https_proxy", "http://p:1"}}).empty());
    }
    for (const char* host : {"notlocalhost", "128.0.0.1", "::2", "localhost.example"}) {
        INFO(host);
        CHECK(chosen({true, host, 8086}, {{"https_proxy", "http://p:1"}}) == "p:1");
    }
}

TEST_CASE("NO_PROXY: names and what is below them, addresses, networks, ports, the star") {
    struct Row {
        std::string list, host;
        bool expected;
    };
    const std::vector<Row> rows{
        {"", "a.example", false},
        {"*", "a.example", true},
        {"*", "10.0.0.1", true},
        {"a.example", "a.example", true},
        {"A.Example", "a.exAMPLE", true},
        {"a.example.", "a.example", true},
        {"a.example", "a.example.", true},
        {"example", "a.example", true},
        {".example", "a.example", true},
        {"*.example", "a.example", true},
        {".example", "example", true},
        {"ample", "a.example", false},
        {"b.example", "a.example", false},
        {"a.example.org", "a.example", false},
        {"x, a.example ,y", "a.example", true},
        {"x a.example", "a.example", true},
        {",, ,", "a.example", false},
        {"a.example:8086", "a.example", true},
        {"a.example:8087", "a.example", false},
        {"example:8086", "a.example", true},
        {"a.example:port", "a.example", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.11", false},
        {"0.0.1", "10.0.0.1", false},
        {"10.0.0.1:8086", "10.0.0.1", true},
        {"10.0.0.1:1", "10.0.0.1", false},
        {"10.0.0.0/8", "10.200.3.4", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"10.0.0.1/32", "10.0.0.1", true},
        {"10.0.0.0/33", "10.0.0.1", false},
        {"10.0.0.0/", "10.0.0.1", false},
        {"10.0.0.0/x", "10.0.0.1", false},
        {"10.0.0.0/8", "a.example", false},
        {"2001:db8::/32", "2001:db8:1::7", true},
        {"2001:db8::/32", "2001:db9::7", false},
        {"::/0", "10.0.0.1", false},
        {"2001:DB8:0::7", "2001:db8::7", true},
        {"[2001:db8::7]:8086", "2001:db8::7", true},
        {"[2001:db8::7]:1", "2001:db8::7", false},
        {"[2001:db8::7]", "2001:db8::7", true},
        {"::ffff:10.0.0.1", "10.0.0.1", true},
    };
    for (const Row& row : rows) {
        INFO("'" << row.list << "' " << row.host);
        CHECK(http::no_proxy_names(row.list, {true, row.host, 8086}) == row.expected);
    }
}

TEST_CASE("a proxy variable that cannot be used is told by its name, and never by its value") {
    for (const char* value : {"https://user:geheim@p:3128", "socks5://user:geheim@p", "http://user:geheim@p:99999", "geheim://x",
                              "http://us%er:geheim@p:1", "http://user:geheim@"}) {
        INFO(value);
        const auto proxy = http::proxy_for(kHttps, environment({{"HTTPS_PROXY", value}}));
        REQUIRE(!proxy);
        CHECK(proxy.error().code == Errc::configuration);
        CHECK(has(proxy.error().text(), "HTTPS_PROXY"));
        CHECK(!has(proxy.error().text(), "geheim"));
        CHECK(http::route_for(kHttps, environment({{"HTTPS_PROXY", value}})).problem == proxy.error().message);
    }
    Route route;
    route.problem = "HTTPS_PROXY is bad";
    RawServer server{Reply{{kOk}}};
    Client client{local(server.port()), {}, generous(), {}, real_clock, route};
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::configuration);
    CHECK(client.error().message == "HTTPS_PROXY is bad");
    CHECK(server.connections() == 0);
}

TEST_CASE("user and password of the proxy's url are decoded into Proxy-Authorization") {
    const auto authorization = [](const std::string& userinfo) {
        const auto proxy = http::proxy_for(kHttps, environment({{"HTTPS_PROXY", "http://" + userinfo + "p:3128"}}));
        REQUIRE(proxy);
        REQUIRE(proxy->has_value());
        return proxy->value().authorization;
    };
    CHECK(authorization("").empty());
    CHECK(authorization("Aladdin:open%20sesame@") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); // RFC 7617, 2
    CHECK(authorization("user@") == "Basic dXNlcjo=");
    CHECK(authorization("u:p@ss@") == "Basic dTpwQHNz");
    CHECK(authorization("u:%0d%0a@") == "Basic dToNCg=="); // a line break is encoded, too
    CHECK(http::connect_request({true, "2001:db8::1", 443}, Proxy{{}, "Basic x", "v"}) ==
          "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\nProxy-Authorization: Basic x\r\n\r\n");
}

TEST_CASE("a plain http server is reached through CONNECT, and the tunnel is kept for the next exchange") {
    RawServer proxy{[](const std::string& request, int) {
        return Reply{{request.substr(0, 8) == "CONNECT " ? "HTTP/1.1 200 OK\r\nX-Proxy: y\r\n\r\n" : kOk}, Reply::End::keep};
    }};
    Client client{kHttp, {}, generous(), {}, real_clock, through(proxy.port(), "Basic dTpw")};
    for (int i = 0; i < 2; ++i) {
        const Outcome got = exchange(client);
        INFO(got.reason);
        CHECK(got.complete);
    }
    CHECK(proxy.connections() == 1);
    REQUIRE(proxy.requests().size() == 3);
    CHECK(proxy.requests()[0] == "CONNECT influx.example:8086 HTTP/1.1\r\nHost: influx.example:8086\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
    CHECK(proxy.requests()[1].substr(0, 75) == "POST /some/path/api/v2/query?org=o HTTP/1.1\r\nHost: influx.example:8086\r\nAut");
    CHECK(!has(proxy.requests()[1], "Proxy-Authorization"));
    CHECK(client.connection().proxy.done);
    CHECK(client.connection().reused);
    CHECK(client.connection().proxy_address == "127.0.0.1:" + std::to_string(proxy.port()));
}

TEST_CASE("TLS runs through the tunnel with the server's name and certificate, not the proxy's") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    http::TlsOptions tls;
    tls.ca_file = ca_file.path();
    for (const bool right : {true, false}) {
        TlsContext context{{ca.issue({right ? "DNS:influx.example" : "DNS:127.0.0.1,IP:127.0.0.1"})}};
        std::string asked;
        std::optional<RawServer> proxy;
        proxy.emplace(
            [](const std::string&, int) {
                return Reply{{kOk}, Reply::End::keep};
            },
            [&](int fd) -> std::unique_ptr<Wire> { return std::make_unique<TunnelWire>(fd, context.wires()(fd), asked); });
        Client client{kHttps, tls, generous(), {}, real_clock, through(proxy->port())};
        const Outcome got = exchange(client);
        proxy.reset(); // its thread wrote what was asked
        INFO(got.reason);
        CHECK(got.complete == right);
        CHECK(asked == "CONNECT influx.example:8086 HTTP/1.1\r\nHost: influx.example:8086\r\n\r\n");
        CHECK(client.connection().proxy.done);
        CHECK(client.connection().tls.done == right);
        if (!right) CHECK(has(client.error().message, "not for the host 'influx.example'"));
    }
}

TEST_CASE("a proxy that refuses is told apart from the server: its address, its status, its words, the next step") {
    const Error asks = refused_by_proxy(Reply{{"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nnay"}});
    CHECK(asks.code == Errc::http_status);
    CHECK(asks.http_status == 407);
    CHECK(!asks.retryable);
    CHECK(asks.server_text == "Proxy Authentication Required");
    CHECK(has(asks.message, "asks for a user and a password"));

    const Error wrong = refused_by_proxy(Reply{{"HTTP/1.1 407 No\r\n\r\n"}}, "Basic Z2VoZWltOng=");
    CHECK(has(wrong.message, "refused the user or the password"));
    CHECK(!has(wrong.text(), "Z2VoZWltOng="));

    const Error forbidden = refused_by_proxy(Reply{{"HTTP/1.0 403 Forbidden\r\n\r\n"}});
    CHECK(forbidden.http_status == 403);
    CHECK(!forbidden.retryable);
    CHECK(has(forbidden.message, "CONNECT to port 8086"));

    for (const char* status : {"502", "503", "504"}) {
        const Error gateway = refused_by_proxy(Reply{{"HTTP/1.1 ", status, "\r\n\r\n"}});
        CHECK(gateway.http_status == std::atoi(status));
        CHECK(gateway.retryable);
        CHECK(has(gateway.message, "could not reach the server"));
    }
}

TEST_CASE("what is no answer to CONNECT is told as the proxy's: not HTTP, too long, closed, unasked bytes") {
    CHECK(refused_by_proxy(Reply{{"SSH-2.0-OpenSSH\r\n"}}).code == Errc::http);
    CHECK(refused_by_proxy(Reply{{"HTTP/1.1 abc\r\n\r\n"}}).code == Errc::http);
    const Error endless = refused_by_proxy(Reply{{"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x')}, Reply::End::hold});
    CHECK(endless.code == Errc::http);
    CHECK(has(endless.message, "65536"));
    const Error closed = refused_by_proxy(Reply{{"HTTP/1.1 200 OK\r\n"}});
    CHECK(closed.code == Errc::connect);
    CHECK(closed.retryable);
    CHECK(refused_by_proxy(Reply{{}, Reply::End::rst}).code == Errc::connect);
    CHECK(refused_by_proxy(Reply{{kEstablished + "HTTP/1.1 200 OK\r\n"}, Reply::End::hold}).code == Errc::http);
}

TEST_CASE("an answer to CONNECT that comes byte by byte, behind an interim one, opens the tunnel") {
    const std::string bytes = "HTTP/1.1 100 Continue\r\n\r\n" + kEstablished;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const http::ConnectAnswer answer = http::judge_connect_answer(std::string_view{bytes}.substr(0, size), kHttps, Proxy{{}, "", "v"});
        INFO(size);
        CHECK(answer.whole == (size == bytes.size()));
        CHECK(!answer.failure);
    }
}

TEST_CASE("a proxy that is silent or not there is named in the error") {
    RawServer silent{Reply{{}, Reply::End::hold}};
    Client client{kHttps, {},         {std::chrono::milliseconds{50}, std::chrono::seconds{5}, std::chrono::seconds{5}},
                  {},     real_clock, through(silent.port())};
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::timeout);
    CHECK(has(client.error().message, "waiting for the proxy 127.0.0.1:" + std::to_string(silent.port()) + " of HTTPS_PROXY"));

    std::uint16_t port = 0;
    { port = RawServer{Reply{}}.port(); }
    Client nobody{kHttps, {}, generous(), {}, real_clock, through(port)};
    CHECK(exchange(nobody).last == Event::failed);
    CHECK(nobody.error().code == Errc::connect);
    CHECK(has(nobody.error().message, "no connection to the proxy 127.0.0.1:" + std::to_string(port)));
    CHECK(has(nobody.error().message, "HTTPS_PROXY"));

    Route nameless = through(1);
    nameless.proxy->endpoint.host = "no-such-proxy.invalid";
    Client lost{kHttps, {}, generous(), {}, real_clock, nameless};
    CHECK(exchange(lost).last == Event::failed);
    CHECK(lost.error().code == Errc::resolve);
    CHECK(has(lost.error().message, "the proxy of HTTPS_PROXY"));
}
