#include "http/client.hpp"

#include "http/body_path.hpp"
#include "http/exchange_text.hpp"
#include "http/response.hpp"
#include "http/transport.hpp"

#include <algorithm>
#include <cstring>
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

    Impl(Endpoint to, TlsOptions tls, Deadlines d, Limits l, Clock c)
        : endpoint(std::move(to)), deadlines(d), limits(l), clock(std::move(c)), transport(endpoint, std::move(tls), clock), buffer(kBuffer) {}

    // --- time -------------------------------------------------------------------------------------------------------

    void enter() {
        mark = clock();
        if (phase == Phase::body) unattended = std::max(unattended, nanoseconds{mark - left_at});
    }

    Event leave(Event e) {
        tick();
        left_at = mark;
        return e;
    }

    void tick() {
        const std::int64_t now = clock();
        spent += nanoseconds{now - mark};
        mark = now;
    }

    void enter_phase(Phase next) {
        phase = next;
        spent = nanoseconds::zero();
        attempt_limit.reset();
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

    // The time an address gets: an equal share of what is left, so that a silent one does not use up the others' time.
    nanoseconds share_of_address() {
        const std::size_t behind = transport.addresses_left();
        if (!attempt_limit || attempt_behind != behind) {
            attempt_behind = behind;
            attempt_limit = spent + (deadlines.connect - spent) / static_cast<std::int64_t>(behind + 1);
        }
        return *attempt_limit;
    }

    // How long may be waited until a deadline is to be judged; nothing when it has passed.
    std::optional<nanoseconds> time_left() {
        if (limit() <= nanoseconds::zero()) return nanoseconds::max(); // 0: no deadline
        nanoseconds until = limit();
        if (phase == Phase::connecting && transport.state() == Transport::State::connecting) {
            until = share_of_address();
            if (spent >= until && transport.next_address()) until = share_of_address();
        }
        if (spent >= until) return std::nullopt;
        return until - spent;
    }

    // --- the drive --------------------------------------------------------------------------------------------------

    Event run(nanoseconds timeout) {
        enter();
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
                tick();
                const std::optional<nanoseconds> deadline = time_left();
                if (!deadline) return leave(fail(deadline_error()));
                left = std::min(left, *deadline);
            }
            if (*until <= SteadyClock::now()) return leave(Event::nothing);
            transport.wait(left);
            tick();
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
        path.reset(to, limits.max_error_body);
        refused = request_problem(request);
        head_text = refused.empty() ? request_head(endpoint, request) : std::string{};
        mark = left_at = clock();
        unattended = nanoseconds::zero();
        reused = kept && !transport.stale();
        kept = false;
        if (reused) return begin_sending();
        connect();
    }

    void connect() {
        reused = false;
        enter_phase(Phase::connecting);
        if (refused.empty()) {
            transport.open();
        } else {
            transport.close();
        }
    }

    Step advance_connecting() {
        if (!refused.empty()) return report(fail(Error{Errc::invalid_argument, refused}));
        transport.wait(nanoseconds::zero());
        if (transport.state() == Transport::State::failed) return report(fail(transport.error()));
        if (transport.state() != Transport::State::open) return Step::wait;
        begin_sending();
        return Step::again;
    }

    void begin_sending() {
        enter_phase(Phase::sending);
        begin = end = 0;
        head_bytes = 0;
        interim = 0;
        parser.reset(limits.max_header_bytes, request.method == "HEAD", path);
        if (refused.empty()) transport.send(head_text, request.body);
    }

    Step advance_sending() {
        if (!refused.empty()) return report(fail(Error{Errc::invalid_argument, refused}));
        transport.wait(nanoseconds::zero());
        if (!transport.sent()) return Step::wait;
        // A server may answer without having read all, and close: what it said is worth more than our failure to send.
        const nanoseconds so_far = spent;
        enter_phase(Phase::head);
        spent = so_far;
        return Step::again;
    }

    Step advance_head() {
        if (begin < end) {
            if (const std::optional<Step> step = parse_head()) return *step;
        }
        if (!make_room(limits.max_header_bytes + kBuffer)) return report(fail(http_error("its header does not end")));
        const Transport::Read got = transport.read(buffer.data() + end, buffer.size() - end);
        if (got.would_block) return Step::wait;
        if (got.size > 0) {
            head_bytes += got.size;
            received(got.size);
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
        const ResponseParser::Status status = parser.put({buffer.data() + begin, end - begin}, used);
        begin += used;
        // Beast's own limit is for a header that comes in one piece.
        const bool more = status == ResponseParser::Status::need_more;
        if (head_bytes - (more ? 0 : end - begin) > limits.max_header_bytes)
            return report(
                fail(http_error("its header is larger than the " + std::to_string(limits.max_header_bytes) + " bytes of limits.maxHeaderBytes")));
        if (more) return std::nullopt;
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
        parser.reset(limits.max_header_bytes, request.method == "HEAD", path);
        head_bytes = end - begin;
        return Step::again;
    }

    Step advance_body() {
        if (path.handed_on()) return report(Event::body); // what the decoder still held
        if (const std::optional<Step> step = parse_body()) return *step;
        if (!make_room(buffer.size())) return report(fail(http_error("a chunk of its body has no end of its size line")));
        const Transport::Read got = transport.read(buffer.data() + end, buffer.size() - end);
        if (got.would_block) {
            unattended = nanoseconds::zero(); // all that came while nobody looked is read, and no close was behind it
            return Step::wait;
        }
        if (got.size > 0) {
            received(got.size);
            return Step::again;
        }
        if (got.ended && parser.put_eof() == ResponseParser::Status::done) return finish();
        return report(fail(cut_error(endpoint, cut_facts(got))));
    }

    // Nothing: more bytes are needed.
    std::optional<Step> parse_body() {
        std::size_t used = 0;
        const ResponseParser::Status status = parser.put({buffer.data() + begin, end - begin}, used);
        begin += used;
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
        reason = parser.ends_by_close() ? closed_framing_reason(unattended >= kBackPressure) : path.coding_problem();
        complete = reason.empty();
        kept = complete && parser.keep_alive() && begin == end;
        if (!kept) transport.close();
        phase = Phase::rest;
        return report(Event::finished);
    }

    // --- pieces -----------------------------------------------------------------------------------------------------

    void received(std::size_t size) {
        end += size;
        spent = nanoseconds::zero();
    }

    // Moves what is unread to the front; grows the buffer up to `most`. False when no room can be made.
    bool make_room(std::size_t most) {
        if (begin > 0) {
            std::memmove(buffer.data(), buffer.data() + begin, end - begin);
            end -= begin;
            begin = 0;
        }
        if (end < buffer.size()) return true;
        if (buffer.size() >= most) return false;
        buffer.resize(std::min(most, buffer.size() * 2));
        return true;
    }

    Event fail(Error e) {
        error = std::move(e);
        transport.close();
        phase = Phase::rest;
        kept = false;
        return Event::failed;
    }

    Error http_error(const std::string& what) const { return bad_answer_error(endpoint, what); }

    Error deadline_error() const {
        const std::string where = place(endpoint);
        std::string text;
        switch (phase) {
        case Phase::connecting:
            text = "no connection to " + where + " within " + in_words(limit()) + " (timeouts.connect): " + transport.doing();
            break;
        case Phase::sending: text = where + " did not take the request within " + in_words(limit()) + " (timeouts.firstByte)"; break;
        case Phase::head:
            text = head_bytes > 0 ? where + " stopped in the middle of the answer's header for " + in_words(limit()) + " (timeouts.idle)"
                                  : where + " did not begin to answer within " + in_words(limit()) + " (timeouts.firstByte)";
            break;
        case Phase::body:
        case Phase::rest:
            text = where + " sent nothing for " + in_words(limit()) + " (timeouts.idle) in the middle of the answer, after " +
                   std::to_string(path.wire_bytes()) + " body bytes";
            break;
        }
        Error e{Errc::timeout, text};
        e.http_status = head.status;
        e.retryable = true;
        return e;
    }

    CutFacts cut_facts(const Transport::Read& got) const {
        CutFacts facts;
        facts.status = head.status;
        facts.wire_bytes = path.wire_bytes();
        facts.announced = parser.content_length();
        facts.problem = got.problem;
        facts.unattended = unattended >= kBackPressure ? unattended : nanoseconds::zero();
        return facts;
    }

    const Endpoint endpoint;
    const Deadlines deadlines;
    const Limits limits;
    const Clock clock;
    Transport transport;
    ResponseParser parser;
    BodyPath path;

    std::vector<char> buffer; // [begin, end) is read and not yet parsed
    std::size_t begin = 0, end = 0;
    std::size_t head_bytes = 0; // received since the request was sent, until the header was complete

    Phase phase = Phase::rest;
    Event event = Event::nothing;
    Request request;
    std::string head_text;
    std::string refused; // why the request cannot be sent at all
    BodySink* sink = nullptr;
    Head head;
    bool complete = false;
    std::string reason;
    Error error;
    bool kept = false;   // the connection rests and may serve again
    bool reused = false; // this exchange runs on a connection that rested
    int interim = 0;
    ConnectionReport connection; // what connection() last answered

    std::int64_t mark = 0;    // the clock when `spent` was last brought up to date
    std::int64_t left_at = 0; // the clock when run last returned
    nanoseconds spent{};      // inside run, towards the present deadline
    nanoseconds unattended{}; // the longest stay outside run since the socket was last seen empty
    std::optional<nanoseconds> attempt_limit;
    std::size_t attempt_behind = 0;
};

Client::Client(Endpoint endpoint, TlsOptions tls, Deadlines deadlines, Limits limits, Clock clock)
    : impl_(std::make_unique<Impl>(std::move(endpoint), std::move(tls), deadlines, limits, std::move(clock))) {}
Client::~Client() = default;

void Client::start(Request request, BodySink& sink) {
    if (active()) abort();
    impl_->start(std::move(request), sink);
}

Event Client::run(nanoseconds timeout) {
    return impl_->run(timeout);
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
