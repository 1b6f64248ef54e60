// The path of a row inside the stage: body bytes -> CSV rows -> message and partition -> block. No I/O of its own.
#pragma once

#include "batcher.hpp"
#include "flux/journal.hpp"
#include "flux/reader.hpp"
#include "fluxgate/stage.hpp"
#include "http/client.hpp"
#include "message/renderer.hpp"
#include "router.hpp"
#include "window/fingerprints.hpp"
#include "window/novelty.hpp"
#include "window/repeats.hpp"
#include "window/row_id.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::influxdb {

flux::Limits reader_limits(const Settings& settings);
message::Options message_options(const Settings& settings);
std::string window_json(const window::Edges& window); // properties.window

// What happened to the rows of one response. rows == messages + dead_letters + suppressed, always (but for the one row at which
// too_large() was found).
struct RowCounts {
    std::uint64_t rows = 0, messages = 0, dead_letters = 0;
    std::uint64_t suppressed = 0;         // rows that look-back read again
    std::uint64_t replaced_sequences = 0; // of bad UTF-8
    std::uint64_t renamed_columns = 0;
    std::uint64_t halted = 0; // jq evaluations that hit their time limit; dead letters, too
};

class Rows : public http::BodySink {
public:
    // `share`: see Batcher.
    Rows(const Settings& settings, std::shared_ptr<partition::Partitioner> partitioner, stage::Host host, std::uint32_t share = 1);

    // A new response begins.
    void begin();

    // The response of a window begins: messages have `window` and `rowId`. With a memory, rows that it knows are left out; it
    // must stay while the response is read.
    void begin_window(const window::Edges& window, window::Fingerprints* memory);

    void on_body(std::string_view bytes) override;

    // The same for rows that were read, and found to be of a complete response, before: some of them, about 128 KiB of the body.
    void take(flux::JournalReader& journal);

    // Set when the response cannot be read on (corrupt, error table) / when a dead letter could not be put on record. What
    // comes after is not looked at.
    [[nodiscard]] const flux::Failure* failure() const noexcept { return failed_ ? &reader_.failure() : nullptr; }
    [[nodiscard]] const std::optional<Error>& fatal() const noexcept { return fatal_; }

    // The window has more distinct rows than can be told apart, or with a memory more new ones than that: its halves have to be
    // read instead. What the memory knows does not count: cutting the window would not make it less.
    [[nodiscard]] bool too_large() const noexcept { return too_large_; }
    // Of what was not suppressed, with a memory: the fingerprints of the response's rows.
    [[nodiscard]] window::Prints take_fingerprints() { return {std::move(prints_), novelty_.newest()}; }

    // Whether the CSV is complete: "" or what is missing. After the last byte.
    [[nodiscard]] std::string finish() const { return reader_.finish(); }

    [[nodiscard]] const RowCounts& counts() const noexcept { return counts_; }
    [[nodiscard]] const Router& router() const noexcept { return router_; }
    [[nodiscard]] Batcher& batcher() noexcept { return batcher_; }

private:
    void set_received(std::int64_t received_ns);
    void on_table(const flux::Table& table);
    void on_row(const flux::Row& row) { windowed_ ? on_window_row(row) : on_plain_row(row); }
    void on_plain_row(const flux::Row& row);
    void on_window_row(const flux::Row& row);
    bool is_wanted(const window::Hash128& id, bool is_new, std::uint32_t& repeat);
    void on_long_row(const flux::Row& row, std::uint64_t bytes);
    void append_known(const flux::Row& row, const Target& target);
    void append_asked(const flux::Row& row, const Target* known);
    void deliver_asked(const flux::Row& row, const Target* known, std::size_t tail, const message::PayloadSpan& payload);
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
    bool windowed_ = false, too_large_ = false, suppressing_ = false; // the last: the row before was
    window::RowIds ids_;
    window::Novelty novelty_;
    window::Repeats repeats_;
    const std::size_t most_new_;
    window::Fingerprints* memory_ = nullptr;
    std::vector<std::uint64_t> prints_;
    bool failed_ = false;
    std::optional<Error> fatal_;
};

} // namespace fluxgate::influxdb
