// Compiled partition expressions between a document's validation and the source that is made of it: compiling takes libjq
// longer than everything else of a start together, so it is done once.
#pragma once

#include "partition/partitioner.hpp"
#include "settings.hpp"

#include <memory>

namespace fluxgate::influxdb {

[[nodiscard]] partition::Strategy strategy_of(const Settings& settings);

// What was kept for these settings, else a new one. Errors: those of Partitioner::create. Any thread.
Result<std::unique_ptr<partition::Partitioner>> prepared_partitioner(const Settings& settings);

// Keeps it for the next prepared_partitioner() of the same expression, strategy and count. The oldest goes when there are too
// many. Any thread.
void keep_prepared(const Settings& settings, std::unique_ptr<partition::Partitioner> partitioner);

} // namespace fluxgate::influxdb
