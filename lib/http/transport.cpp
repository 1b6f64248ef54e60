#include "http/transport.hpp"

#include "http/exchange_text.hpp"
#include "http/resolver.hpp"
#include "http/tls.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <optional>
#include <utility>

namespace fluxgate::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket&>;

// Memory for the one outstanding wait of a connection, so that waiting for bytes allocates nothing.
class WaitMemory {
public:
    void* allocate(std::size_t size) {
        if (used_ || size > sizeof(bytes_)) return ::operator new(size);
        used_ = true;
        return bytes_;
    }
    void deallocate(void* at) noexcept {
        if (at == bytes_) {
            used_ = false;
        } else {
            ::operator delete(at);
        }
    }

private:
    alignas(std::max_align_t) unsigned char bytes_[512];
    bool used_ = false;
};

// Keeps its memory alive: an operation gives its memory back after its handler, which may hold the last reference, is gone.
template <class T>
struct WaitAllocator {
    using value_type = T;
    std::shared_ptr<WaitMemory> memory;

    explicit WaitAllocator(std::shared_ptr<WaitMemory> m) noexcept : memory(std::move(m)) {}
    template <class U>
    WaitAllocator(const WaitAllocator<U>& other) noexcept : memory(other.memory) {}
    T* allocate(std::size_t n) { return static_cast<T*>(memory->allocate(n * sizeof(T))); }
    void deallocate(T* at, std::size_t) noexcept { memory->deallocate(at); }
    template <class U>
    bool operator==(const WaitAllocator<U>& other) const noexcept {
        return memory == other.memory;
    }
};

tcp::endpoint endpoint_of(const Address& address) {
    tcp::endpoint out;
    out.resize(address.size);
    std::memcpy(out.data(), &address.storage, address.size);
    return out;
}

bool is_cut(const error_code& ec) {
    return ec == asio::error::eof || ec == asio::ssl::error::stream_truncated || ec.category() == boost::system::system_category();
}

} // namespace

// One connection. Handlers share it, so that one that is given up stays whole until its last handler has run.
struct Transport::Link : std::enable_shared_from_this<Transport::Link> {
    Link(asio::io_context& io, const Endpoint& to, const TlsOptions& options, const Client::Clock& time)
        : socket(io), endpoint(to), tls(options), clock(time), step_began(clock()) {}

    const std::string& host() const { return endpoint.host; }
    std::string where() const { return endpoint.host + ":" + std::to_string(endpoint.port); }

    void fail(Error e) {
        error = std::move(e);
        state = State::failed;
        shut();
    }

    void shut() {
        error_code ignored; // closing is all that is left to do
        socket.close(ignored);
    }

    void step_done(ConnectionReport::Step& step) {
        const std::int64_t now = clock();
        step = {true, std::chrono::nanoseconds{now - step_began}};
        step_began = now;
    }

    void resolved(std::vector<Address> found) {
        addresses = std::move(found);
        for (const Address& address : addresses)
            report.addresses.push_back(address.text());
        step_done(report.resolve);
        connect_next();
    }

    void connect_next() {
        const Address& address = addresses[at];
        const std::uint32_t mine = ++attempt;
        state = State::connecting;
        shut();
        error_code ec;
        const tcp::endpoint to = endpoint_of(address);
        socket.open(to.protocol(), ec);
        if (ec) return connected(ec);
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        socket.set_option(tcp::no_delay(true), ec);
        socket.set_option(asio::socket_base::keep_alive(true), ec); // both only help; a refusal harms nothing
        socket.async_connect(to, [self = shared_from_this(), mine](const error_code& result) {
            if (self->attempt == mine && self->state == State::connecting) self->connected(result);
        });
    }

    void connected(const error_code& ec) {
        if (ec) {
            tried += (tried.empty() ? "" : "; ") + addresses[at].text() + ": " + ec.message();
            if (at + 1 < addresses.size()) {
                ++at;
                return connect_next();
            }
            Error e{Errc::connect,
                    "no connection to " + where() + " (" + tried + "). Check host and port in `url`, that the server runs, and firewalls"};
            e.retryable = true;
            return fail(std::move(e));
        }
        step_done(report.connect);
        error_code peer_unknown; // then the report names none
        if (const tcp::endpoint peer = socket.remote_endpoint(peer_unknown); !peer_unknown)
            report.peer = place({false, peer.address().to_string(), peer.port()});
        error_code non_blocking;
        socket.non_blocking(true, non_blocking);
        if (non_blocking) return fail({Errc::connect, "the connection to " + where() + " cannot be used: " + non_blocking.message()});
        if (endpoint.https) return begin_handshake();
        state = State::open;
    }

