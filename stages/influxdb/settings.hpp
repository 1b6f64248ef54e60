// The configuration of input/influxdbv2@v1 as values. What each field means: the stage's schema and README.
#pragma once

#include "fluxgate/stage.hpp"
#include "window/fingerprints.hpp"
#include "window/instant.hpp"
#include "window/query.hpp"
#include "window/repeats.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::influxdb {

struct Url {
    bool https = true;
    std::string host; // without brackets; a name, an IPv4 or an IPv6 address
    std::uint16_t port = 443;
    std::string prefix; // "" or "/some/path", no trailing slash
};

enum class Strategy { id, key };
enum class NonFinite { null, string, dead_letter };
enum class Nulls { include, omit };
enum class Compression { automatic, gzip, none };
enum class Delivery { streaming, verified };
enum class RetryType { exponential, fixed, none };

struct Retry {
    RetryType type = RetryType::exponential;
    std::chrono::nanoseconds initial = std::chrono::milliseconds{500};
    std::chrono::nanoseconds max = std::chrono::seconds{60};
    std::optional<std::uint32_t> max_retries; // none: never gives up
};

struct Timeouts {
    std::chrono::nanoseconds connect = std::chrono::seconds{10};
    std::chrono::nanoseconds first_byte = std::chrono::minutes{5};
    std::chrono::nanoseconds idle = std::chrono::seconds{60};
};

struct Tls {
    std::string ca_file, cert_file, key_file;
    bool tls13_only = false; // minVersion "1.3"
    bool insecure_skip_verify = false;
};

struct BatchLimits {
    std::uint32_t max_rows = 5000;
    std::uint32_t max_bytes = 256 * 1024;
    std::chrono::nanoseconds max_delay = std::chrono::milliseconds{100};
};

struct RowLimits {
    std::uint32_t max_row_bytes = 16u << 20;
    std::uint32_t max_columns = 4096;
    std::uint32_t max_header_bytes = 1u << 20;
    std::uint32_t max_annotations = 16;
    std::uint32_t max_decompression_ratio = 1000;
};

struct Incremental {
    std::optional<window::Instant> start; // none: `past` back from now
    std::chrono::nanoseconds past{};
    std::optional<window::Instant> stop;
    std::chrono::nanoseconds window = std::chrono::minutes{10};
    std::chrono::nanoseconds delay = std::chrono::seconds{10};
    std::chrono::nanoseconds lookback{}; // with align, a multiple of it
    std::uint32_t concurrency = 1;
    std::chrono::nanoseconds align{};         // 0: none
    std::chrono::nanoseconds window_period{}; // 0: none
    bool row_wise = false;
    std::optional<window::ReadSpec> read; // what Settings::query asks for, where the stage wrote it
};

// What the schema command looks at.
struct SchemaScope {
    std::vector<std::string> buckets, measurements; // empty: all
    std::optional<window::Instant> start;           // none: `past` back from now
    std::chrono::nanoseconds past = std::chrono::hours{720};
    std::uint32_t max_buckets = 20, max_measurements = 100, max_fields = 200, max_tags = 50, max_values = 5, max_series = 10'000;
};

// What no document sets. Tests make it smaller.
struct MemoryBounds {
    std::size_t window_rows = window::Repeats::most;     // distinct ones; with look-back: new ones
    std::size_t remembered = window::Fingerprints::most; // rows, by look-back
};

struct Settings {
    std::string display_name;
    Url url;
    std::string organization;
    std::string secret_name; // authentication.accessToken, a reference
    std::string query;       // as sent, after the un-escaping rule; what `read` asks for
    std::chrono::nanoseconds interval{};
    std::uint32_t partition_count = 1;
    Strategy strategy = Strategy::id;
    std::string partition_expression = "0";
    Timeouts timeouts;
    Retry retry;
    Tls tls;
    Compression compression = Compression::automatic;
    NonFinite non_finite = NonFinite::null;
    Nulls nulls = Nulls::include;
    bool types = false; // format.types
    BatchLimits batch;
    RowLimits limits;
    Delivery delivery = Delivery::streaming;
    std::uint64_t spool_bytes = 1ull << 30;
    std::optional<Incremental> incremental;
    SchemaScope schema;
    MemoryBounds bounds;
};

struct ParsedSettings {
    std::optional<Settings> settings;         // present when no violation is an error
    std::vector<stage::Violation> violations; // every violation and warning, in document order
};

// Reads the stage's JSON object: schema (schemas/input.influxdbv2.v1.json), then meaning. No I/O. The partition
// expression is compiled by the caller (jq is not part of this step).
ParsedSettings parse_settings(std::string_view document);

} // namespace fluxgate::influxdb
