// What the pipelines of one host share.
#pragma once

#include "config/reading.hpp"
#include "runtime/registry.hpp"
#include "runtime/secrets.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/redactor.hpp"

#include "fluxgate/host.hpp"

#include <initializer_list>
#include <string_view>
#include <vector>

namespace fluxgate {

class Host::Shared {
public:
    explicit Shared(HostOptions options);

    void log(LogLevel level, std::string_view event, std::string_view message, const std::vector<LogField>& fields) const;
    [[nodiscard]] std::int64_t monotonic_ns() const { return options_.monotonic_ns(); }
    [[nodiscard]] std::int64_t wall_ns() const { return options_.wall_ns(); }

    // How documents are read.
    [[nodiscard]] const config::Reading& reading() const noexcept { return reading_; }
    // Remembers the value, so that no line shows it.
    Result<std::string> resolve_secret(std::string_view name);
    // An error whose texts are free of secrets.
    [[nodiscard]] Error redacted(Error error) const;

    runtime::Registry registry;
    telemetry::Metrics metrics;
    telemetry::Redactor redactor;

private:
    HostOptions options_;
    runtime::Secrets secrets_;
    config::Reading reading_;
};

} // namespace fluxgate
