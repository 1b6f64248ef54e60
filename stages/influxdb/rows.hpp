// The path of a row inside the stage: body bytes -> CSV rows -> message and partition -> block. No I/O of its own.
#pragma once

#include "batcher.hpp"
#include "flux/reader.hpp"
#include "fluxgate/stage.hpp"
#include "http/client.hpp"
#include "message/renderer.hpp"
#include "router.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::influxdb {

flux::Limits reader_limits(const Settings& settings);
message::Options message_options(const Settings& settings);

// What happened to the rows of one response. rows == messages + dead_letters, always.
struct RowCounts {
    std::uint64_t rows = 0, messages = 0, dead_letters = 0;
    std::uint64_t replaced_sequences = 0; // of bad UTF-8
    std::uint64_t renamed_columns = 0;
    std::uint64_t halted = 0; // jq evaluations that hit their time limit; dead letters, too
};

class Rows : public http::BodySink {
public:
    Rows(const Settings& settings, std::unique_ptr<partition::Partitioner> partitioner, stage::Host host);

    // A new response begins.
    void begin();

    void on_body(std::string_view bytes) override { take(bytes, host_.wall_ns()); }

    // The same for bytes that were received at another time (nanoseconds since 1970 UTC).
    void take(std::string_view bytes, std::int64_t received_ns);

    // Set when the response cannot be read on (corrupt, error table) / when a dead letter could not be put on record. What
    // comes after is not looked at.
    [[nodiscard]] const flux::Failure* failure() const noexcept { return failed_ ? &reader_.failure() : nullptr; }
    [[nodiscard]] const std::optional<Error>& fatal() const noexcept { return fatal_; }

    // Whether the CSV is complete: "" or what is missing. After the last byte.
    [[nodiscard]] std::string finish() const { return reader_.finish(); }

    [[nodiscard]] const RowCounts& counts() const noexcept { return counts_; }
    [[nodiscard]] const Router& router() const noexcept { return router_; }
    [[nodiscard]] Batcher& batcher() noexcept { return batcher_; }

private:
    void on_table();
    void on_row();
    void on_long_row();
    void append_known(const flux::Row& row, const Target& target);
    void append_asked(const flux::Row& row, const Target* known);
    void append_head(message::Buffer& text, const Target& target) const;
    void add(std::uint32_t partition, std::size_t begin, const message::PayloadSpan& payload);
    void dead_letter(std::string_view code, std::string_view text, std::string_view raw, bool truncated);

    stage::Host host_;
    flux::Reader reader_;
    message::Renderer renderer_;
    Router router_;
    Batcher batcher_;
    message::Buffer scratch_;
    message::RowFault fault_;
    std::string timestamp_;
    std::int64_t timestamp_ms_ = -1;
    std::int64_t received_ns_ = 0, now_ns_ = 0;
    RowCounts counts_;
    bool failed_ = false;
    std::optional<Error> fatal_;
};

} // namespace fluxgate::influxdb
