#include "lane.hpp"

#include "connection.hpp"
#include "poll/machine.hpp"
#include "request.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace fluxgate::influxdb {

Lane::Lane(const Settings& settings, stage::Host host, std::shared_ptr<partition::Partitioner> partitioner, std::shared_ptr<http::Loop> loop,
           std::uint32_t share)
    : settings_(settings), host_(host), rows_(settings, std::move(partitioner), host, share), verification_(settings, host, share),
      names_(reader_limits(settings), window::Split::most_names), client_(make_client(settings, host, std::move(loop))), meter_(host) {}

void Lane::open_rows(const WindowRead* window) {
    began_ns_ = host_.monotonic_ns();
    began_wall_ns_ = host_.wall_ns();
    too_early_ = false;
    stop_ = window != nullptr ? std::optional{window->range.stop} : std::nullopt;
    naming_ = window != nullptr && window->ask.kind == window::Ask::Kind::names;
    if (window == nullptr || naming_ || window->ask.counts_on) {
        rows_.begin(); // of a window's further part: as the one before it, identical rows are counted on
    } else {
        rows_.begin_window(window->edges, window->memory);
    }
    verification_.begin();
    names_.begin();
    meter_.begin();
}

http::BodySink& Lane::sink() noexcept {
    if (naming_) return names_;
    if (verified()) return verification_;
    return rows_;
}

const flux::Failure* Lane::failure() const noexcept {
    return naming_ ? names_.failure() : verified() ? verification_.failure() : rows_.failure();
}

// Whether the CSV is complete: "" or what is missing. After the last byte.
std::string Lane::missing() const {
    return naming_ ? names_.finish() : verified() ? verification_.finish() : rows_.finish();
}

void Lane::begin(http::Request request, const WindowRead* window) {
    open_rows(window);
    sent_ = true;
    client_.start(std::move(request), sink());
}

void Lane::begin_nothing(const WindowRead* window) {
    open_rows(window);
    sent_ = false;
}

Lane::Step Lane::run(std::chrono::nanoseconds timeout) {
    const Step step = client_.active() ? drive(timeout) : replay();
    if (meter_.due(host_.monotonic_ns())) tell();
    return step;
}

void Lane::tell() {
    const RowCounts& c = rows_.counts();
    const Router& router = rows_.router();
    meter_.tell({c.rows, c.suppressed, sent_ ? client_.body_bytes() : 0, sent_ ? client_.wire_bytes() : 0, router.evaluations(), router.hits()});
}

Lane::Step Lane::drive(std::chrono::nanoseconds timeout) {
    switch (client_.run(timeout)) {
    case http::Event::nothing: return Step::nothing;
    case http::Event::head:
        if (const std::optional<Step> early = check_clock()) {
            client_.abort();
            return *early;
        }
        break;
    case http::Event::body: rows_.batcher().flush_due(host_.monotonic_ns()); break;
    case http::Event::finished: return on_finished();
    case http::Event::failed: return fail(client_.error());
    }
    const std::optional<Step> bad = check_body();
    if (!bad) return Step::progressed;
    client_.abort(); // nothing behind this point can be trusted, so the rest is not read
    return *bad;
}

// A clock of ours that is ahead must not let the cursor pass what is still to be written: the earlier of both clocks counts.
std::optional<Lane::Step> Lane::check_clock() {
    if (!stop_) return std::nullopt;
    const std::optional<std::int64_t> date = poll::parse_http_date(client_.head().header("Date"), host_.wall_ns() / 1'000'000'000);
    if (!date) return std::nullopt;
    const window::Instant server = (*date + 1) * 1'000'000'000;             // the header is cut to seconds
    server_behind_ns_ = std::max<std::int64_t>(0, began_wall_ns_ - server); // it said so after we asked
    too_early_ = *stop_ > window::plus(server, -settings_.incremental->delay.count());
    if (!too_early_) return std::nullopt;
    return fail(Error{Errc::incomplete, "the server's clock has not come to the window's end"});
}

// Set: what was received so far says that the answer cannot be used.
std::optional<Lane::Step> Lane::check_body() {
    if (rows_.fatal()) {
        rows_.batcher().flush();
        error_ = *rows_.fatal();
        return Step::fatal;
    }
    if (rows_.too_large()) return fail(too_large());
    if (verification_.spool_error()) return fail(*verification_.spool_error());
    const flux::Failure* const found = failure();
    if (found == nullptr) return std::nullopt;
    return fail(unusable(*found));
}

Error Lane::unusable(const flux::Failure& failure) const {
    Error error{failure.code, "the answer of " + address(settings_.url) + " cannot be used: " + failure.message};
    error.server_text = failure.server_text;
    return error;
}

Error Lane::too_large() const {
    return Error{Errc::limit, "the window has more than " + std::to_string(settings_.bounds.window_rows) +
                                  " distinct rows, and it cannot be cut smaller; let the query give fewer rows for it"};
}

Lane::Step Lane::on_finished() {
    const http::Head& head = client_.head();
    if (head.status < 200 || head.status > 299) return fail(status_error(settings_, head, client_.error_body()));
    if (const std::optional<Step> bad = check_body()) return *bad;
    const std::string lacks = client_.complete() ? missing() : client_.incomplete_reason();
    if (!lacks.empty()) return fail(Error{Errc::incomplete, "the answer of " + address(settings_.url) + " is not complete: " + lacks});
    ended_ns_ = host_.monotonic_ns();
    replaying_ = verified();
    return replaying_ ? Step::progressed : Step::succeeded;
}

// Renders the next rows of a verified answer. The next query waits for the last one.
Lane::Step Lane::replay() {
    Result<bool> more = verification_.spool().next();
    if (more.ok() && *more) {
        rows_.take(verification_.spool().journal());
        if (rows_.fatal()) {
            rows_.batcher().flush();
            error_ = *rows_.fatal();
            return Step::fatal;
        }
        if (!rows_.too_large()) return Step::progressed;
        more = too_large();
    }
    replaying_ = false;
    verification_.spool().clear();
    if (more.ok()) return Step::succeeded;
    return fail(std::move(more).error());
}

Lane::Step Lane::fail(Error error) {
    ended_ns_ = host_.monotonic_ns();
    error_ = std::move(error);
    return Step::failed;
}

bool Lane::too_much() const {
    if (rows_.too_large() || verification_.spool_error()) return error_.code == Errc::limit;
    if (error_.code == Errc::timeout) {
        const http::ConnectionReport& c = client_.connection();
        return sent_ && c.connect.done && (!settings_.url.https || c.tls.done);
    }
    if (error_.code != Errc::http_status && error_.code != Errc::query) return false;
    if (error_.http_status == 408 || error_.http_status == 504) return true;
    // What a server says that gave the query up for its time or its memory.
    std::string text = error_.server_text;
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    static constexpr std::array<std::string_view, 4> words{"deadline exceeded", "memory allocation limit", "query timeout", "query timed out"};
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

} // namespace fluxgate::influxdb
