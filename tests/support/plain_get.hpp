// HTTP by hand: exactly these bytes to a port of 127.0.0.1, and all that comes back until the other side closes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace fluxgate::test {

// A connection of which the test says itself what it sends and when.
class PlainClient {
public:
    explicit PlainClient(std::uint16_t port); // throws std::runtime_error when nobody listens
    ~PlainClient();
    PlainClient(const PlainClient&) = delete;
    PlainClient& operator=(const PlainClient&) = delete;
    void send(const std::string& bytes) const;
    // Until the other side closes (true) or `most` has passed; what came is in `got`.
    bool read_all(std::chrono::milliseconds most);
    std::string got;

private:
    int fd_ = -1;
};

struct Got {
    int status = 0; // 0: no answer
    std::string head, body;
};

// GET with the headers of a program, or with `more` ("Name: value\r\n...") behind them.
Got get(std::uint16_t port, const std::string& target, const std::string& more = {});
Got say(std::uint16_t port, const std::string& request);

} // namespace fluxgate::test
