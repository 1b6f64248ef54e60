// delivery: verified. Keeps a response back until every completeness check has passed.
#pragma once

#include "flux/reader.hpp"
#include "fluxgate/stage.hpp"
#include "http/client.hpp"
#include "settings.hpp"
#include "spool.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::influxdb {

// Receives a body: reads it as annotated CSV and spools what the reader tells, so that a damaged answer is known as soon as its
// bytes are there, and a good one is known to be good when it ends. Rows are rendered afterwards, from the spool: what leaves is
// what was verified, and the body is read once.
class Verification : public http::BodySink {
public:
    // `share`: of the memory for spooled answers, one part of so many.
    Verification(const Settings& settings, stage::Host host, std::uint32_t share);

    // A new response begins.
    void begin();

    void on_body(std::string_view bytes) override;

    // Why the rest of the response is not wanted: corrupt, an error table; or the spool cannot take it.
    [[nodiscard]] const flux::Failure* failure() const noexcept { return failed_ ? &reader_.failure() : nullptr; }
    [[nodiscard]] const std::optional<Error>& spool_error() const noexcept { return spool_error_; }
    [[nodiscard]] std::string finish() const { return reader_.finish(); }
    [[nodiscard]] Spool& spool() noexcept { return spool_; }

private:
    Result<void> keep(flux::Event event);

    stage::Host host_;
    flux::Reader reader_;
    Spool spool_;
    bool failed_ = false;
    std::optional<Error> spool_error_;
};

} // namespace fluxgate::influxdb
