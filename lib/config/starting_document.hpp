// A document to start from: commented, with every setting that there is.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace fluxgate::config {

struct StartOptions {
    bool incremental = false;    // reads each stretch of time once, with a cursor
    bool files = true;           // to files, else to standard output
    std::string bucket;          // what `read` names, when INFLUX_BUCKET does not
    std::string query;           // the Flux of a document that is not incremental: expressions take no references
    std::string schema_location; // for "$schema"; empty: left out
};

// JSONC, made from the schemas: settings that have a value here stand first, then all others, commented out, with their defaults. It is
// valid without any variable set, and takes INFLUX_URL, INFLUX_ORG, INFLUX_BUCKET and FLUXGATE_OUT from the environment; the token is the
// secret INFLUX_TOKEN. "" when the schema of a stage type is not there: `schema_of` answers it by the type's name.
[[nodiscard]] std::string starting_document(const StartOptions& options, const std::function<std::string(std::string_view type)>& schema_of);

inline constexpr std::string_view starting_source = "input/influxdbv2@v1";
inline constexpr std::string_view starting_files = "output/file@v1";
inline constexpr std::string_view starting_stdout = "output/stdout@v1";

} // namespace fluxgate::config
