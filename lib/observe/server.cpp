#include "observe/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace fluxgate::observe {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::string text_of(beast::string_view text) {
    return {text.data(), text.size()};
}

Answer too_large() {
    Answer out;
    out.status = 431;
    out.body = "The head of the request is too large.\n";
    out.headers.emplace_back("Cache-Control", "no-store");
    return out;
}

Answer malformed() {
    Answer out;
    out.status = 400;
    out.body = "This is no request of HTTP/1.1.\n";
    out.headers.emplace_back("Cache-Control", "no-store");
    return out;
}

// The reason is nobody's business; that there was one is.
Answer failed() {
    Answer out;
    out.status = 500;
    out.body = "The answer could not be made.\n";
    out.headers.emplace_back("Cache-Control", "no-store");
    return out;
}

} // namespace

struct Server::Impl {
    class Session;

    Impl(Listen listen, Handler answer, ServerLimits most) : where(std::move(listen)), handler(std::move(answer)), limits(most) {}

    Result<void> open();
    void accept();
    void left();

    Listen where;
    const Handler handler;
    const ServerLimits limits;
    // The thread's own. Sessions that are still open end with the io_context, so these must outlive it.
    std::size_t sessions = 0;
    bool waits_for_room = false, closing = false;
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    asio::steady_timer pause{io};
    std::thread thread;
};

// One connection: reads a head, answers, closes.
class Server::Impl::Session : public std::enable_shared_from_this<Session> {
public:
    Session(Impl& server, tcp::socket socket) : server_(server), stream_(std::move(socket)), buffer_(server.limits.head_bytes) {
        ++server_.sessions;
        parser_.header_limit(static_cast<std::uint32_t>(server.limits.head_bytes));
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { server_.left(); }

    void run() {
        stream_.expires_after(server_.limits.request);
        http::async_read_header(stream_, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t) { self->on_head(error); });
    }

private:
    void on_head(error_code error) {
        if (error == http::error::header_limit || error == http::error::buffer_overflow) return write(too_large(), false);
        if (error.category() == make_error_code(http::error::end_of_stream).category() && error != http::error::end_of_stream &&
            error != http::error::partial_message)
            return write(malformed(), false);
        if (error) return; // gone, or too slow
        const auto& head = parser_.get();
        const auto field = [&head](beast::string_view name) { return text_of(head[name]); };
        Request request;
        request.method = text_of(head.method_string());
        request.target = text_of(head.target());
        request.host = field("Host");
        request.origin = field("Origin");
        request.fetch_site = field("Sec-Fetch-Site");
        request.fetch_mode = field("Sec-Fetch-Mode");
        request.fetch_dest = field("Sec-Fetch-Dest");
        request.has_body = parser_.chunked() || parser_.content_length().value_or(0) > 0;
        // Two names of a host would let one be checked and the other be meant.
        if (head.count(http::field::host) > 1) return write(malformed(), false);
        try {
            write(server_.handler(request), request.method == "HEAD");
        } catch (const std::exception&) {
            write(failed(), request.method == "HEAD");
        }
    }

    void write(Answer answer, bool head_only) {
        http::response<http::string_body>& out = response_;
        out.version(11);
        out.result(static_cast<unsigned>(answer.status));
        out.set(http::field::content_type, answer.content_type);
        for (const auto& [name, value] : answer.headers)
            out.set(name, value);
        out.keep_alive(false);
        out.content_length(answer.body.size());
        if (!head_only) out.body() = std::move(answer.body);
        serializer_.emplace(out);
        stream_.expires_after(server_.limits.answer);
        auto done = [self = shared_from_this()](error_code error, std::size_t) {
            if (!error) self->linger();
        };
        if (head_only)
            http::async_write_header(stream_, *serializer_, std::move(done));
        else
            http::async_write(stream_, *serializer_, std::move(done));
    }

    // What the client still sends must not become a reset that takes the answer with it: it is read to its end, within the time.
    void linger() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        drain();
    }

    void drain() {
        constexpr std::size_t most = 64u << 10;
        stream_.async_read_some(asio::buffer(rest_), [self = shared_from_this()](error_code error, std::size_t got) {
            self->drained_ += got;
            if (!error && self->drained_ < most) self->drain();
        });
    }

    Impl& server_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    http::request_parser<http::empty_body> parser_;
    http::response<http::string_body> response_;
    std::optional<http::response_serializer<http::string_body>> serializer_;
    std::array<char, 4096> rest_{};
    std::size_t drained_ = 0;
};

Result<void> Server::Impl::open() {
    const auto fail = [this](const error_code& error) {
        std::string text = "the address " + where.text() + " cannot be listened on: " + error.message();
        if (error == asio::error::address_in_use) text += "; another program has the port (`ss -ltnp` names it): stop that one or take another port";
        if (error == asio::error::access_denied) text += "; ports below 1024 need a privilege: take a higher one";
        if (error.value() == EADDRNOTAVAIL) text += "; this machine has no such address";
        return Error{Errc::configuration, text};
    };
    error_code error;
    const tcp::endpoint endpoint{asio::ip::make_address(where.address, error), where.port};
    if (error) return fail(error);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) where.port = acceptor.local_endpoint(error).port();
    if (error) return fail(error);
    return {};
}

void Server::Impl::accept() {
    if (sessions >= limits.connections) {
        waits_for_room = true;
        return;
    }
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (!error) {
            std::make_shared<Session>(*this, std::move(socket))->run();
            return accept();
        }
        // Out of descriptors, say: not at once again.
        pause.expires_after(std::chrono::milliseconds{100});
        pause.async_wait([this](error_code cancelled) {
            if (!cancelled) accept();
        });
    });
}

void Server::Impl::left() {
    --sessions;
    if (std::exchange(waits_for_room, false) && !closing) accept();
}

Server::Server(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

Server::~Server() {
    impl_->io.stop();
    impl_->thread.join();
    impl_->closing = true;
}

Result<std::unique_ptr<Server>> Server::start(const Listen& where, Handler handler, ServerLimits limits) {
    auto impl = std::make_unique<Impl>(where, std::move(handler), limits);
    if (auto opened = impl->open(); !opened.ok()) return std::move(opened).error();
    impl->accept();
    impl->thread = std::thread{[&server = *impl] { server.io.run(); }};
    return std::unique_ptr<Server>(new Server{std::move(impl)});
}

const Listen& Server::where() const noexcept {
    return impl_->where;
}

} // namespace fluxgate::observe
