// A byte stream to one client, plain or TLS, with blocking calls; and one HTTP request read from it.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace fluxgate::sample {

// Owns the socket. One thread, but for shut_down.
class Connection {
public:
    // How a body ends too early on purpose.
    enum class Cut { none, fin, reset };

    // Takes the descriptor. Reads and writes fail after `timeout` without progress.
    Connection(int fd, ssl_ctx_st* tls, std::chrono::milliseconds timeout);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // The TLS handshake, if any. False when the client is no good.
    bool open();
    // At least one byte, or nothing at the end or after an error.
    std::optional<std::size_t> read(char* into, std::size_t size);
    // False once the client is gone or the connection was cut.
    bool write(std::string_view bytes);
    // From now on, `bytes` more bytes are written, then the connection ends as `cut` says.
    void cut_after(std::uint64_t bytes, Cut cut);
    // Any thread, while the object lives: running and later calls fail soon.
    void shut_down() const;
    [[nodiscard]] bool usable() const { return fd_ >= 0 && !broken_; }

private:
    bool write_all(std::string_view bytes);
    void sever();

    int fd_;
    ssl_st* tls_ = nullptr;
    bool broken_ = false;
    Cut cut_ = Cut::none;
    std::uint64_t left_ = 0;
};

struct HttpRequest {
    std::string method, path, query; // path and query still percent-encoded
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool keep_alive = true;
    [[nodiscard]] std::string_view header(std::string_view name) const; // case-insensitive, empty when absent
};

// Percent-decoded value of a parameter of a query string ("+" is a blank); nothing when it is not there.
std::optional<std::string> parameter(std::string_view query, std::string_view name);

// Reads requests off one connection; keeps what was read too far.
class RequestReader {
public:
    static constexpr std::size_t max_head = 64u << 10;
    static constexpr std::size_t max_body = 1u << 20;
    static constexpr std::size_t max_written = 16u << 20; // of POST .../api/v2/write

    explicit RequestReader(Connection& connection) : connection_(connection) {}
    // The next request; nothing at the end of the connection. An Error has the HTTP status to answer before closing.
    Result<std::optional<HttpRequest>> next();

private:
    bool fill();
    Connection& connection_;
    std::string buffer_;
};

} // namespace fluxgate::sample
