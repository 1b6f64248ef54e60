#include "source.hpp"

#include "check.hpp"
#include "config/duration.hpp"
#include "explore.hpp"
#include "flux_position.hpp"
#include "plan.hpp"
#include "prepared.hpp"
#include "request.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace fluxgate::influxdb {

namespace {

// How old a message may become in an open block while the socket has nothing more to give: long enough that chunks which come one
// after the other share a batch, short enough that nobody waits for a slow stream.
constexpr std::int64_t linger_ns = 1'000'000;
constexpr std::int64_t secret_check_ns = 1'000'000'000;
// How soon the state is tried again that could not be written, and acknowledgements are waited for between two looks.
constexpr std::int64_t state_retry_ns = 1'000'000'000, acknowledgement_ns = 20'000'000;

poll::Policy policy_of(const Settings& s, bool once) {
    poll::Policy policy;
    policy.interval = s.interval;
    switch (s.retry.type) {
    case RetryType::exponential: policy.retry = poll::RetryType::exponential; break;
    case RetryType::fixed: policy.retry = poll::RetryType::fixed; break;
    case RetryType::none: policy.retry = poll::RetryType::none; break;
    }
    policy.initial = s.retry.initial;
    policy.max = s.retry.max;
    policy.max_retries = s.retry.max_retries;
    policy.once = once;
    return policy;
}

std::function<double()> uniform_random() {
    return [engine = std::mt19937_64{std::random_device{}()}]() mutable { return std::uniform_real_distribution<double>{0.0, 1.0}(engine); };
}

// The expression's violation, if any, in the words of the configuration.
std::optional<stage::Violation> expression_violation(const Error& error) {
    return stage::Violation{"/partitionStrategy/expression", error.message, false};
}

std::string class_name(poll::TroubleClass kind) {
    switch (kind) {
    case poll::TroubleClass::retry_soon: return "soon";
    case poll::TroubleClass::needs_person: return "needs_person";
    case poll::TroubleClass::retry_at_interval: return "at_interval";
    case poll::TroubleClass::configuration: break; // ends the source, so it is never tried again
    }
    return "none";
}

// Whether two failures are the same trouble to a person, so that the second one need not be logged.
bool same_trouble(const Error& a, const Error& b) {
    return a.code == b.code && a.http_status == b.http_status && a.server_text == b.server_text &&
           (a.code == Errc::incomplete || a.message == b.message);
}

} // namespace

std::vector<stage::Violation> validate_document(std::string_view document) {
    ParsedSettings parsed = parse_settings(document);
    if (!parsed.settings) return std::move(parsed.violations);
    auto made = prepared_partitioner(*parsed.settings);
    if (made.ok()) {
        keep_prepared(*parsed.settings, std::move(made).value());
    } else {
        parsed.violations.push_back(*expression_violation(made.error()));
    }
    return std::move(parsed.violations);
}

Result<std::unique_ptr<InfluxSource>> InfluxSource::create(const stage::Config& config, stage::Host host) {
    ParsedSettings parsed = parse_settings(config.document);
    if (!parsed.settings)
        return Error{Errc::configuration, "the configuration of input/influxdbv2@v1 is not valid", {}, stage::violations_json(parsed.violations)};
    Settings settings = std::move(*parsed.settings);
    auto partitioner = prepared_partitioner(settings);
    if (!partitioner.ok()) {
        parsed.violations.push_back(*expression_violation(partitioner.error()));
        return Error{Errc::configuration, "the configuration of input/influxdbv2@v1 is not valid", {}, stage::violations_json(parsed.violations)};
    }
    return std::unique_ptr<InfluxSource>(new InfluxSource(std::move(settings), std::move(partitioner).value(), host, config));
}

InfluxSource::InfluxSource(Settings settings, std::shared_ptr<partition::Partitioner> partitioner, stage::Host host, const stage::Config& config)
    : settings_(std::move(settings)), host_(host), once_(config.once()), accept_changed_query_(config.accept_changed_query()),
      partitioner_(std::move(partitioner)), machine_(policy_of(settings_, once_), uniform_random()) {
    if (settings_.incremental) {
        windows_ = std::make_unique<WindowReader>(settings_, host_, partitioner_,
                                                  [this](Lane& lane, const WindowRead& window) { return begin_query(lane, &window); });
    } else {
        plain_ = std::make_unique<Lane>(settings_, host_, partitioner_);
    }
    if (settings_.tls.insecure_skip_verify) {
        host_.log(FG_LOG_WARNING, "tls.unverified", "tls.insecureSkipVerify is set: anybody on the way can read the token and change the data",
                  {{"server", address(settings_.url)}});
    }
}

