#include "server.hpp"

#include "service.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace fluxgate::sample {
namespace {

Error failure(Errc code, std::string what) {
    Error e;
    e.code = code;
    e.message = std::move(what);
    return e;
}

// Writing to a TLS connection that the client closed raises SIGPIPE in the thread that writes.
void ignore_broken_pipes() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

struct FreeContext {
    void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

Result<TlsContext> make_tls(const ServerOptions& options) {
    if (options.cert_file.empty()) return TlsContext{};
    TlsContext context(SSL_CTX_new(TLS_server_method()));
    if (!context) return failure(Errc::tls, "OpenSSL cannot make a context");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    if (SSL_CTX_use_certificate_chain_file(context.get(), options.cert_file.c_str()) != 1)
        return failure(Errc::tls, options.cert_file + " holds no certificate in PEM that can be read");
    if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        return failure(Errc::tls, options.key_file + " holds no key in PEM that can be read and fits " + options.cert_file);
    return context;
}

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

struct Listener {
    Descriptor socket;
    std::uint16_t port = 0;
};

Result<Listener> listen_on(const std::string& address, std::uint16_t port) {
    sockaddr_storage where{};
    socklen_t size = 0;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&where);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&where);
    if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        size = sizeof(sockaddr_in);
    } else if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        size = sizeof(sockaddr_in6);
    } else {
        return failure(Errc::invalid_argument, "\"" + address + "\" is no address to bind; give one such as 127.0.0.1 or ::1");
    }
    Descriptor socket(::socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    const std::string place = address + " port " + std::to_string(port);
    if (socket.get() < 0 || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(socket.get(), reinterpret_cast<sockaddr*>(&where), size) != 0 || ::listen(socket.get(), 128) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&where), &size) != 0)
        return failure(Errc::io, "cannot listen on " + place + ": " + std::strerror(errno));
    const std::uint16_t chosen = ntohs(where.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return Listener{std::move(socket), chosen};
}

std::optional<Error> check(const ServerOptions& o) {
    if (o.chunk_size == 0 || o.chunk_size > (16u << 20)) return failure(Errc::invalid_argument, "the chunk size is 1 to 16777216 bytes");
    if (o.prefixes.empty()) return failure(Errc::invalid_argument, "at least one path prefix is needed (an empty one is the root)");
    for (const std::string& p : o.prefixes) {
        if (!p.empty() && (p.front() != '/' || p.back() == '/'))
            return failure(Errc::invalid_argument, "the path prefix \"" + p + "\" must begin with / and not end with it");
    }
    if (o.cert_file.empty() != o.key_file.empty()) return failure(Errc::invalid_argument, "a certificate needs its key, and a key its certificate");
    return std::nullopt;
}

} // namespace

struct Server::Impl {
    struct Client {
        std::unique_ptr<Connection> connection; // guarded by mutex where it is taken away
        std::thread thread;
        bool done = false; // guarded by mutex
    };

    Impl(ServerOptions given, Listener where, TlsContext context)
        : options(std::move(given)), listener(std::move(where)), tls(std::move(context)), wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          service(options, [this](std::chrono::milliseconds t) { return pause(t); }) {}

    bool pause(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex);
        return !stopped.wait_for(lock, time, [this] { return stopping; });
    }

    void accept_all() {
        ignore_broken_pipes();
        for (;;) {
            pollfd both[] = {{listener.socket.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
            const int ready = ::poll(both, 2, -1);
            reap();
            if (both[1].revents != 0) return;
            if (ready <= 0) continue;
            const int fd = ::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) {
                admit(fd);
            } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
                if (!pause(std::chrono::milliseconds{50})) return; // the socket stays readable: do not spin
            }
        }
    }

    void admit(int fd) {
        const std::lock_guard lock(mutex);
        if (stopping || clients.size() >= options.max_connections) {
            ::close(fd);
            return;
        }
        ++accepted;
        Client& client = clients.emplace_back();
        client.connection = std::make_unique<Connection>(fd, tls.get(), options.timeout);
        client.thread = std::thread([this, &client] { converse(client); });
    }

    void converse(Client& client) {
        ignore_broken_pipes();
        Connection& connection = *client.connection;
        if (connection.open()) {
            RequestReader reader(connection);
            for (;;) {
                const auto request = reader.next();
                if (!request) service.refuse(connection, request.error());
                if (!request || !*request || !service.serve(connection, **request)) break;
            }
        }
        // stop() may shut the connection down until it is taken away here; closing must not hold the lock.
        std::unique_ptr<Connection> closing;
        {
            const std::lock_guard lock(mutex);
            closing = std::move(client.connection);
        }
        closing.reset();
        const std::lock_guard lock(mutex);
        client.done = true;
    }

    // Joins the threads that have ended.
    void reap() {
        std::list<Client> ended;
        {
            const std::lock_guard lock(mutex);
            for (auto at = clients.begin(); at != clients.end();) {
                const auto next = std::next(at);
                if (at->done) ended.splice(ended.end(), clients, at);
                at = next;
            }
        }
        for (Client& client : ended) {
            client.thread.join();
        }
    }

    void stop() {
        const std::lock_guard once(stop_mutex);
        {
            const std::lock_guard lock(mutex);
            stopping = true;
            for (const Client& client : clients) {
                if (client.connection) client.connection->shut_down();
            }
        }
        stopped.notify_all();
        const std::uint64_t one = 1;
        // An eventfd that is full is readable too, so a failed write wakes all the same.
        if (::write(wake.get(), &one, sizeof one) < 0 && errno != EAGAIN) std::terminate();
        if (acceptor.joinable()) acceptor.join();
        for (Client& client : clients) { // nobody adds or removes any more
            if (client.thread.joinable()) client.thread.join();
        }
        clients.clear();
    }

    const ServerOptions options;
    const Listener listener;
    const TlsContext tls;
    const Descriptor wake;
    Service service;
    std::mutex mutex, stop_mutex;
    std::condition_variable stopped;
    bool stopping = false;
    std::list<Client> clients; // stable addresses
    std::atomic<std::uint64_t> accepted{0};
    std::thread acceptor;
};

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
    if (auto wrong = check(options)) return *wrong;
    auto tls = make_tls(options);
    if (!tls) return tls.error();
    auto listener = listen_on(options.bind, options.port);
    if (!listener) return listener.error();
    auto impl = std::make_unique<Impl>(std::move(options), *std::move(listener), *std::move(tls));
    if (impl->wake.get() < 0) return failure(Errc::io, std::string{"no eventfd: "} + std::strerror(errno));
    impl->acceptor = std::thread([i = impl.get()] { i->accept_all(); });
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() {
    stop();
}
void Server::stop() {
    impl_->stop();
}
std::uint16_t Server::port() const {
    return impl_->listener.port;
}
std::uint64_t Server::queries() const {
    return impl_->service.queries();
}
std::uint64_t Server::connections() const {
    return impl_->accepted;
}
Result<void> Server::write(const std::string& bucket, std::string_view lines) {
    return impl_->service.write(bucket, lines, 1);
}
const Written& Server::written() const {
    return impl_->service.written();
}
void Server::set_faults(std::vector<Fault> faults) {
    impl_->service.set_faults(std::move(faults));
}

std::string Server::url() const {
    const bool v6 = impl_->options.bind.find(':') != std::string::npos;
    return (impl_->tls ? "https://" : "http://") + (v6 ? '[' + impl_->options.bind + ']' : impl_->options.bind) + ':' + std::to_string(port());
}

} // namespace fluxgate::sample
