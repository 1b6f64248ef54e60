#include "raw_client.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <openssl/ssl.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>

namespace raw {
namespace {

void split(const std::string& all, Reply& reply) {
    const auto end = all.find("\r\n\r\n");
    if (end == std::string::npos) return;
    reply.head = all.substr(0, end + 2);
    reply.wire = all.substr(end + 4);
    reply.status = std::atoi(reply.head.c_str() + 9);
    if (!reply.has("Transfer-Encoding: chunked")) {
        const auto at = reply.head.find("Content-Length: ");
        reply.body = reply.wire;
        reply.complete = at != std::string::npos && std::strtoull(reply.head.c_str() + at + 16, nullptr, 10) == reply.body.size();
        return;
    }
    for (std::size_t at = 0;;) {
        const auto line = reply.wire.find("\r\n", at);
        if (line == std::string::npos) return;
        const auto size = std::strtoull(reply.wire.c_str() + at, nullptr, 16);
        reply.complete = size == 0;
        if (size == 0) return;
        reply.body += reply.wire.substr(line + 2, size);
        at = line + 2 + size + 2;
        if (at > reply.wire.size()) return;
    }
}

} // namespace

Reply exchange(std::uint16_t port, const std::string& request, const std::string& ca_file) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        throw std::runtime_error("the test cannot connect");
    SSL_CTX* context = nullptr;
    SSL* tls = nullptr;
    if (!ca_file.empty()) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        if (SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1) throw std::runtime_error("no CA");
        tls = SSL_new(context);
        SSL_set1_host(tls, "localhost");
        SSL_set_tlsext_host_name(tls, "localhost");
        SSL_set_fd(tls, fd);
        if (SSL_connect(tls) != 1) throw std::runtime_error("the TLS handshake failed");
        SSL_write(tls, request.data(), static_cast<int>(request.size()));
    } else if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        throw std::runtime_error("the test cannot send");
    }
    Reply reply;
    std::string all;
    char piece[65536];
    for (;;) {
        const auto got = tls != nullptr ? SSL_read(tls, piece, sizeof piece) : ::recv(fd, piece, sizeof piece, 0);
        if (got < 0) reply.reset = errno == ECONNRESET;
        if (got <= 0) break;
        all.append(piece, static_cast<std::size_t>(got));
    }
    SSL_free(tls);
    SSL_CTX_free(context);
    ::close(fd);
    split(all, reply);
    return reply;
}

std::string post(const std::string& body, const std::string& fields, const std::string& target, const std::string& token) {
    return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Token " + token +
           "\r\nContent-Type: application/json\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string gunzip(std::string_view bytes, std::string& rest, bool& complete) {
    z_stream z{};
    inflateInit2(&z, 15 + 16);
    std::string in{bytes}, out;
    z.next_in = reinterpret_cast<Bytef*>(in.data());
    z.avail_in = static_cast<uInt>(in.size());
    int state = Z_OK;
    char piece[65536];
    while (state == Z_OK) {
        z.next_out = reinterpret_cast<Bytef*>(piece);
        z.avail_out = sizeof piece;
        state = inflate(&z, Z_NO_FLUSH);
        out.append(piece, sizeof piece - z.avail_out);
    }
    complete = state == Z_STREAM_END;
    rest = in.substr(in.size() - z.avail_in);
    inflateEnd(&z);
    return out;
}

} // namespace raw