Result<stage::Next> InfluxSource::next(std::int64_t timeout_ns, fg_batch& batch) {
    const std::int64_t deadline = host_.monotonic_ns() + timeout_ns;
    for (bool first = true;; first = false) {
        if (cancelled_.load(std::memory_order_acquire)) return Error{Errc::cancelled, "the source was cancelled"};
        const Result<bool> taken = take(batch);
        if (taken.ok() && *taken) return stage::Next::batch;
        if (!taken.ok() && once_) return taken.error();
        if (fatal_) return *fatal_;
        if (ended_) return stage::Next::ended;
        const std::int64_t now = host_.monotonic_ns();
        {
            const std::lock_guard lock{mutex_};
            if (std::exchange(woken_, false) || (now >= deadline && !first)) return stage::Next::nothing_yet;
        }
        if (!taken.ok()) {
            rest(std::min(deadline, now + state_retry_ns));
            continue;
        }
        if (windows_ ? windows_->in_tick() : plain_->active()) {
            work(deadline);
            continue;
        }
        const poll::Action action = machine_.next(now);
        switch (action.kind) {
        case poll::Action::Kind::query: begin_tick(); break;
        case poll::Action::Kind::end: ended_ = true; break;
        case poll::Action::Kind::fail: fatal_ = final_error(); break;
        case poll::Action::Kind::wait:
            if (waits_for_secret_) watch_secret(now);
            rest(std::min({deadline, action.until_ns, waits_for_secret_ ? now + secret_check_ns : action.until_ns}));
            break;
        }
    }
}

// False: no batch is ready. Errc::state: one is, but may not leave before the state can be written.
Result<bool> InfluxSource::take(fg_batch& batch) {
    std::optional<fg_batch> ready;
    if (windows_) {
        auto taken = windows_->take();
        if (!taken.ok()) return std::move(taken).error();
        ready = *taken;
    } else {
        ready = plain_->rows().batcher().take();
    }
    if (ready) batch = *ready;
    return ready.has_value();
}

Result<void> InfluxSource::begin_query(Lane& lane, const WindowRead* window) {
    Result<stage::Secret> token = host_.secret(settings_.secret_name);
    token_hash_.reset();
    if (!token.ok()) {
        lane.begin_nothing(window);
        return std::move(token).error();
    }
    token_hash_ = std::hash<std::string_view>{}(token->value());
    host_.log(FG_LOG_DEBUG, "query.started", "the query was sent", {{"server", address(settings_.url)}});
    window != nullptr ? lane.begin(query_request(settings_, token->value(), &window->range, window->ask.query), window)
                      : lane.begin(query_request(settings_, token->value()), nullptr);
    return {};
}

// A tick: one query, or all windows up to now.
void InfluxSource::begin_tick() {
    if (!windows_) {
        if (Result<void> begun = begin_query(*plain_, nullptr); !begun.ok()) query_failed(*plain_, std::move(begun).error());
        return;
    }
    if (!windows_->windows().opened()) {
        if (Result<void> opened = windows_->windows().open(accept_changed_query_); !opened.ok()) {
            fatal_ = std::move(opened).error();
            return;
        }
    }
    windows_->begin_tick();
}

void InfluxSource::work(std::int64_t deadline_ns) {
    windows_ ? read_windows(deadline_ns) : read_plainly(deadline_ns);
}

// Runs the exchange until something happened, at most until `deadline_ns` or until an open block is due.
void InfluxSource::read_plainly(std::int64_t deadline_ns) {
    const std::int64_t budget = std::max<std::int64_t>(0, deadline_ns - host_.monotonic_ns());
    Batcher& batcher = plain_->rows().batcher();
    // What is ready is taken at once; only when the socket has nothing to give do open blocks think of leaving.
    Lane::Step step = plain_->run(std::chrono::nanoseconds{0});
    if (step == Lane::Step::nothing && batcher.has_open()) {
        const std::int64_t left = batcher.oldest_ns() + linger_ns - host_.monotonic_ns();
        if (left > 0) step = plain_->run(std::chrono::nanoseconds{std::min(budget, left)});
        if (step == Lane::Step::nothing) batcher.flush();
    } else if (step == Lane::Step::nothing) {
        step = plain_->run(std::chrono::nanoseconds{budget});
    }
    switch (step) {
    case Lane::Step::nothing:
    case Lane::Step::progressed: break;
    case Lane::Step::succeeded:
        query_succeeded(*plain_);
        machine_.succeeded(plain_->ended_ns());
        break;
    case Lane::Step::failed: query_failed(*plain_, plain_->error()); break;
    case Lane::Step::fatal: fatal_ = plain_->error(); break;
    }
}

