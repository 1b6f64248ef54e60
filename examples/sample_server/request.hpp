// What a body of POST /api/v2/query asks for.
#pragma once

#include "csv_writer.hpp"
#include "flux_subset.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::sample {

struct QueryRequest {
    std::string query;
    Dialect dialect; // without annotations unless the request names them
    std::optional<Time> now;
    std::map<std::string, TimeSpec> v; // from `extern`
    bool v_is_set = false;
};

// An Error carries the server's message, which begins with "failed to decode request body".
Result<QueryRequest> read_request(std::string_view content_type, std::string_view body);

// The code that goes with a status: {"code": ..., "message": ...}.
std::string_view error_code(int status);
std::string error_body(int status, std::string_view message);

} // namespace fluxgate::sample
