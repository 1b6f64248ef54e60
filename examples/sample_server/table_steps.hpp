// What the steps of a pipeline behind its filters make of tables: limit, keep and drop, group, pivot, first, last, count.
#pragma once

#include "flux_subset.hpp"
#include "fluxgate/error.hpp"
#include "table.hpp"

#include <vector>

namespace fluxgate::sample {

// A step that chooses no rows of its own (a filter, a yield) leaves the tables as they are. Rows are computed when they are asked for;
// only pivot keeps them in memory, at most 1,000,000 a query. An Error is the server's message with its HTTP status.
Result<std::vector<Table>> apply(const Step& step, std::vector<Table> tables);

} // namespace fluxgate::sample
