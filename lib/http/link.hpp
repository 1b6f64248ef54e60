// One connection of a Transport, from the first address to the open stream: TCP, the proxy's tunnel, TLS. Not thread-safe.
#pragma once

#include "http/resolver.hpp"
#include "http/tls.hpp"
#include "http/transport.hpp"
#include "http/wait_memory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::http {

// What every connection of a transport has in common.
struct LinkSettings {
    Endpoint endpoint;
    TlsOptions tls;
    Client::Clock clock;
    std::optional<Proxy> proxy;
};

// Handlers share it, so that one that is given up stays whole until its last handler has run.
class Link : public std::enable_shared_from_this<Link> {
public:
    using State = Transport::State;

    Link(boost::asio::io_context& io, std::shared_ptr<const LinkSettings> settings);

    void begin_resolving() { state_ = State::resolving; }
    void resolved(std::vector<Address> addresses); // begins with the first of them
    void resolution_failed(Error error);
    void close();

    // As Transport's.
    bool next_address();
    [[nodiscard]] std::size_t addresses_left() const;
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const Error& error() const { return error_; }
    [[nodiscard]] const ConnectionReport& report() const { return report_; }
    [[nodiscard]] std::string doing() const;
    void send(std::string_view head, std::string_view body);
    [[nodiscard]] bool sending() const { return sending_; }
    [[nodiscard]] const std::string& send_problem() const { return send_problem_; }
    [[nodiscard]] bool reads_while_sending() const { return !stream_; }
    Transport::Read read(char* to, std::size_t size);
    [[nodiscard]] bool stale();

private:
    using tcp = boost::asio::ip::tcp;
    using TlsStream = boost::asio::ssl::stream<tcp::socket&>;

    // The one that is connected to: the proxy, or the server itself.
    [[nodiscard]] const Endpoint& dialled() const { return settings_->proxy ? settings_->proxy->endpoint : settings_->endpoint; }
    void step_done(ConnectionReport::Step& step);
    void fail(Error error);
    void shut();
    void connect_next();
    void connected(const boost::system::error_code& ec);
    void begin_tunnel();
    void read_tunnel_answer();
    void tunnel_said(std::size_t size);
    void tunnel_open();
    void begin_handshake();
    void await_readable();

    tcp::socket socket_;
    const std::shared_ptr<const LinkSettings> settings_;
    ConnectionReport report_;
    std::int64_t step_began_ = 0; // by the clock
    std::optional<boost::asio::ssl::context> context_;
    std::optional<TlsStream> stream_;
    VerifyFailure verify_;
    State state_ = State::closed;
    Error error_;
    std::vector<Address> addresses_;
    std::size_t at_ = 0;
    std::uint32_t attempt_ = 0;
    std::string tried_;
    std::string tunnel_request_, tunnel_answer_; // the first holds a secret
    std::array<char, 2048> tunnel_piece_{};
    bool sending_ = false;
    std::string send_problem_;
    bool waiting_ = false;
    std::shared_ptr<WaitMemory> memory_ = std::make_shared<WaitMemory>();
};

} // namespace fluxgate::http
