// Reads an answer up to its first row and asks the partition expression where that row goes.
#pragma once

#include "check_steps.hpp"
#include "flux/reader.hpp"
#include "http/client.hpp"
#include "message/renderer.hpp"
#include "partition/partitioner.hpp"
#include "settings.hpp"
#include "window/row_id.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::influxdb {

// A sink for http::Client that is satisfied by one row. Nothing leaves it. Not thread-safe.
class FirstRow : public http::BodySink {
public:
    FirstRow(const Settings& settings, std::int64_t wall_ns);

    // A new answer begins.
    void begin();

    void on_body(std::string_view bytes) override;

    // A row was read, or the answer cannot be read on: what follows is not looked at.
    [[nodiscard]] bool enough() const noexcept { return has_row() || failure() != nullptr; }
    [[nodiscard]] bool has_row() const noexcept { return has_row_; }
    [[nodiscard]] const flux::Failure* failure() const noexcept { return failed_ ? &reader_.failure() : nullptr; }
    // After the last byte: what is missing, or "".
    [[nodiscard]] std::string finish() const { return reader_.finish(); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    // Where the row goes, or why it goes nowhere; without a row, that there was none.
    [[nodiscard]] Finding partition_finding();

private:
    void keep(const flux::Row& row);

    const Settings& settings_;
    const std::int64_t wall_ns_;
    flux::Reader reader_;
    message::Renderer renderer_;
    window::RowIds ids_;
    message::Buffer message_;
    std::string fault_; // why the row became no message
    std::uint64_t bytes_ = 0;
    bool has_row_ = false, failed_ = false;
};

} // namespace fluxgate::influxdb
