#include "http/link.hpp"

#include "http/exchange_text.hpp"
#include "http/proxy.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fluxgate::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

asio::ip::tcp::endpoint endpoint_of(const Address& address) {
    asio::ip::tcp::endpoint out;
    out.resize(address.size);
    std::memcpy(out.data(), &address.storage, address.size);
    return out;
}

bool is_cut(const error_code& ec) {
    return ec == asio::error::eof || ec == asio::ssl::error::stream_truncated || ec.category() == boost::system::system_category();
}

} // namespace

Link::Link(asio::io_context& io, std::shared_ptr<const LinkSettings> settings)
    : socket_(io), settings_(std::move(settings)), step_began_(settings_->clock()) {
    if (settings_->proxy) report_.proxy_address = place(settings_->proxy->endpoint);
}

void Link::step_done(ConnectionReport::Step& step) {
    const std::int64_t now = settings_->clock();
    step = {true, std::chrono::nanoseconds{now - step_began_}};
    step_began_ = now;
}

void Link::fail(Error error) {
    error_ = std::move(error);
    state_ = State::failed;
    shut();
}

void Link::shut() {
    error_code ignored; // closing is all that is left to do
    socket_.close(ignored);
}

void Link::close() {
    state_ = State::closed;
    shut();
}

void Link::resolution_failed(Error error) {
    if (settings_->proxy) error.message = "the proxy of " + settings_->proxy->variable + " cannot be found: " + error.message;
    fail(std::move(error));
}

void Link::resolved(std::vector<Address> addresses) {
    addresses_ = std::move(addresses);
    for (const Address& address : addresses_)
        report_.addresses.push_back(address.text());
    step_done(report_.resolve);
    connect_next();
}

// --- TCP ------------------------------------------------------------------------------------------------------------

void Link::connect_next() {
    const Address& address = addresses_[at_];
    const std::uint32_t mine = ++attempt_;
    state_ = State::connecting;
    shut();
    error_code ec;
    const tcp::endpoint to = endpoint_of(address);
    socket_.open(to.protocol(), ec);
    if (ec) return connected(ec);
    ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
    socket_.set_option(tcp::no_delay(true), ec);
    socket_.set_option(asio::socket_base::keep_alive(true), ec); // both only help; a refusal harms nothing
    socket_.async_connect(to, [self = shared_from_this(), mine](const error_code& result) {
        if (self->attempt_ == mine && self->state_ == State::connecting) self->connected(result);
    });
}

bool Link::next_address() {
    if (state_ != State::connecting || at_ + 1 >= addresses_.size()) return false;
    tried_ += (tried_.empty() ? "" : "; ") + addresses_[at_].text() + ": no answer in time";
    ++at_;
    connect_next();
    return true;
}

std::size_t Link::addresses_left() const {
    return addresses_.empty() ? 0 : addresses_.size() - 1 - at_;
}

void Link::connected(const error_code& ec) {
    if (ec) {
        tried_ += (tried_.empty() ? "" : "; ") + addresses_[at_].text() + ": " + ec.message();
        if (at_ + 1 < addresses_.size()) {
            ++at_;
            return connect_next();
        }
        const std::string whose = settings_->proxy ? "the proxy " + place(dialled()) : place(dialled());
        const std::string where = settings_->proxy ? settings_->proxy->variable : "`url`";
        Error e{Errc::connect, "no connection to " + whose + " (" + tried_ + "). Check host and port in " + where + ", that the " +
                                   (settings_->proxy ? "proxy" : "server") + " runs, and firewalls"};
        e.retryable = true;
        return fail(std::move(e));
    }
    step_done(report_.connect);
    error_code peer_unknown; // then the report names none
    if (const tcp::endpoint peer = socket_.remote_endpoint(peer_unknown); !peer_unknown)
        report_.peer = place({false, peer.address().to_string(), peer.port()});
    error_code non_blocking;
    socket_.non_blocking(true, non_blocking);
    if (non_blocking) return fail({Errc::connect, "the connection to " + place(dialled()) + " cannot be used: " + non_blocking.message()});
    if (settings_->proxy) return begin_tunnel();
    tunnel_open();
}

// --- the proxy ------------------------------------------------------------------------------------------------------

void Link::begin_tunnel() {
    state_ = State::tunnelling;
    tunnel_request_ = connect_request(settings_->endpoint, *settings_->proxy);
    asio::async_write(socket_, asio::buffer(tunnel_request_), [self = shared_from_this()](const error_code& ec, std::size_t) {
        if (self->state_ != State::tunnelling) return;
        if (ec) return self->fail(connect_cut_error(ec.message(), self->settings_->endpoint, *self->settings_->proxy));
        self->read_tunnel_answer();
    });
}

