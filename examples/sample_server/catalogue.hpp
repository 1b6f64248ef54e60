// What a server says of the data instead of the data: buckets, measurements, fields, tags and their values.
#pragma once

#include "flux_subset.hpp"
#include "table.hpp"
#include "written.hpp"

#include <vector>

namespace fluxgate::sample {

// The answer to p.catalogue: one table, as a 2.7 server gives it. Series without a point in p.range do not count. `written` must
// outlive the answer.
std::vector<Table> catalogue(const Pipeline& p, const Written& written);

} // namespace fluxgate::sample
