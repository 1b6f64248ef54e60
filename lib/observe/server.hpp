// A small HTTP server: one thread, one request a connection, everything bounded.
#pragma once

#include "observe/answer.hpp"
#include "observe/listen.hpp"

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace fluxgate::observe {

struct ServerLimits {
    std::size_t head_bytes = 16u << 10;      // of a request; more is answered with 431
    std::size_t connections = 32;            // at once; more wait in the system's queue
    std::chrono::milliseconds request{5000}; // until the head is there
    std::chrono::milliseconds answer{10000}; // until the answer is taken
};

class Server {
public:
    using Handler = std::function<Answer(const Request&)>;

    // Listens when this returns. `handler` is called on the server's thread. Errc::configuration: the address is not to be had.
    static Result<std::unique_ptr<Server>> start(const Listen& where, Handler handler, ServerLimits limits = {});
    ~Server(); // open connections are closed; returns when the handler is not being called any more
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] const Listen& where() const noexcept; // with the port that was chosen

private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate::observe
