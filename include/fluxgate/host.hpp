// The host: which stage types there are, and the services that every pipeline made from it shares (logs, secrets, clocks,
// metrics).
//
//   fluxgate::Host host{{.secrets_directory = "/run/secrets", .log = my_sink}};
//   for (const fluxgate::Error& bad : host.load_plugins_in("/usr/lib/fluxgate/stages").failures) ...
//   auto pipeline = fluxgate::Pipeline::create(host, text, {.id = "plant-1"});
//
// Threads: every member may be called from any thread. Lifetime: a Host is a handle; pipelines and sources keep what they
// need of it alive. Plugins are never unloaded.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/export.hpp"
#include "fluxgate/stage.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate {

enum class LogLevel : std::int32_t { debug = FG_LOG_DEBUG, info = FG_LOG_INFO, warning = FG_LOG_WARNING, error = FG_LOG_ERROR };

struct LogField {
    std::string_view name, value;
};

// One structured line. Views are valid during the sink's call only. `event` is a fixed word ("plugin.refused"). Values of
// secrets that the host resolved are already replaced by ***. Lines of a stage begin with the fields pipeline, stage and,
// for processors and outputs, partition.
struct LogEntry {
    LogLevel level = LogLevel::info;
    std::int64_t wall_ns = 0; // nanoseconds since 1970 UTC
    std::string_view event, message;
    const LogField* fields = nullptr;
    std::size_t field_count = 0;
};

// Called from any thread, several at once. Must not throw and must not call the host.
using LogSink = std::function<void(const LogEntry&)>;

// A clock in nanoseconds; called from any thread.
using Clock = std::function<std::int64_t()>;

struct HostOptions {
    std::string secrets_directory = {}; // one file a secret; empty: environment variables only
    LogSink log = {};                   // none: nothing is logged
    Clock monotonic_ns = {};            // none: the system's steady clock
    Clock wall_ns = {};                 // none: the system's clock, nanoseconds since 1970 UTC
};

struct StageTypeInfo {
    std::string name; // "input/influxdbv2@v1"
    std::int32_t kind = FG_KIND_SOURCE;
    std::string version;        // of the implementation
    std::string schema;         // JSON Schema of the stage's object
    std::string plugin;         // the plugin's name; "" for a type that the program registered itself
    std::string plugin_version; //
    std::string path;           // of the library; "" as above
};

struct LoadReport {
    std::vector<std::string> loaded; // paths
    std::vector<Error> failures;     // one a library that cannot be used, each naming its file
};

// Of a histogram: how many observations were `upper` at most.
struct MetricBucket {
    double upper = 0;
    std::uint64_t count = 0;
};

// A stage's measurement, or the host's own. Labels are sorted by name; pipeline and stage are always among them.
struct MetricSample {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    std::int32_t kind = FG_METRIC_COUNTER;
    double value = 0;        // counter: the sum; gauge: the last value; histogram: the sum of observations
    std::uint64_t count = 0; // histogram: the number of observations
    // Histogram: cumulative, by rising `upper`; what lies above the last one is in `count` only. The bounds follow from the name's
    // unit: of ..._seconds from a millisecond to an hour, of ..._bytes from 256 to 1 GiB, of others from 1 to 1,000,000,000.
    std::vector<MetricBucket> buckets = {};
};

class FLUXGATE_API Host {
public:
    explicit Host(HostOptions options = {});
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    Host(Host&&) noexcept;
    Host& operator=(Host&&) noexcept;
    ~Host();

    // Loads one library and registers its stage types. Errc::plugin names the file and what is wrong with it; then none of
    // its types is registered. Loading the same file twice is no error. A type name that is already there is refused.
    Result<void> load_plugin(const std::string& path);

    // Loads every fluxgate_stage_*.so of a directory, in order of name. One bad library does not keep the others out.
    LoadReport load_plugins_in(const std::string& directory);

    // Registers a type that is compiled into the program. It lives as long as the process.
    Result<void> register_type(const fg_stage_type* type);

    // Sorted by name.
    [[nodiscard]] std::vector<StageTypeInfo> stage_types() const;

    // A snapshot, sorted by name and labels.
    [[nodiscard]] std::vector<MetricSample> metrics() const;

    // Writes a line to the sink, as the host's own lines are: secrets redacted.
    void log(LogLevel level, std::string_view event, std::string_view message, std::initializer_list<LogField> fields = {}) const;

    // The library's own: what pipelines share of the host.
    class Shared;
    [[nodiscard]] const std::shared_ptr<Shared>& shared() const noexcept { return shared_; }

private:
    std::shared_ptr<Shared> shared_;
};

// The library's version, "1.0.0".
FLUXGATE_API std::string_view version() noexcept;

} // namespace fluxgate
