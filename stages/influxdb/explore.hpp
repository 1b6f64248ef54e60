// What is in the server: buckets, measurements, fields, tags, first and last times, found with small queries.
#pragma once

#include "fluxgate/stage.hpp"
#include "settings.hpp"

#include <cstdint>

namespace fluxgate::influxdb {

// Lines, in order, one JSON object each, told apart by "item":
//   bucket       {name, id, retentionSeconds, looked}   each bucket that the token sees, or those named; looked: its measurements follow
//   measurement  {bucket, name, series, complete, first, last, fields: [{name, types}], tags: [{name, values, sample}]}
//                complete: no series was left out of series, first, last and types; values: how many distinct ones, sample: some of them
//   cut          {bucket, measurement, what, shown, found, text}   something was left out; found: null when nobody knows how many
// What is looked at and the bounds: settings.schema. Blocks until `deadline_ns` (monotonic) at most; when that comes, what is known was
// told, and a cut with what: "time" is the last line. Errors: Errc::invalid_argument for a bucket or measurement that does not exist, else those of
// a query; the message has the likely cause and the next step as further lines.
Result<void> run_explore(const Settings& settings, stage::Host host, std::int64_t deadline_ns, const stage::LineSink& line);

} // namespace fluxgate::influxdb