void InfluxSource::read_windows(std::int64_t deadline_ns) {
    using Kind = WindowReader::Event::Kind;
    WindowReader::Event event = windows_->work(deadline_ns);
    switch (event.kind) {
    case Kind::nothing: break;
    case Kind::read:
        query_succeeded(*event.lane);
        machine_.progressed();
        break;
    case Kind::over:
    case Kind::ended:
        ended_ = event.kind == Kind::ended;
        if (Result<void> kept = windows_->windows().settle(); !kept.ok() && once_) fatal_ = std::move(kept).error();
        machine_.succeeded(host_.monotonic_ns());
        break;
    case Kind::waiting: rest(std::min(deadline_ns, host_.monotonic_ns() + acknowledgement_ns)); break;
    case Kind::failed:
        if (event.halved) machine_.progressed(); // the next try asks for less: it is not the same again
        query_failed(*event.lane, std::move(event.error));
        break;
    case Kind::fatal: fatal_ = std::move(event.error); break;
    }
}

void InfluxSource::report_counts(Lane& lane) {
    lane.tell();
    const RowCounts& c = lane.rows().counts();
    if (c.replaced_sequences != 0) {
        host_.count("utf8_replaced", static_cast<double>(c.replaced_sequences));
        host_.log(FG_LOG_WARNING, "rows.utf8", "bytes that are not UTF-8 were replaced by U+FFFD",
                  {{"sequences", std::to_string(c.replaced_sequences)}});
    }
    if (c.renamed_columns != 0) {
        host_.log(FG_LOG_WARNING, "rows.columns", "a table repeats a column name; the repetition got a suffix",
                  {{"columns", std::to_string(c.renamed_columns)}});
    }
    lane.rows().batcher().flush();
}

void InfluxSource::query_succeeded(Lane& lane) {
    report_counts(lane);
    const RowCounts& c = lane.rows().counts();
    const double seconds = static_cast<double>(lane.ended_ns() - lane.began_ns()) / 1e9;
    host_.count("queries", 1, {{"outcome", "complete"}});
    host_.observe("query_seconds", seconds);
    if (last_error_) {
        host_.log(FG_LOG_INFO, "query.recovered", "the query succeeds again", {{"failures", std::to_string(machine_.failures())}});
        last_error_.reset();
    }
    waits_for_secret_ = false;
    if (windows_ && windows_->windows().look_back_cut()) {
        host_.set_health(FG_HEALTH_RETRYING, "lookback-full",
                         "the memory of look-back is full; late rows before " + window::format_instant(windows_->windows().look_back_floor()) +
                             " are not seen");
    } else if (c.halted == 0) {
        // Skipping verification is nothing to be forgotten about.
        const bool blind = settings_.url.https && settings_.tls.insecure_skip_verify;
        host_.set_health(FG_HEALTH_OK, blind ? "tls.unverified" : "ok",
                         blind ? "the server's certificate is not verified (tls.insecureSkipVerify)" : "");
    }
    host_.log(FG_LOG_DEBUG, "query.finished", "the result is complete",
              {{"rows", std::to_string(c.rows)},
               {"messages", std::to_string(c.messages)},
               {"deadLetters", std::to_string(c.dead_letters)},
               {"seconds", std::to_string(seconds)}});
}

