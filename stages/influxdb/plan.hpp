// The source's plan: what a run would do next. Reads one window (or the plain query) once, emits and stores nothing.
#pragma once

#include "fluxgate/stage.hpp"
#include "partition/partitioner.hpp"
#include "settings.hpp"

#include <cstdint>
#include <memory>

namespace fluxgate::influxdb {

// Lines, in order, one JSON object each, told apart by "item":
//   query       {text, range?, split?}        what is sent; split {smallest, measurements, names, text}: with `read`, what is sent
//               instead where a window of that length is still too large. measurements: one query each; without any, `names`
//               asks for them, and one more query takes the rest. text: such a query, of the first or of one named "..."
//   windows     {note, cursor, from, next, behindSeconds}   only with incremental; from: "cursor" or "start"; note: what is amiss
//               with the cursor, or ""
//   rows        {rows, bytes, bytesPerRow, seconds, complete, note}  of the first of these windows, at most the first 100,000 rows
//   columns     {columns: [{name, bytes, share, note}]}  note: why a column could be dropped, or ""
//   message     {message}                     the first three
//   partitions  {counts}                      messages by partition
//   deadLetters {counts, first}               rows by reason; jq errors are among them
// Blocks until `deadline_ns` (monotonic) at most; what was read until then is told. Errors: those of a query; Errc::state before the
// first line when a run would not go on from the stored cursor, whose query was another one.
Result<void> run_plan(const Settings& settings, stage::Host host, std::shared_ptr<partition::Partitioner> partitioner, std::int64_t deadline_ns,
                      const stage::LineSink& line, bool accept_changed_query);

} // namespace fluxgate::influxdb