void Link::read_tunnel_answer() {
    socket_.async_read_some(asio::buffer(tunnel_piece_), [self = shared_from_this()](const error_code& ec, std::size_t size) {
        if (self->state_ != State::tunnelling) return;
        if (!ec) return self->tunnel_said(size);
        self->fail(connect_cut_error(ec == asio::error::eof ? std::string{} : ec.message(), self->settings_->endpoint, *self->settings_->proxy));
    });
}

void Link::tunnel_said(std::size_t size) {
    tunnel_answer_.append(tunnel_piece_.data(), size);
    ConnectAnswer answer = judge_connect_answer(tunnel_answer_, settings_->endpoint, *settings_->proxy);
    if (answer.failure) return fail(std::move(*answer.failure));
    if (!answer.whole) return read_tunnel_answer();
    step_done(report_.proxy);
    tunnel_open();
}

void Link::tunnel_open() {
    if (settings_->endpoint.https) return begin_handshake();
    state_ = State::open;
}

// --- TLS ------------------------------------------------------------------------------------------------------------

void Link::begin_handshake() {
    state_ = State::handshaking;
    Result<SslContext> made = make_ssl_context(settings_->tls);
    if (!made) return fail(std::move(made).error());
    context_.emplace(std::move(made).value().release());
    stream_.emplace(socket_, *context_);
    if (!prepare_ssl(stream_->native_handle(), settings_->endpoint, verify_))
        return fail({Errc::tls,
                     "TLS with " + place(settings_->endpoint) + " cannot begin: the host name is not one that a certificate can be checked against"});
    stream_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](const error_code& ec) {
        if (self->state_ != State::handshaking) return;
        note_certificate(self->stream_->native_handle(), self->verify_, self->report_);
        if (!ec) {
            self->step_done(self->report_.tls);
            self->state_ = State::open;
        } else {
            self->fail(handshake_error(self->settings_->endpoint, self->settings_->tls, self->verify_, ec.message(), is_cut(ec)));
        }
    });
}

// --- the open stream ------------------------------------------------------------------------------------------------

void Link::send(std::string_view head, std::string_view body) {
    sending_ = true;
    send_problem_.clear();
    const std::array<asio::const_buffer, 2> out{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), body.size())};
    auto done = [self = shared_from_this()](const error_code& ec, std::size_t) {
        self->sending_ = false;
        if (ec) self->send_problem_ = ec.message();
    };
    if (stream_) {
        asio::async_write(*stream_, out, std::move(done));
    } else {
        asio::async_write(socket_, out, std::move(done));
    }
}

void Link::await_readable() {
    if (waiting_) return;
    waiting_ = true;
    auto done = [self = shared_from_this()](const error_code&) { self->waiting_ = false; }; // the read that follows learns of any error
    socket_.async_wait(tcp::socket::wait_read, asio::bind_allocator(WaitAllocator<void>{memory_}, std::move(done)));
}

Transport::Read Link::read(char* to, std::size_t size) {
    Transport::Read out;
    error_code ec;
    if (stream_) {
        // One record a call: go on while there are more, as a plain read would.
        do {
            out.size += stream_->read_some(asio::buffer(to + out.size, size - out.size), ec);
        } while (!ec && out.size < size);
        if (out.size > 0) return out; // an end or a fault behind it shows at the next call
    } else {
        out.size = socket_.read_some(asio::buffer(to, size), ec);
    }
    if (!ec) return out;
    if (ec == asio::error::would_block || ec == asio::error::try_again || ec == asio::error::interrupted) {
        out.would_block = true;
        await_readable();
    } else if (ec == asio::error::eof || ec == asio::ssl::error::stream_truncated) {
        out.ended = true;
    } else {
        out.problem = ec.message();
        out.tls_refused = ec.category() == asio::error::get_ssl_category();
    }
    return out;
}

bool Link::stale() {
    if (state_ != State::open) return true;
    char byte = 0;
    if (stream_) { // what TLS itself says between answers (session tickets) is taken here and is no answer
        error_code ec;
        const std::size_t got = stream_->read_some(asio::buffer(&byte, 1), ec);
        return got > 0 || (ec != asio::error::would_block && ec != asio::error::try_again);
    }
    const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

std::string Link::doing() const {
    const std::string tried = tried_.empty() ? std::string{} : " (" + tried_ + ")";
    switch (state_) {
    case State::resolving: return "resolving the name '" + dialled().host + "'";
    case State::connecting: return "connecting to " + std::string{settings_->proxy ? "the proxy at " : ""} + addresses_[at_].text() + tried;
    case State::tunnelling:
        return "waiting for the proxy " + place(dialled()) + " of " + settings_->proxy->variable + " to answer CONNECT " + place(settings_->endpoint);
    case State::handshaking: return "in the TLS handshake with " + (settings_->proxy ? place(settings_->endpoint) : addresses_[at_].text()) + tried;
    case State::closed:
    case State::open:
    case State::failed: break;
    }
    return "connecting";
}

} // namespace fluxgate::http
