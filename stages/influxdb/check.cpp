#include "check.hpp"

#include "check_steps.hpp"
#include "connection.hpp"
#include "first_row.hpp"
#include "flux_position.hpp"
#include "http/client.hpp"
#include "request.hpp"
#include "windows.hpp"

#include <algorithm>
#include <functional>
#include <rapidjson/document.h>
#include <utility>

namespace fluxgate::influxdb {

namespace {

// The beginning of a small body.
class Text : public http::BodySink {
public:
    void on_body(std::string_view bytes) override { text_ += bytes.substr(0, std::min(bytes.size(), most - text_.size())); }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    static constexpr std::size_t most = 64u << 10;
    std::string text_;
};

struct Exchange {
    std::optional<Error> error; // it broke; a status that is not 2xx is none
    http::Head head;
    std::int64_t sent_wall_ns = 0, head_wall_ns = 0;
    std::int64_t took_ns = 0;
    bool finished = false; // false without an error: `enough` ended it
};

bool is_success(const http::Head& head) {
    return head.status >= 200 && head.status <= 299;
}

std::string version_of_health(const std::string& body) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
    if (document.HasParseError() || !document.IsObject() || !document.HasMember("version") || !document["version"].IsString()) return {};
    return {document["version"].GetString(), document["version"].GetStringLength()};
}

class Check {
public:
    Check(const Settings& settings, stage::Host host, std::int64_t deadline_ns, const stage::LineSink& line)
        : settings_(settings), host_(host), deadline_ns_(deadline_ns), line_(line), client_(make_client(settings, host)) {}

    Result<void> run() {
        const bool passed = secret() && server() && query() && partition();
        if (!passed && wanted_) {
            while (next_ < step_count)
                say(static_cast<Step>(next_), {Status::not_reached, "not reached"}, 0);
        }
        client_.abort();
        if (!wanted_) return Error{Errc::cancelled, "the check was ended early"};
        return {};
    }

private:
    // True: the next step is to be tried.
    bool say(Step step, const Finding& finding, std::int64_t took_ns) {
        next_ = static_cast<int>(step) + 1;
        wanted_ = wanted_ && line_(step_line(step, finding, took_ns));
        return wanted_ && finding.status != Status::failed && finding.status != Status::not_reached;
    }

