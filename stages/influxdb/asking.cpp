#include "asking.hpp"

#include "check_steps.hpp"
#include "connection.hpp"
#include "request.hpp"
#include "rows.hpp"

namespace fluxgate::influxdb {

namespace {

// The check's advice is about the document's query; these queries are the stage's own.
std::string for_own_queries(std::string next) {
    constexpr std::string_view place = " in query.expression";
    if (const auto at = next.find(place); at != std::string::npos) return next.erase(at, place.size());
    if (next.find("query.expression") == std::string::npos) return next;
    return "InfluxDB 2 is needed, or 1.8 with the Flux package influxdata/influxdb/schema; look into the server's log";
}

} // namespace

std::string text_of(const flux::Table& table, const flux::Row& row, std::string_view column) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i].name != column) continue;
        return row.fields[i].size == 0 ? table.columns[i].default_value : flux::decode(row.fields[i]);
    }
    return {};
}

struct Asking::Sink : http::BodySink {
    Sink(const Settings& settings, const OnRow& row) : reader(reader_limits(settings)), on_row(row) {}

    void on_body(std::string_view bytes) override {
        if (enough || failed) return;
        reader.feed(bytes);
        while (!enough && !failed) {
            switch (reader.next()) {
            case flux::Event::need_more: return;
            case flux::Event::table:
            case flux::Event::long_row: break; // a name that long is none that could be shown
            case flux::Event::row: enough = !on_row(reader.table(), reader.row()); break;
            case flux::Event::failed: failed = true; break;
            }
        }
    }

    flux::Reader reader;
    const OnRow& on_row;
    bool enough = false, failed = false;
};

Asking::Asking(const Settings& settings, stage::Host host, std::int64_t deadline_ns)
    : settings_(settings), host_(host), deadline_ns_(deadline_ns), client_(make_client(settings, host)) {
    settings_.incremental.reset(); // its windows mean nothing here
}

Result<void> Asking::ask(const std::string& query, const OnRow& on_row) {
    Result<stage::Secret> token = host_.secret(settings_.secret_name);
    if (!token.ok()) return std::move(token).error();
    settings_.query = query;
    Sink sink{settings_, on_row};
    client_.start(query_request(settings_, token->value()), sink);
    return read(sink);
}

Result<void> Asking::read(Sink& sink) {
    for (http::Event event = http::Event::nothing; event != http::Event::finished;) {
        const std::int64_t left = deadline_ns_ - host_.monotonic_ns();
        if (left <= 0) {
            client_.abort();
            out_of_time_ = true;
            return Error{Errc::timeout, "the time was up before the answer came; give it more with --timeout"};
        }
        event = client_.run(std::chrono::nanoseconds{left});
        if (event == http::Event::failed) return client_.error();
        if (event == http::Event::head) influx_ = names_influx(client_.head());
        if (sink.failed) {
            Error error{sink.reader.failure().code, "the answer cannot be used: " + sink.reader.failure().message};
            error.server_text = sink.reader.failure().server_text;
            client_.abort();
            return error;
        }
        if (sink.enough && event != http::Event::finished) {
            client_.abort();
            return {};
        }
    }
    const http::Head& head = client_.head();
    if (head.status < 200 || head.status > 299) return status_error(settings_, head, client_.error_body());
    if (sink.enough) return {};
    const std::string missing = client_.complete() ? sink.reader.finish() : client_.incomplete_reason();
    if (!missing.empty()) return Error{Errc::incomplete, "the answer is not complete: " + missing};
    return {};
}

Error Asking::explained(const Error& error) const {
    Finding finding{Status::failed, one_line(error.message)};
    if (error.code == Errc::secret) {
        finding.cause = "the secret was not put where it is looked for, or is not readable";
        finding.next = "put the token into the file " + settings_.secret_name + " of the secrets directory, or into that environment variable";
    } else if (error.code != Errc::http_status && error.code != Errc::query && error.code != Errc::corrupt && error.code != Errc::incomplete) {
        finding = connection_failure(failed_step(error, client_.connection(), settings_.url.https), error, settings_);
    } else {
        const QueryVerdict verdict = judge_query(settings_, {error, influx_, false});
        for (const Finding* one : {&verdict.query, &verdict.organization, &verdict.authentication})
            if (one->status == Status::failed) finding = *one;
        finding.next = for_own_queries(finding.next);
    }
    Error out = error;
    out.server_text.clear(); // its words are in the finding
    out.message = finding.text;
    if (!finding.cause.empty()) out.message += "\ncause: " + finding.cause;
    if (!finding.next.empty()) out.message += "\nnext:  " + finding.next;
    return out;
}

} // namespace fluxgate::influxdb
