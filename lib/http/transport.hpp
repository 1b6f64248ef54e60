// One connection, plain or TLS, and the event loop that drives it, on the caller's thread. Knows nothing of HTTP and judges no
// deadline: it says how far it is and waits as long as it is told.
#pragma once

#include "http/client.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace fluxgate::http {

class Transport {
public:
    enum class State { closed, resolving, connecting, tunnelling, handshaking, open, failed };

    struct Read {
        std::size_t size = 0;
        bool would_block = false; // nothing there; await_readable() was called
        bool ended = false;       // the peer closed in order
        bool tls_refused = false; // the peer refused our side of TLS after the handshake
        std::string problem;      // neither: how the connection broke
    };

    // The clock times the steps of the report. Without a loop it has its own.
    Transport(Endpoint endpoint, TlsOptions tls, Client::Clock clock, Route route, std::shared_ptr<Loop> loop = {});
    ~Transport(); // never waits for the system's resolver
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    // Begins to connect: name, then each address in turn, then the proxy's tunnel, then TLS. Closes what was open.
    void open();
    void close();

    // Gives up the address that is being tried and takes the next one. False when there is none: still connecting to the same.
    bool next_address();
    [[nodiscard]] std::size_t addresses_left() const; // behind the present one

    [[nodiscard]] State state() const;
    [[nodiscard]] const Error& error() const;             // when failed
    [[nodiscard]] std::string doing() const;              // "connecting to 10.0.0.1", for a deadline's text
    [[nodiscard]] const ConnectionReport& report() const; // of the present connection, or the last one; `reused` is not known here

    // Begins to send; the bytes must stay until sent(), a problem, or close(). Precondition: open.
    void send(std::string_view head, std::string_view body);
    [[nodiscard]] bool sent() const;                       // sending ended, one way or the other
    [[nodiscard]] const std::string& send_problem() const; // empty when all went out

    // Whether read() may be called before sent(): not with TLS, whose two directions share one engine.
    [[nodiscard]] bool reads_while_sending() const;

    // Reads what is there, without waiting. Precondition: open.
    Read read(char* to, std::size_t size);

    // Whether a connection that rested was closed by the peer meanwhile (or said something unasked).
    [[nodiscard]] bool stale();

    // Handles what is ready; with a duration above zero, waits until something happened or the time is over.
    void wait(std::chrono::nanoseconds timeout);

    // Any thread: a waiting or else the next wait() returns.
    void wake();
    [[nodiscard]] bool take_woken(); // whether wake was called since the last time

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate::http