// With delivery: streaming, rows of an answer that broke off were handed on already and come again with the next try.
void InfluxSource::query_failed(Lane& lane, Error error) {
    const std::int64_t now = host_.monotonic_ns();
    report_counts(lane);
    std::optional<poll::Nanoseconds> retry_after;
    if (error.code == Errc::http_status)
        retry_after = poll::parse_retry_after(lane.client().head().header("Retry-After"), host_.wall_ns() / 1'000'000'000);
    const poll::Trouble trouble = poll::classify(error, retry_after);
    const bool person = trouble.kind != poll::TroubleClass::retry_soon;
    host_.count("queries", 1, {{"outcome", person ? "refused" : "failed"}});
    machine_.failed(now, trouble);
    report_trouble(lane, error, trouble.kind, now);
    waits_for_secret_ = error.http_status == 401 || error.code == Errc::secret;
    last_error_ = std::move(error);
}

// A change of state is logged once; repeats only move the health's text, which says when the next try is due.
void InfluxSource::report_trouble(Lane& lane, const Error& error, poll::TroubleClass kind, std::int64_t now_ns) {
    const bool person = kind != poll::TroubleClass::retry_soon;
    const poll::Action next = machine_.next(now_ns);
    const bool goes_on = next.kind == poll::Action::Kind::wait;
    const std::string due = config::format_duration(std::chrono::round<std::chrono::milliseconds>(std::chrono::nanoseconds{next.until_ns - now_ns}));
    host_.set_health(person ? FG_HEALTH_NEEDS_ATTENTION : FG_HEALTH_RETRYING, message_of(error.code),
                     goes_on ? error.text() + "; try " + std::to_string(machine_.failures() + 1) + " in " + due : error.text());
    if (!goes_on) return; // the source ends with this error, and its host tells of that
    host_.count("retries", 1, {{"class", class_name(kind)}});
    if (last_error_ && same_trouble(*last_error_, error)) return;
    host_.log(person ? FG_LOG_ERROR : FG_LOG_WARNING, "query.failed", error.message,
              {{"server_said", error.server_text},
               {"query_line", query_line(settings_.query, error.server_text)},
               {"rowsBefore", std::to_string(lane.rows().counts().rows)},
               {"class", person ? "needs a person" : "retried"},
               {"nextTryIn", due}});
}

Error InfluxSource::final_error() const {
    if (!last_error_) return Error{Errc::internal, "the source gave up without an error"};
    Error error = *last_error_;
    if (machine_.failures() > 1) {
        error.message = "gave up after " + std::to_string(machine_.failures()) + " tries; the last one: " + error.message;
        if (!once_) error.code = Errc::retries_exhausted;
    }
    return error;
}

// The secret may be rotated while its old value is refused: a changed value is tried at once.
void InfluxSource::watch_secret(std::int64_t now_ns) {
    const Result<stage::Secret> token = host_.secret(settings_.secret_name);
    if (!token.ok()) return; // nothing has changed for the better; the failure itself is logged by the next query
    if (token_hash_ == std::hash<std::string_view>{}(token->value())) return;
    waits_for_secret_ = false;
    host_.log(FG_LOG_INFO, "secret.changed", "the secret has a new value; the query is tried at once", {{"secret", settings_.secret_name}});
    machine_.hasten(now_ns);
}

void InfluxSource::rest(std::int64_t until_ns) {
    const std::int64_t left = until_ns - host_.monotonic_ns();
    if (left <= 0) return;
    std::unique_lock lock{mutex_};
    woken_signal_.wait_for(lock, std::chrono::nanoseconds{left}, [this] { return woken_ || cancelled_.load(std::memory_order_acquire); });
}

// Plain reading re-reads its range at every tick and keeps no cursor.
Result<void> InfluxSource::acknowledge(std::uint64_t sequence, fg_outcome outcome) {
    if (windows_) windows_->windows().acknowledged(sequence, outcome == FG_DELIVERED);
    return {};
}

void InfluxSource::wake() noexcept {
    {
        const std::lock_guard lock{mutex_};
        woken_ = true;
    }
    woken_signal_.notify_all();
    windows_ ? windows_->wake() : plain_->client().wake();
}

void InfluxSource::cancel() noexcept {
    cancelled_.store(true, std::memory_order_release);
    wake();
}

Result<void> InfluxSource::stop() {
    if (!windows_) {
        plain_->tell();
        plain_->client().abort();
        return {};
    }
    windows_->abort();
    return windows_->windows().settle();
}

Result<void> InfluxSource::check(std::int64_t deadline_ns, const stage::LineSink& line) {
    return run_check(settings_, host_, deadline_ns, line);
}

Result<void> InfluxSource::schema(std::int64_t deadline_ns, const stage::LineSink& line) {
    return run_explore(settings_, host_, deadline_ns, line);
}

Result<void> InfluxSource::plan(std::int64_t deadline_ns, const stage::LineSink& line) {
    return run_plan(settings_, host_, partitioner_, deadline_ns, line, accept_changed_query_);
}

} // namespace fluxgate::influxdb
