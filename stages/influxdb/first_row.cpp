#include "first_row.hpp"

#include "prepared.hpp"
#include "request.hpp"
#include "rows.hpp"
#include "windows.hpp"

namespace fluxgate::influxdb {

FirstRow::FirstRow(const Settings& settings, std::int64_t wall_ns)
    : settings_(settings), wall_ns_(wall_ns), reader_(reader_limits(settings)), renderer_(message_options(settings)) {
    if (!settings.incremental) return;
    const window::Edges window = latest_window(*settings.incremental, wall_ns);
    ids_.set_window(window);
    renderer_.set_window(window_json(window));
}

void FirstRow::begin() {
    reader_.reset();
    bytes_ = 0;
    has_row_ = failed_ = false;
    fault_.clear();
}

void FirstRow::on_body(std::string_view bytes) {
    bytes_ += bytes.size();
    if (enough()) return;
    reader_.feed(bytes);
    while (!enough()) {
        switch (reader_.next()) {
        case flux::Event::need_more: return;
        case flux::Event::table:
            renderer_.set_table(reader_.table());
            ids_.set_table(reader_.table());
            break;
        case flux::Event::row: keep(reader_.row()); break;
        case flux::Event::long_row:
            has_row_ = true;
            fault_ = "row-too-long: " + std::to_string(reader_.long_row_bytes()) + " bytes are more than limits.maxRowBytes allows";
            break;
        case flux::Event::failed: failed_ = true; break;
        }
    }
}

void FirstRow::keep(const flux::Row& row) {
    has_row_ = true;
    message_.clear();
    message::append_probe_head(message_, message::timestamp_text(wall_ns_));
    message::PayloadSpan payload;
    message::RowFault fault;
    if (!renderer_.append_tail(row, message_, payload, fault)) fault_ = std::string{fault.code} + ": " + fault.text;
    if (fault_.empty() && settings_.incremental) window::put_hex(message_.at(payload.row_id), ids_.of(row));
}

Finding FirstRow::partition_finding() {
    if (!has_row_) return {Status::ok, "the query has no rows now, so there was no row to try the expression on"};
    if (!fault_.empty())
        return {Status::warning, "the first row becomes a dead letter, " + one_line(fault_), "the row does not fit what its table says, or a limit",
                "look at the row in the dead letters of a run"};
    auto made = prepared_partitioner(settings_);
    if (!made.ok()) return {Status::failed, one_line(made.error().text()), "the expression does not compile", "correct partitionStrategy.expression"};
    partition::Routed routed;
    (*made)->route(message_.view(), routed);
    if (!routed.dead_letter.empty())
        return {Status::failed, "the first row becomes a dead letter, " + std::string{routed.dead_letter} + ": " + one_line(routed.text),
                "the expression does not fit the rows of the query", "correct partitionStrategy.expression"};
    std::string text = "the first row goes to partition " + std::to_string(routed.partition);
    if (settings_.strategy == Strategy::key) text += " by the key \"" + one_line(routed.key) + "\"";
    return {Status::ok, std::move(text)};
}

} // namespace fluxgate::influxdb