    bool secret() {
        const std::int64_t began = host_.monotonic_ns();
        Result<stage::Secret> found = host_.secret(settings_.secret_name);
        const std::int64_t took = host_.monotonic_ns() - began;
        if (!found.ok())
            return say(Step::secret,
                       {Status::failed, one_line(found.error().message), "the secret was not put where it is looked for, or is not readable",
                        "put the token into the file " + settings_.secret_name + " of the secrets directory, or into that environment variable"},
                       took);
        const std::string_view value = found->value();
        if (std::any_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
            return say(Step::secret,
                       {Status::failed, "the secret \"" + settings_.secret_name + "\" holds control characters", "it has more lines than the token's",
                        "write the token alone, in one line"},
                       took);
        token_ = std::move(*found);
        return say(Step::secret, {Status::ok, "\"" + settings_.secret_name + "\" has a value"}, took);
    }

    Exchange exchange(http::Request request, http::BodySink& sink, const std::function<bool()>& enough = {}) {
        Exchange out;
        const std::int64_t began = host_.monotonic_ns();
        out.sent_wall_ns = host_.wall_ns();
        client_.start(std::move(request), sink);
        bool open = true;
        while (open) {
            const std::int64_t left = deadline_ns_ - host_.monotonic_ns();
            if (left <= 0) {
                client_.abort();
                out.error = Error{Errc::timeout, "the time for the check was over before the answer came. Give the check more time"};
                break;
            }
            switch (client_.run(std::chrono::nanoseconds{left})) {
            case http::Event::nothing: break;
            case http::Event::head: out.head_wall_ns = host_.wall_ns(); break;
            case http::Event::body:
                if (!enough || !enough()) break;
                out.head = client_.head();
                client_.abort();
                open = false;
                break;
            case http::Event::finished:
                out.head = client_.head();
                out.finished = true;
                open = false;
                break;
            case http::Event::failed:
                out.error = client_.error();
                open = false;
                break;
            }
        }
        out.took_ns = host_.monotonic_ns() - began;
        if (out.head_wall_ns == 0) out.head_wall_ns = host_.wall_ns();
        return out;
    }

    [[nodiscard]] http::Request get(std::string_view path) const {
        http::Request request;
        request.method = "GET";
        request.target = settings_.url.prefix + std::string{path};
        request.headers = {{"Accept", "application/json"}, {"User-Agent", "fluxgate/" FLUXGATE_VERSION}};
        return request;
    }

    // Name, TCP and TLS as the connection of an exchange reports them. False: one of them (or the exchange) failed.
    bool connection(const Exchange& x, std::int64_t& connected_ns) {
        const http::ConnectionReport report = client_.connection();
        const Step broken = x.error ? failed_step(*x.error, report, settings_.url.https) : Step::clock;
        connected_ns = report.resolve.took.count() + report.connect.took.count() + report.proxy.took.count() + report.tls.took.count();
        const auto step = [&](Step which, const http::ConnectionReport::Step& seen, const Finding& good) {
            if (broken == which)
                return say(which, connection_failure(which, *x.error, settings_), std::max<std::int64_t>(0, x.took_ns - connected_ns));
            return say(which, good, seen.took.count());
        };
        return step(Step::resolve, report.resolve, resolve_finding(settings_, report)) && step(Step::tcp, report.connect, tcp_finding(report)) &&
               step(Step::tls, report.tls, tls_finding(settings_, report, host_.wall_ns() / 1'000'000'000)) &&
               (broken != Step::server || say(Step::server, connection_failure(Step::server, *x.error, settings_), x.took_ns - connected_ns));
    }

    bool server() {
        Text body;
        const Exchange ping = exchange(get("/ping"), body);
        std::int64_t connected_ns = 0;
        if (!connection(ping, connected_ns)) return false;
        std::int64_t took = ping.took_ns - connected_ns;
        if (ping.head.status == 400 && client_.error_body().find("HTTPS server") != std::string::npos)
            return say(Step::server,
                       {Status::failed, "HTTP 400: " + one_line(client_.error_body()), "the port expects HTTPS while `url` says http",
                        "write https:// in `url`"},
                       took);
        ServerSays says{ping.head.status, std::string{ping.head.header("X-Influxdb-Version")}, std::string{ping.head.header("X-Influxdb-Build")},
                        std::string{ping.head.header("Location")}};
        if (is_success(ping.head) && !parse_version(says.version)) {
            Text health;
            const Exchange more = exchange(get("/health"), health);
            took += more.took_ns;
            if (const std::string version = version_of_health(health.text()); !more.error && !version.empty()) says.version = version;
        }
        return say(Step::server, server_finding(says), took) &&
               say(Step::clock, clock_finding(ping.head.header("Date"), ping.sent_wall_ns, ping.head_wall_ns), 0);
    }

    // What the request of the query came to, apart from its rows.
    std::optional<Error> trouble_of(Exchange& x, const FirstRow& row) {
        if (x.error) return std::move(x.error);
        if (!is_success(x.head)) return status_error(settings_, x.head, client_.error_body());
        if (const flux::Failure* failure = row.failure(); failure != nullptr) {
            Error error{failure->code, "the answer cannot be used: " + failure->message};
            error.server_text = failure->server_text;
            return error;
        }
        if (x.finished && !client_.complete()) return Error{Errc::incomplete, "the answer is not complete: " + client_.incomplete_reason()};
        return std::nullopt;
    }

    // The server's place in the query, below its words.
    void show_place(Finding& finding, const std::optional<Error>& error) const {
        if (!error) return;
        if (const std::string place = query_line(settings_.query, error->server_text); !place.empty()) finding.text += '\n' + place;
    }

    // Of an incremental document, the window up to now.
    [[nodiscard]] http::Request request() const {
        if (!settings_.incremental) return query_request(settings_, token_.value());
        const window::Edges range = latest_window(*settings_.incremental, host_.wall_ns());
        return query_request(settings_, token_.value(), &range);
    }

    bool query() {
        FirstRow row{settings_, host_.wall_ns()};
        http::Request request = this->request();
        request.headers.emplace_back("Prefer", "return-no-content-with-error");
        row.begin();
        Exchange x = exchange(std::move(request), row, [&row] { return row.enough(); });
        QueryOutcome outcome{trouble_of(x, row), names_influx(x.head), row.has_row()};
        // The preference is kept by an empty body, and by none that is merely cut short.
        if (!outcome.error && x.finished && row.bytes() != 0) {
            if (const std::string missing = row.finish(); !missing.empty())
                outcome.error = Error{Errc::incomplete, "the answer is not complete: " + missing};
        }
        QueryVerdict verdict = judge_query(settings_, outcome);
        show_place(verdict.query, outcome.error);
        return say(Step::authentication, verdict.authentication, x.took_ns) && say(Step::organization, verdict.organization, x.took_ns) &&
               say(Step::query, verdict.query, x.took_ns);
    }

    bool partition() {
        FirstRow row{settings_, host_.wall_ns()};
        row.begin();
        Exchange x = exchange(request(), row, [&row] { return row.enough(); });
        std::optional<Error> error = trouble_of(x, row);
        if (!error && x.finished && !row.has_row()) {
            if (const std::string missing = row.finish(); !missing.empty()) error = Error{Errc::incomplete, "the answer is not complete: " + missing};
        }
        if (!error) return say(Step::partition, row.partition_finding(), x.took_ns);
        Finding finding = judge_query(settings_, {error, names_influx(x.head), false}).query;
        if (finding.status != Status::failed) // it was refused, although the same request just passed
            finding = {Status::failed, one_line(error->text()), "the server changed its mind since the step before", "try again"};
        show_place(finding, error);
        return say(Step::partition, finding, x.took_ns);
    }

    const Settings& settings_;
    const stage::Host host_;
    const std::int64_t deadline_ns_;
    const stage::LineSink& line_;
    http::Client client_;
    stage::Secret token_;
    int next_ = 0;
    bool wanted_ = true;
};

} // namespace

Result<void> run_check(const Settings& settings, stage::Host host, std::int64_t deadline_ns, const stage::LineSink& line) {
    return Check{settings, host, deadline_ns, line}.run();
}

} // namespace fluxgate::influxdb