    void begin_handshake() {
        state = State::handshaking;
        Result<SslContext> made = make_ssl_context(tls);
        if (!made) return fail(std::move(made).error());
        context.emplace(std::move(made).value().release());
        stream.emplace(socket, *context);
        if (!prepare_ssl(stream->native_handle(), endpoint, verify))
            return fail({Errc::tls, "TLS with " + where() + " cannot begin: the host name is not one that a certificate can be checked against"});
        stream->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](const error_code& ec) {
            if (self->state != State::handshaking) return;
            note_certificate(self->stream->native_handle(), self->verify, self->report);
            if (!ec) {
                self->step_done(self->report.tls);
                self->state = State::open;
            } else {
                self->fail(handshake_error(self->endpoint, self->tls, self->verify, ec.message(), is_cut(ec)));
            }
        });
    }

    void send(std::string_view head, std::string_view body) {
        sending = true;
        send_problem.clear();
        const std::array<asio::const_buffer, 2> out{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), body.size())};
        auto done = [self = shared_from_this()](const error_code& ec, std::size_t) {
            self->sending = false;
            if (ec) self->send_problem = ec.message();
        };
        if (stream) {
            asio::async_write(*stream, out, std::move(done));
        } else {
            asio::async_write(socket, out, std::move(done));
        }
    }

    void await_readable() {
        if (waiting) return;
        waiting = true;
        auto done = [self = shared_from_this()](const error_code&) { self->waiting = false; }; // the read that follows learns of any error
        socket.async_wait(tcp::socket::wait_read, asio::bind_allocator(WaitAllocator<void>{memory}, std::move(done)));
    }

    tcp::socket socket;
    const Endpoint endpoint;
    const TlsOptions tls;
    const Client::Clock clock;
    ConnectionReport report;
    std::int64_t step_began = 0; // by the clock
    std::optional<asio::ssl::context> context;
    std::optional<TlsStream> stream;
    VerifyFailure verify;
    State state = State::closed;
    Error error;
    std::vector<Address> addresses;
    std::size_t at = 0;
    std::uint32_t attempt = 0;
    std::string tried;
    bool sending = false;
    std::string send_problem;
    bool waiting = false;
    std::shared_ptr<WaitMemory> memory = std::make_shared<WaitMemory>();
};

struct Transport::Impl {
    Impl(Endpoint to, TlsOptions options, Client::Clock time)
        : endpoint(std::move(to)), tls(std::move(options)), clock(std::move(time)), work(asio::make_work_guard(io)) {}

    std::shared_ptr<Link> fresh() { return std::make_shared<Link>(io, endpoint, tls, clock); }

    void take_addresses() {
        std::optional<Resolution> answer = mailbox->take();
        if (!answer) return;
        mailbox.reset();
        if (!answer->ok()) return link->fail(std::move(*answer).error());
        link->resolved(std::move(*answer).value());
    }

    const Endpoint endpoint;
    const TlsOptions tls;
    const Client::Clock clock;
    ConnectionReport last_report; // of the link before the present one
    asio::io_context io{1};       // before what lives on it
    std::atomic<bool> woken{false};
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::shared_ptr<Link> link = fresh();
    std::shared_ptr<Mailbox> mailbox;
};

Transport::Transport(Endpoint endpoint, TlsOptions tls, Client::Clock clock)
    : impl_(std::make_unique<Impl>(std::move(endpoint), std::move(tls), std::move(clock))) {}

Transport::~Transport() {
    close();
}

