// One exchange after the other and what becomes of its rows: request -> body -> (spool) -> rows -> blocks. Says how each one ended;
// what is done about that is the source's business.
#pragma once

#include "http/client.hpp"
#include "meter.hpp"
#include "name_list.hpp"
#include "rows.hpp"
#include "settings.hpp"
#include "verification.hpp"
#include "window/split.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace fluxgate::influxdb {

// What a window's response is read with.
struct WindowRead {
    window::Edges edges; // that messages name
    window::Edges range; // that the query asks for
    window::Fingerprints* memory = nullptr;
    window::Ask ask = {}; // which of the window's rows
};

class Lane {
public:
    // `share`: lanes that work side by side. `loop` is theirs, too.
    Lane(const Settings& settings, stage::Host host, std::shared_ptr<partition::Partitioner> partitioner, std::shared_ptr<http::Loop> loop = {},
         std::uint32_t share = 1);

    // Begins an exchange, of a window or (null) plainly. Precondition: !active().
    void begin(http::Request request, const WindowRead* window);
    // Instead of begin(), when no request could be made: nothing was read.
    void begin_nothing(const WindowRead* window);

    enum class Step {
        nothing, // within the timeout
        progressed,
        succeeded, // the response is complete, and all its rows are in blocks
        failed,    // see error()
        fatal      // see error(): the source cannot go on
    };
    // Runs the exchange until something happened, or renders a piece of a verified answer.
    Step run(std::chrono::nanoseconds timeout);

    [[nodiscard]] bool active() const { return client_.active() || replaying_; }
    [[nodiscard]] const Error& error() const noexcept { return error_; }
    [[nodiscard]] std::int64_t began_ns() const noexcept { return began_ns_; }
    [[nodiscard]] std::int64_t ended_ns() const noexcept { return ended_ns_; } // when the last byte came
    [[nodiscard]] bool sent() const noexcept { return sent_; }                 // there was a request
    // Tells the host what of the exchange it does not know yet. run() does so, too, a few times a second.
    void tell();
    // The failure is the answer's size or the time that it takes: of a part of it there would be less.
    [[nodiscard]] bool too_much() const;
    // The failure is that the server's clock has not come to the window's end (and delay behind it): there may be rows yet.
    [[nodiscard]] bool too_early() const noexcept { return too_early_; }
    // By how much the server's clock was behind ours, by its last answer: 0 when it was not, or did not say.
    [[nodiscard]] std::int64_t server_behind_ns() const noexcept { return server_behind_ns_; }

    // The failure is that the window has more distinct rows than can be told apart.
    [[nodiscard]] bool too_many_rows() const noexcept { return rows_.too_large(); }

    [[nodiscard]] http::Client& client() noexcept { return client_; }
    [[nodiscard]] Rows& rows() noexcept { return rows_; }
    [[nodiscard]] NameList& names() noexcept { return names_; } // of a window whose measurements were asked for

private:
    // Of the response that is being read.
    [[nodiscard]] bool verified() const noexcept { return !naming_ && settings_.delivery == Delivery::verified; }
    [[nodiscard]] http::BodySink& sink() noexcept;
    [[nodiscard]] const flux::Failure* failure() const noexcept;
    [[nodiscard]] std::string missing() const;
    void open_rows(const WindowRead* window);
    Step drive(std::chrono::nanoseconds timeout);
    std::optional<Step> check_body();
    std::optional<Step> check_clock();
    Step on_finished();
    Step replay();
    Step fail(Error error);
    [[nodiscard]] Error unusable(const flux::Failure& failure) const;
    [[nodiscard]] Error too_large() const;

    const Settings& settings_;
    const stage::Host host_;
    Rows rows_;
    Verification verification_;
    NameList names_;
    http::Client client_;
    Meter meter_;
    std::int64_t began_ns_ = 0, began_wall_ns_ = 0, ended_ns_ = 0;
    bool sent_ = false, too_early_ = false;
    bool naming_ = false;                 // the response is a list of names
    std::optional<window::Instant> stop_; // of the window
    std::int64_t server_behind_ns_ = 0;
    bool replaying_ = false; // a verified answer is being rendered from its spool
    Error error_;
};

} // namespace fluxgate::influxdb
