#include "influxdb/settings_fields.hpp"
#include "window/query.hpp"

namespace fluxgate::influxdb {

namespace {

using config::Findings;
using config::format_duration;
using std::chrono::nanoseconds;

void read_start(const Fields& incremental, Incremental& out, Findings& findings) {
    const std::string_view start = incremental.text("start");
    if (!start.empty() && start.front() == '-') {
        if (const auto past = config::parse_duration(start.substr(1)); past) out.past = *past;
    } else if (!start.empty()) {
        out.start = window::parse_instant(start);
        if (!out.start && !findings.error_within("/incremental/start"))
            findings.error("/incremental/start", "must lie between the years 1677 and 2262, in which InfluxDB keeps times");
    }
    const std::string_view stop = incremental.text("stop");
    if (stop.empty()) return;
    out.stop = window::parse_instant(stop);
    if (!out.stop && !findings.error_within("/incremental/stop"))
        findings.error("/incremental/stop", "must lie between the years 1677 and 2262, in which InfluxDB keeps times");
    if (out.start && out.stop && *out.stop <= *out.start) findings.error("/incremental/stop", "must be later than \"start\"; nothing would be read");
}

// Edges are multiples of align: what is not is moved, and a person is told.
void fit_to_alignment(Incremental& out, Findings& findings) {
    if (out.align == nanoseconds::zero()) return;
    const std::int64_t align = out.align.count();
    const auto moved = [&](const char* pointer, window::Instant to) {
        findings.warning(pointer, "is no multiple of \"align\", " + format_duration(out.align) + "; " + window::format_instant(to) + " is used");
    };
    if (out.start && window::floor_to(*out.start, align) != *out.start) {
        out.start = window::floor_to(*out.start, align);
        moved("/incremental/start", *out.start);
    }
    if (out.stop && window::floor_to(*out.stop, align) != *out.stop) {
        out.stop = window::floor_to(*out.stop, align);
        moved("/incremental/stop", *out.stop);
    }
    if (out.window.count() % align != 0) {
        out.window = nanoseconds{std::max(window::floor_to(out.window.count(), align), align)};
        findings.warning("/incremental/window",
                         "is no multiple of \"align\", " + format_duration(out.align) + "; " + format_duration(out.window) + " is used");
    }
    out.lookback = nanoseconds{window::ceil_to(out.lookback.count(), align)};
}

void judge_query(const Incremental& incremental, const Settings& settings, Findings& findings) {
    if (settings.query.empty() || findings.error_within("/incremental")) return; // that comes first
    const window::QueryRules rules{incremental.align > nanoseconds::zero(), incremental.row_wise, incremental.window_period > nanoseconds::zero()};
    for (const std::string& fault : window::query_faults(settings.query, rules))
        findings.error("/query/expression", "the query cannot be read in windows: " + fault);
    if (rules.aligned && rules.has_period && window::uses_window_period(settings.query) &&
        incremental.align % incremental.window_period != nanoseconds::zero())
        findings.error("/incremental/align", "must be a multiple of \"windowPeriod\", " + format_duration(incremental.window_period) +
                                                 ", for a query that uses v.windowPeriod; found " + format_duration(incremental.align));
}

} // namespace

void read_incremental(const Fields& document, Settings& settings, Findings& findings) {
    if (!document.has("incremental")) return;
    const Fields incremental = document.object("incremental");
    Incremental out;
    read_start(incremental, out, findings);
    incremental.read("window", out.window);
    incremental.read("delay", out.delay);
    incremental.read("lookback", out.lookback);
    incremental.read_count("concurrency", out.concurrency);
    incremental.read("align", out.align);
    out.window_period = out.align;
    incremental.read("windowPeriod", out.window_period);
    incremental.read("rowWise", out.row_wise);
    fit_to_alignment(out, findings);
    if (document.has("read")) {
        const Fields read = document.object("read");
        window::ReadSpec spec;
        read.read("bucket", spec.bucket);
        read.read_names("measurements", spec.measurements);
        read.read_names("fields", spec.fields);
        read.read_names("columns", spec.columns);
        settings.query = window::flux_of(spec);
        out.read = std::move(spec);
    } else {
        judge_query(out, settings, findings);
    }
    settings.incremental = out;
}

} // namespace fluxgate::influxdb
