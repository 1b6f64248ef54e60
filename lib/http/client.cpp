#include "http/client.hpp"

#include "http/body_path.hpp"
#include "http/exchange_text.hpp"
#include "http/patience.hpp"
#include "http/read_buffer.hpp"
#include "http/response.hpp"
#include "http/transport.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fluxgate::http {
namespace {

using std::chrono::nanoseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBuffer = 128u << 10;
constexpr int kMaxTurns = 64;   // steps of a run without anything for the caller, after which the timeout counts
constexpr int kMaxInterim = 16; // answers of class 1xx before the real one

// A close that is found behind a pause this long, before all that came meanwhile was read, was the reader's slowness and not the server's failure.
constexpr nanoseconds kBackPressure = std::chrono::seconds{1};

enum class Phase { rest, connecting, sending, head, body };

} // namespace

// The exchange as a sequence of phases. advance() does what can be done without waiting; run() waits between.
struct Client::Impl {
    // What advance() found: something for the caller, more to do at once, or nothing to do but wait.
    enum class Step { event, again, wait };

    Impl(Endpoint to, TlsOptions tls, Deadlines d, Limits l, const Clock& c, Route route, std::shared_ptr<Loop> loop)
        : endpoint(std::move(to)), deadlines(d), limits(l), route_problem(route.problem), patience(c),
          transport(endpoint, std::move(tls), c, std::move(route), std::move(loop)) {}

    // --- time -------------------------------------------------------------------------------------------------------

    Event leave(Event e) {
        patience.leave();
        return e;
    }

    void enter_phase(Phase next, nanoseconds already = nanoseconds::zero()) {
        phase = next;
        patience.restart(already);
    }

    [[nodiscard]] nanoseconds limit() const {
        switch (phase) {
        case Phase::connecting: return deadlines.connect;
        case Phase::sending: return deadlines.first_byte;
        case Phase::head: return head_bytes > 0 ? deadlines.idle : deadlines.first_byte;
        case Phase::body: return deadlines.idle;
        case Phase::rest: break;
        }
        return nanoseconds::zero();
    }

    // How long may be waited until a deadline is to be judged; nothing when it has passed.
    std::optional<nanoseconds> time_left() {
        if (limit() <= nanoseconds::zero()) return nanoseconds::max(); // 0: no deadline
        nanoseconds until = limit();
        if (phase == Phase::connecting && transport.state() == Transport::State::connecting) {
            until = patience.share_of_address(limit(), transport.addresses_left());
            if (patience.spent() >= until && transport.next_address()) until = patience.share_of_address(limit(), transport.addresses_left());
        }
        if (patience.spent() >= until) return std::nullopt;
        return until - patience.spent();
    }

    // --- the drive --------------------------------------------------------------------------------------------------

    Event run(nanoseconds timeout) {
        patience.enter(phase == Phase::body);
        path.begin_turn();
        std::optional<SteadyClock::time_point> until;
        for (int turn = 0;; ++turn) {
            if (transport.take_woken()) return leave(Event::nothing);
            const Step step = phase == Phase::rest ? Step::wait : advance();
            if (step == Step::event) return leave(event);
            if (!until) until = SteadyClock::now() + std::min<nanoseconds>(timeout, std::chrono::hours{24});
            nanoseconds left = *until - SteadyClock::now();
            if (step == Step::again && (turn < kMaxTurns || left > nanoseconds::zero())) continue;
            if (step == Step::wait && phase != Phase::rest) {
                patience.tick();
                const std::optional<nanoseconds> deadline = time_left();
                if (!deadline) return leave(fail(deadline_error()));
                left = std::min(left, *deadline);
            }
            if (*until <= SteadyClock::now()) return leave(Event::nothing);
            transport.wait(left);
            patience.tick();
        }
    }

    Step advance() {
        switch (phase) {
        case Phase::connecting: return advance_connecting();
        case Phase::sending: return advance_sending();
        case Phase::head: return advance_head();
        case Phase::body: return advance_body();
        case Phase::rest: break;
        }
        return Step::wait;
    }

    Step report(Event e) {
        event = e;
        return Step::event;
    }

    // --- phases -----------------------------------------------------------------------------------------------------

    void start(Request r, BodySink& to) {
        request = std::move(r);
        sink = &to;
        head = Head{};
        complete = false;
        reason.clear();
        error = Error{};
        path.reset(to, limits);
        refused = refusal();
        head_text = refused ? std::string{} : request_head(endpoint, request);
        patience.begin();
        reused = kept && !transport.stale();
        kept = false;
        if (reused) return begin_sending();
        connect();
    }