void Transport::open() {
    close();
    Link& link = *impl_->link;
    const Endpoint& to = impl_->endpoint;
    if (std::optional<std::vector<Address>> numeric = numeric_addresses(to.host, to.port)) {
        return link.resolved(std::move(*numeric));
    }
    link.state = State::resolving;
    impl_->mailbox = std::make_shared<Mailbox>([&io = impl_->io] { asio::post(io, [] {}); });
    resolve(to.host, to.port, impl_->mailbox);
}

void Transport::close() {
    if (impl_->mailbox) {
        impl_->mailbox->close(); // from here on nobody posts to the loop
        impl_->mailbox.reset();
    }
    if (impl_->link->state != State::closed) impl_->last_report = std::move(impl_->link->report);
    impl_->link->state = State::closed;
    impl_->link->shut();
    impl_->link = impl_->fresh();
}

bool Transport::next_address() {
    Link& link = *impl_->link;
    if (link.state != State::connecting || link.at + 1 >= link.addresses.size()) return false;
    link.tried += (link.tried.empty() ? "" : "; ") + link.addresses[link.at].text() + ": no answer in time";
    ++link.at;
    link.connect_next();
    return true;
}

std::size_t Transport::addresses_left() const {
    const Link& link = *impl_->link;
    return link.addresses.empty() ? 0 : link.addresses.size() - 1 - link.at;
}

Transport::State Transport::state() const {
    return impl_->link->state;
}
const Error& Transport::error() const {
    return impl_->link->error;
}

std::string Transport::doing() const {
    const Link& link = *impl_->link;
    const std::string tried = link.tried.empty() ? std::string{} : " (" + link.tried + ")";
    switch (link.state) {
    case State::resolving: return "resolving the name '" + link.host() + "'";
    case State::connecting: return "connecting to " + link.addresses[link.at].text() + tried;
    case State::handshaking: return "in the TLS handshake with " + link.addresses[link.at].text() + tried;
    case State::closed:
    case State::open:
    case State::failed: break;
    }
    return "connecting";
}

const ConnectionReport& Transport::report() const {
    return impl_->link->state == State::closed ? impl_->last_report : impl_->link->report;
}

void Transport::send(std::string_view head, std::string_view body) {
    impl_->link->send(head, body);
}
bool Transport::sent() const {
    return !impl_->link->sending;
}
const std::string& Transport::send_problem() const {
    return impl_->link->send_problem;
}

Transport::Read Transport::read(char* to, std::size_t size) {
    Link& link = *impl_->link;
    Read out;
    error_code ec;
    if (link.stream) {
        // One record a call: go on while there are more, as a plain read would.
        do {
            out.size += link.stream->read_some(asio::buffer(to + out.size, size - out.size), ec);
        } while (!ec && out.size < size);
        if (out.size > 0) return out; // an end or a fault behind it shows at the next call
    } else {
        out.size = link.socket.read_some(asio::buffer(to, size), ec);
    }
    if (!ec) return out;
    if (ec == asio::error::would_block || ec == asio::error::try_again || ec == asio::error::interrupted) {
        out.would_block = true;
        link.await_readable();
    } else if (ec == asio::error::eof || ec == asio::ssl::error::stream_truncated) {
        out.ended = true;
    } else {
        out.problem = ec.message();
        out.tls_refused = ec.category() == asio::error::get_ssl_category();
    }
    return out;
}

bool Transport::stale() {
    Link& link = *impl_->link;
    if (link.state != State::open) return true;
    char byte = 0;
    const ssize_t got = ::recv(link.socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0) return true;
    if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
    return !link.stream; // TLS may say something between answers (session tickets), plain HTTP may not
}

void Transport::wait(std::chrono::nanoseconds timeout) {
    // A cap that no caller notices keeps the sum with the system's clock within its range.
    constexpr std::chrono::nanoseconds kLongest = std::chrono::hours{1};
    asio::io_context& io = impl_->io;
    if (timeout > std::chrono::nanoseconds::zero()) io.run_one_for(std::min(timeout, kLongest));
    io.poll();
    if (impl_->link->state == State::resolving) impl_->take_addresses();
}

void Transport::wake() {
    if (!impl_->woken.exchange(true)) asio::post(impl_->io, [] {});
}

bool Transport::take_woken() {
    return impl_->woken.load(std::memory_order_relaxed) && impl_->woken.exchange(false);
}

} // namespace fluxgate::http
