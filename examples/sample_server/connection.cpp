#include "connection.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace fluxgate::sample {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

Error bad_request(int status, std::string text) {
    Error e;
    e.code = Errc::http;
    e.http_status = status;
    e.message = std::move(text);
    return e;
}

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::optional<HttpRequest> parse_head(std::string_view head) {
    HttpRequest request;
    const auto line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    const auto first = line.find(' '), last = line.rfind(' ');
    if (first == std::string_view::npos || last == first || line.substr(last + 1, 7) != "HTTP/1.") return std::nullopt;
    request.method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
    for (std::size_t at = line_end + 2; at < head.size();) {
        const auto end = head.find("\r\n", at);
        const std::string_view field = head.substr(at, end - at);
        const auto colon = field.find(':');
        if (colon == std::string_view::npos || colon == 0) return std::nullopt;
        request.headers.emplace_back(field.substr(0, colon), trim(field.substr(colon + 1)));
        at = end + 2;
    }
    const std::string_view connection = request.header("connection");
    request.keep_alive = line.back() == '1' ? !same(connection, "close") : same(connection, "keep-alive");
    return request;
}

} // namespace

Connection::Connection(int fd, ssl_ctx_st* tls, std::chrono::milliseconds timeout) : fd_(fd) {
    timeval limit{};
    limit.tv_sec = timeout.count() / 1000;
    limit.tv_usec = timeout.count() % 1000 * 1000;
    const int on = 1;
    // A socket option that cannot be set costs speed or patience, not correctness.
    (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (tls == nullptr) return;
    tls_ = SSL_new(tls);
    broken_ = tls_ == nullptr || SSL_set_fd(tls_, fd_) != 1;
}

Connection::~Connection() {
    if (tls_ != nullptr) {
        if (!broken_) (void)SSL_shutdown(tls_); // one-sided: says goodbye, does not wait for the answer
        SSL_free(tls_);
    }
    if (fd_ >= 0) ::close(fd_);
}

bool Connection::open() {
    if (broken_) return false;
    if (tls_ != nullptr && SSL_accept(tls_) != 1) {
        ERR_clear_error();
        broken_ = true;
    }
    return !broken_;
}

std::optional<std::size_t> Connection::read(char* into, std::size_t size) {
    if (!usable()) return std::nullopt;
    if (tls_ != nullptr) {
        std::size_t got = 0;
        if (SSL_read_ex(tls_, into, size, &got) == 1) return got;
        ERR_clear_error();
        broken_ = true;
        return std::nullopt;
    }
    ssize_t got = 0;
    do {
        got = ::recv(fd_, into, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return std::nullopt;
    return static_cast<std::size_t>(got);
}

bool Connection::write(std::string_view bytes) {
    if (!usable()) return false;
    if (cut_ == Cut::none) return write_all(bytes);
    const auto part = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    left_ -= part.size();
    if (!write_all(part)) return false;
    if (left_ > 0 || part.size() == bytes.size()) return true;
    sever();
    return false;
}

bool Connection::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t sent = 0;
        if (tls_ != nullptr) {
            if (SSL_write_ex(tls_, bytes.data(), bytes.size(), &sent) != 1) {
                ERR_clear_error();
                broken_ = true;
                return false;
            }
        } else {
            const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                broken_ = true;
                return false;
            }
            sent = static_cast<std::size_t>(n);
        }
        bytes.remove_prefix(sent);
    }
    return true;
}

void Connection::cut_after(std::uint64_t bytes, Cut cut) {
    left_ = bytes;
    cut_ = cut;
}

void Connection::sever() {
    broken_ = true; // so that TLS does not say goodbye either
    if (cut_ == Cut::reset) {
        const linger now{1, 0};
        (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    } else {
        (void)::shutdown(fd_, SHUT_WR);
    }
}

void Connection::shut_down() const {
    (void)::shutdown(fd_, SHUT_RDWR);
}

std::string_view HttpRequest::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (same(key, name)) return value;
    }
    return {};
}

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        if (decoded(pair.substr(0, equals)) == name) return decoded(pair.substr(std::min(equals + 1, pair.size())));
    }
    return std::nullopt;
}

bool RequestReader::fill() {
    char piece[16384];
    const auto got = connection_.read(piece, sizeof piece);
    if (!got) return false;
    buffer_.append(piece, *got);
    return true;
}

Result<std::optional<HttpRequest>> RequestReader::next() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (buffer_.size() > max_head) return bad_request(431, "the request's header is longer than 64 KiB");
        if (!fill()) return std::optional<HttpRequest>{};
    }
    auto request = parse_head(std::string_view{buffer_}.substr(0, end + 2));
    buffer_.erase(0, end + 4);
    if (!request) return bad_request(400, "the request's header is not proper HTTP/1.1");
    if (!request->header("transfer-encoding").empty()) return bad_request(411, "the sample server needs a Content-Length");
    const std::string_view length = request->header("content-length");
    std::size_t size = 0;
    const auto read = std::from_chars(length.data(), length.data() + length.size(), size);
    if (!length.empty() && (read.ec != std::errc{} || read.ptr != length.data() + length.size()))
        return bad_request(400, "the request's Content-Length is not a number");
    constexpr std::string_view write = "/api/v2/write";
    const bool writes = request->path.size() >= write.size() && request->path.compare(request->path.size() - write.size(), write.size(), write) == 0;
    if (size > (writes ? max_written : max_body))
        return bad_request(413, writes ? "unable to read data: points batch is too large" : "the request's body is longer than 1 MiB");
    if (size > buffer_.size() && same(request->header("expect"), "100-continue") && !connection_.write("HTTP/1.1 100 Continue\r\n\r\n"))
        return std::optional<HttpRequest>{};
    while (buffer_.size() < size) {
        if (!fill()) return std::optional<HttpRequest>{};
    }
    request->body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return request;
}

} // namespace fluxgate::sample
