// One small query at a time, asked and read to its end or as far as it is wanted.
#pragma once

#include "flux/reader.hpp"
#include "fluxgate/stage.hpp"
#include "http/client.hpp"
#include "settings.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fluxgate::influxdb {

// The text of a column of the row, its default where the row has none; "" when there is no such column.
[[nodiscard]] std::string text_of(const flux::Table& table, const flux::Row& row, std::string_view column);

// Not thread-safe. The connection is kept between queries.
class Asking {
public:
    // Takes a row; false: no more are wanted.
    using OnRow = std::function<bool(const flux::Table&, const flux::Row&)>;

    Asking(const Settings& settings, stage::Host host, std::int64_t deadline_ns);

    // Blocks until the answer was read, `on_row` wanted no more, or the deadline (Errc::timeout, see out_of_time). Other errors:
    // the secret's, the connection's, the server's refusal, an answer that cannot be used or is not complete.
    Result<void> ask(const std::string& query, const OnRow& on_row);

    // The last error was that the time given is over, no fault of the server.
    [[nodiscard]] bool out_of_time() const noexcept { return out_of_time_; }
    // The error with its likely cause and the next step as further lines of its message.
    [[nodiscard]] Error explained(const Error& error) const;

private:
    struct Sink;
    Result<void> read(Sink& sink);

    Settings settings_;
    const stage::Host host_;
    const std::int64_t deadline_ns_;
    http::Client client_;
    bool out_of_time_ = false, influx_ = false;
};

} // namespace fluxgate::influxdb