    std::optional<Error> refusal() const {
        if (!route_problem.empty()) return Error{Errc::configuration, route_problem};
        std::string problem = request_problem(request);
        return problem.empty() ? std::nullopt : std::optional{Error{Errc::invalid_argument, std::move(problem)}};
    }

    void connect() {
        reused = false;
        enter_phase(Phase::connecting);
        refused ? transport.close() : transport.open();
    }

    Step advance_connecting() {
        if (refused) return report(fail(*refused));
        transport.wait(nanoseconds::zero());
        if (transport.state() == Transport::State::failed) return report(fail(transport.error()));
        if (transport.state() != Transport::State::open) return Step::wait;
        begin_sending();
        return Step::again;
    }

    void begin_sending() {
        enter_phase(Phase::sending);
        buffer.clear();
        head_bytes = 0;
        interim = 0;
        parser.reset(limits, request.method == "HEAD", path);
        if (!refused) transport.send(head_text, request.body);
    }

    Step advance_sending() {
        if (refused) return report(fail(*refused));
        transport.wait(nanoseconds::zero());
        if (!transport.sent() && !answers_early()) return Step::wait;
        // A server may answer without having read all, and close: what it said is worth more than our failure to send.
        enter_phase(Phase::head, patience.spent());
        return Step::again;
    }

    // Whether the server said something before it had taken the whole request.
    bool answers_early() {
        if (!transport.reads_while_sending()) return false;
        const std::size_t got = transport.read(buffer.room(), buffer.room_size()).size; // a close or a fault shows in the sending, too
        if (got > 0) head_received(got);
        return got > 0;
    }

    void head_received(std::size_t size) {
        head_bytes += size;
        buffer.received(size);
        patience.progress();
    }

    Step advance_head() {
        if (!buffer.empty()) {
            if (const std::optional<Step> step = parse_head()) return *step;
        }
        if (!buffer.make_room(limits.max_header_bytes + kBuffer)) return report(fail(http_error("its header does not end")));
        const Transport::Read got = transport.read(buffer.room(), buffer.room_size());
        if (got.would_block) return Step::wait;
        if (got.size > 0) {
            head_received(got.size);
            return Step::again;
        }
        if (reused && head_bytes == 0 && interim == 0) { // the server had closed it while it rested: no fault of anybody
            connect();
            return Step::again;
        }
        return report(
            fail(no_answer_error(endpoint, got.ended ? std::string{} : got.problem, transport.send_problem(), head_bytes, got.tls_refused)));
    }

    // Nothing: more bytes are needed.
    std::optional<Step> parse_head() {
        std::size_t used = 0;
        const ResponseParser::Status status = parser.put(buffer.view(), used);
        buffer.consume(used);
        if (status == ResponseParser::Status::need_more) return std::nullopt;
        if (status != ResponseParser::Status::header) return report(fail(http_error(parser.problem())));
        if (parser.status() / 100 == 1) return skip_interim();
        head = parser.head();
        enter_phase(Phase::body);
        if (!path.begin(head))
            return report(fail(http_error("its Content-Encoding is '" + std::string(head.header("Content-Encoding").substr(0, 64)) +
                                          "'; only gzip and identity are supported. Set `compression` to \"none\"")));
        return report(Event::head);
    }

    Step skip_interim() {
        if (parser.status() == 101 || ++interim > kMaxInterim)
            return report(fail(http_error("it sent status " + std::to_string(parser.status()) + " instead of an answer")));
        parser.reset(limits, request.method == "HEAD", path);
        head_bytes = buffer.size();
        return Step::again;
    }

    Step advance_body() {
        if (path.bomb()) return report(fail(ratio_error(endpoint, limits, path.wire_bytes(), path.body_bytes())));
        if (path.handed_on()) return report(Event::body); // what the decoder still held
        if (const std::optional<Step> step = parse_body()) return *step;
        if (!buffer.make_room(buffer.capacity())) return report(fail(endless_chunk_error(endpoint, buffer.capacity())));
        const Transport::Read got = transport.read(buffer.room(), buffer.room_size());
        if (got.would_block) {
            patience.attended();
            return Step::wait;
        }
        if (got.size > 0) {
            buffer.received(got.size);
            patience.progress();
            return Step::again;
        }
        if (got.ended && parser.put_eof() == ResponseParser::Status::done) return finish();
        return report(fail(cut_error(endpoint, cut_facts(got))));
    }

