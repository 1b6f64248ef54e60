// One HTTP/1.1 exchange at a time over TCP or TLS, driven by its caller: no thread, no timer of its own. Delivers decoded
// body bytes (chunk framing and gzip removed) and a definite answer to "did the message end completely?". Knows nothing
// of CSV.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::http {

struct Endpoint {
    bool https = false;
    std::string host; // a name or an address, IPv6 without brackets
    std::uint16_t port = 80;
};

struct TlsOptions {
    std::string ca_file, cert_file, key_file; // empty: system CAs (SSL_CERT_FILE and SSL_CERT_DIR count), no client certificate
    bool tls13_only = false;
    bool insecure_skip_verify = false;
};

struct Deadlines {
    std::chrono::nanoseconds connect{}, first_byte{}, idle{};
};

struct Limits {
    std::uint32_t max_header_bytes = 1u << 20; // of the response's header
    std::uint32_t max_error_body = 64u << 10;  // a body of a status that is not 2xx is kept up to here
    std::uint32_t max_header_fields = 1000;    // of the response's header
    // A gzip answer may hold this many times its own bytes, once it made more than `free_decoded_bytes`; 0: no bound. Deflate cannot exceed 1032;
    // real rows stay far below.
    std::uint32_t max_decompression_ratio = 1000;
    std::uint64_t free_decoded_bytes = 16u << 20;
};

// An HTTP proxy, asked with CONNECT.
struct Proxy {
    Endpoint endpoint;
    std::string authorization; // value of Proxy-Authorization, or empty; a secret, in no text
    std::string variable;      // where it was named, for texts: "HTTPS_PROXY"
};

// How the connection gets there.
struct Route {
    std::optional<Proxy> proxy;
    std::vector<std::string> addresses; // numeric ones, tried in this order instead of asking the resolver for the server or proxy
    std::string problem;                // not empty: why no exchange can be tried at all (Errc::configuration)
};

struct Request {
    std::string method, target;                               // target begins with '/'
    std::vector<std::pair<std::string, std::string>> headers; // Host and Content-Length are added
    std::string body;
};

struct Head {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;                    // as received, in order
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept; // case-insensitive, "" when absent
};

// Receives the decoded body of a 2xx answer, in pieces of any size, inside Client::run. A view is valid during the call.
class BodySink {
public:
    virtual ~BodySink() = default;
    virtual void on_body(std::string_view bytes) = 0;
};

enum class Event {
    nothing,  // the timeout passed (or wake, or timeout 0 and nothing was ready)
    head,     // the header of the answer is there
    body,     // on_body was called at least once; no more than one socket read is handed on between two returns
    finished, // framing and content coding ended; see complete()
    failed    // see error(); the connection is closed
};

// What is known of the connection that carries (or failed to carry) the current exchange, filled step by step: a step that was
// not reached has `done` false. For diagnosis; text is for a person, certificate names are the server's and untrusted.
struct ConnectionReport {
    struct Step {
        bool done = false;
        std::chrono::nanoseconds took{};
    };
    Step resolve, connect, proxy, tls;  // with a proxy, the first two are the proxy's
    bool reused = false;                // a kept-alive connection: the steps are those of its making
    std::vector<std::string> addresses; // what the name resolved to, e.g. "127.0.0.1", "::1"
    std::string peer;                   // the address that accepted, with port
    std::string proxy_address;          // "host:port" of the proxy, or empty
    std::string tls_version;            // "TLSv1.3", or empty
    std::string certificate_subject, certificate_issuer;
    std::int64_t certificate_not_after = 0; // seconds since 1970 UTC; 0 without TLS
};

// The event loop that several clients share, so that one thread can wait for all of them at once. A client without one has its
// own. Drive each of the clients with run(0ns); when none has anything, wait() for all.
class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Returns when something may have happened to one of the clients, when one was woken, or when the time is over. What happened
    // since before_run() counts too: then it does not wait.
    void before_run();
    void wait(std::chrono::nanoseconds timeout);

    struct Impl;
    [[nodiscard]] Impl& impl() noexcept { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

// Threads: everything from one thread at a time, but wake().
class Client {
public:
    // A clock of monotonic nanoseconds; deadlines are judged with it.
    using Clock = std::function<std::int64_t()>;

    // `route`: see route_for() of http/proxy.hpp for the one that the environment wants.
    Client(Endpoint endpoint, TlsOptions tls, Deadlines deadlines, Limits limits, const Clock& clock, Route route = {},
           std::shared_ptr<Loop> loop = {});
    ~Client(); // never waits for the system's resolver
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Begins an exchange. Precondition: none is under way. A kept-alive connection is used when there is one.
    void start(Request request, BodySink& sink);

    // Drives the exchange for at most `timeout`. Deadlines count only time spent inside run; what is ready is taken before
    // any deadline is judged.
    Event run(std::chrono::nanoseconds timeout);

    // The time since the last run was spent in the Loop's wait, for this client too: it counts as if it had been spent in run.
    void waited();

    // Ends the exchange and closes the connection.
    void abort();

    // Any thread: a running (or else the next) run answers `nothing` soon.
    void wake();

    [[nodiscard]] bool active() const;                   // an exchange is under way
    [[nodiscard]] const Head& head() const;              // after Event::head
    [[nodiscard]] const std::string& error_body() const; // body of an answer that is not 2xx, up to max_error_body, after finished
    // After `finished`: true when HTTP framing ended by a last chunk or Content-Length (not by close) and, with gzip, the
    // trailer was right and nothing followed it. Otherwise incomplete_reason() says what was missing.
    [[nodiscard]] bool complete() const;
    [[nodiscard]] const std::string& incomplete_reason() const;
    [[nodiscard]] const Error& error() const;       // after `failed`
    [[nodiscard]] std::uint64_t body_bytes() const; // decoded bytes of this exchange
    [[nodiscard]] std::uint64_t wire_bytes() const; // body bytes before decoding
    // Of the present or else the last exchange's connection; empty before the first one. Valid until the next call of another member.
    [[nodiscard]] const ConnectionReport& connection() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate::http