    // Nothing: more bytes are needed.
    std::optional<Step> parse_body() {
        std::size_t used = 0;
        const ResponseParser::Status status = parser.put(buffer.view(), used);
        buffer.consume(used);
        if (path.handed_on()) return report(Event::body);
        if (path.damaged()) return report(fail(http_error(path.coding_problem())));
        if (path.full() || path.mismatch() || path.trailing_bound()) return finish(); // nothing more is wanted
        switch (status) {
        case ResponseParser::Status::done:
            if (!path.pending()) return finish();
            break;
        case ResponseParser::Status::bad: return report(fail(http_error(parser.problem())));
        case ResponseParser::Status::stopped: break;
        case ResponseParser::Status::header:
        case ResponseParser::Status::need_more: return std::nullopt;
        }
        path.begin_turn(); // an error's text, of which nothing is handed on, goes on at once
        return Step::again;
    }

    Step finish() {
        reason = parser.ends_by_close() ? closed_framing_reason(patience.unattended() >= kBackPressure) : path.coding_problem();
        complete = reason.empty();
        kept = complete && parser.keep_alive() && buffer.empty() && transport.sent();
        if (!kept) transport.close();
        phase = Phase::rest;
        return report(Event::finished);
    }

    // --- pieces -----------------------------------------------------------------------------------------------------

    Event fail(Error e) {
        error = std::move(e);
        transport.close();
        phase = Phase::rest;
        kept = false;
        return Event::failed;
    }

    Error http_error(const std::string& what) const { return bad_answer_error(endpoint, what); }

    Error deadline_error() const {
        const bool head_begun = phase == Phase::head && head_bytes > 0;
        const Waiting what = phase == Phase::connecting ? Waiting::connection
                             : phase == Phase::sending  ? Waiting::request_taken
                             : phase == Phase::body     ? Waiting::body
                             : head_begun               ? Waiting::rest_of_head
                                                        : Waiting::answer;
        Error e = late_error(endpoint, what, limit(), transport.doing(), path.wire_bytes());
        e.http_status = head.status;
        return e;
    }

    CutFacts cut_facts(const Transport::Read& got) const {
        CutFacts facts;
        facts.status = head.status;
        facts.wire_bytes = path.wire_bytes();
        facts.announced = parser.content_length();
        facts.problem = got.problem;
        facts.unattended = patience.unattended() >= kBackPressure ? patience.unattended() : nanoseconds::zero();
        return facts;
    }

    const Endpoint endpoint;
    const Deadlines deadlines;
    const Limits limits;
    const std::string route_problem;
    Patience patience;
    Transport transport;
    ResponseParser parser;
    BodyPath path;

    ReadBuffer buffer{kBuffer};
    std::size_t head_bytes = 0; // received since the request was sent, until the header was complete

    Phase phase = Phase::rest;
    Event event = Event::nothing;
    Request request;
    std::string head_text;
    std::optional<Error> refused; // why the request cannot be sent at all
    BodySink* sink = nullptr;
    Head head;
    bool complete = false;
    std::string reason;
    Error error;
    bool kept = false;   // the connection rests and may serve again
    bool reused = false; // this exchange runs on a connection that rested
    int interim = 0;
    ConnectionReport connection; // what connection() last answered
};

Client::Client(Endpoint endpoint, TlsOptions tls, Deadlines deadlines, Limits limits, const Clock& clock, Route route, std::shared_ptr<Loop> loop)
    : impl_(std::make_unique<Impl>(std::move(endpoint), std::move(tls), deadlines, limits, clock, std::move(route), std::move(loop))) {}
Client::~Client() = default;

void Client::start(Request request, BodySink& sink) {
    if (active()) abort();
    impl_->start(std::move(request), sink);
}

Event Client::run(nanoseconds timeout) {
    return impl_->run(timeout);
}

void Client::waited() {
    if (active()) impl_->patience.waited();
}

void Client::abort() {
    impl_->transport.close();
    impl_->phase = Phase::rest;
    impl_->kept = false;
}

void Client::wake() {
    impl_->transport.wake();
}
bool Client::active() const {
    return impl_->phase != Phase::rest;
}
const Head& Client::head() const {
    return impl_->head;
}
const std::string& Client::error_body() const {
    return impl_->path.error_body();
}
bool Client::complete() const {
    return impl_->complete;
}
const std::string& Client::incomplete_reason() const {
    return impl_->reason;
}
const Error& Client::error() const {
    return impl_->error;
}
std::uint64_t Client::body_bytes() const {
    return impl_->path.body_bytes();
}
std::uint64_t Client::wire_bytes() const {
    return impl_->path.wire_bytes();
}
const ConnectionReport& Client::connection() const {
    impl_->connection = impl_->transport.report();
    impl_->connection.reused = impl_->reused;
    return impl_->connection;
}

} // namespace fluxgate::http
