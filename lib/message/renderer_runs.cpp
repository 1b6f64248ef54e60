// The tail of a message: whole, or around the text of the columns that it has in common with the row before.
#include "message/put.hpp"
#include "message/renderer.hpp"

#include <algorithm>

namespace fluxgate::message {

namespace {

// Rows that have to use the runs before a change in them counts as rare, and rows after which the runs may grow.
constexpr std::uint32_t rare = 32, a_while = 512;

// Longer messages are not kept to be copied: rendering them costs little beside their bytes.
constexpr std::size_t longest = 64u << 10;

// Every key is written with a comma before it; the first one of the payload follows its brace instead. False: there is none.
bool open_payload(Buffer& out, std::size_t at) {
    if (at == out.size() || out.view()[at] == '}') return false;
    out.put(at, '{');
    return true;
}

} // namespace

bool Renderer::append_tail(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault) {
    const std::size_t before = out.size();
    if (runs_fit(row)) {
        if (append_runs(row, out, payload, fault)) return true;
    } else {
        plan_runs(row);
        if (append_whole(row, out, payload, fault)) return true;
        runs_.known = false;
    }
    out.truncate(before);
    return false;
}

// What the row shares with the one before, it shares with the runs: they hold that row's text.
bool Renderer::runs_fit(const flux::Row& row) {
    Runs& runs = runs_;
    const bool follows = row.number == runs.last_number + 1;
    runs.last_number = row.number;
    if (!follows) runs.known = false;
    if (row.same_before == 0) return false;
    const bool begins = runs.seen_rows == 0;
    runs.seen_before = begins ? row.same_before : std::min(runs.seen_before, row.same_before);
    runs.seen_from = begins ? row.same_from : std::max(runs.seen_from, row.same_from);
    if (++runs.seen_rows == a_while) {
        if (runs.seen_before > runs.before || runs.seen_from < runs.from) {
            runs.before = runs.seen_before;
            runs.from = runs.seen_from;
            runs.known = false;
        }
        runs.seen_rows = 0;
    }
    return runs.known && row.same_before >= runs.before && row.same_from <= runs.from;
}

// Which columns the runs will hold that are made of this row. They shrink to what it has in common with the row before, unless
// many rows could use them as they were.
void Renderer::plan_runs(const flux::Row& row) {
    Runs& runs = runs_;
    const auto count = static_cast<std::uint32_t>(columns_.size());
    if (row.same_before != 0) { // else nothing is known of this row, and the runs are only made anew
        if (runs.before == 0) {
            runs.before = row.same_before;
            runs.from = row.same_from;
        } else if (runs.rows < rare) {
            runs.before = std::min(runs.before, row.same_before);
            runs.from = std::max(runs.from, row.same_from);
        }
        runs.rows = 0;
    }
    runs.known = runs.before >= own_columns_end_ && runs.before != 0;
    if (!runs.known) runs.from = count;
}

bool Renderer::append_runs(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault) {
    Runs& runs = runs_;
    const std::size_t before = out.size();
    out.append(runs.front);
    payload.begin = before + runs.payload;
    payload.row_id = before + runs.row_id;
    if (!append_columns(row, runs.before, runs.from, out, fault)) return false;
    out.append(runs.back);
    if (!open_payload(out, payload.begin)) {
        out.truncate(payload.begin);
        out.append("{}}");
    }
    payload.end = out.size() - 1;
    replaced_ += runs.replaced;
    ++runs.rows;
    return true;
}

bool Renderer::append_whole(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault) {
    Runs& runs = runs_;
    const std::size_t before = out.size();
    const std::size_t middle = runs.known ? runs.before : 0, last = runs.known ? runs.from : columns_.size();
    const std::uint64_t replaced = replaced_;
    if (!append_properties(row, out, payload, fault)) return false;
    payload.begin = out.size();
    if (!append_columns(row, 0, middle, out, fault)) return false;
    const std::size_t front_end = out.size();
    const std::uint64_t replaced_front = replaced_;
    if (!append_columns(row, middle, last, out, fault)) return false;
    const std::size_t back_begin = out.size();
    const std::uint64_t replaced_middle = replaced_;
    if (!append_columns(row, last, columns_.size(), out, fault)) return false;
    out.append("}}");
    runs.known = runs.known && out.size() - before <= longest;
    if (runs.known) {
        runs.front = out.view().substr(before, front_end - before);
        runs.back = out.view().substr(back_begin);
        runs.payload = payload.begin - before;
        runs.row_id = payload.row_id - before;
        runs.replaced = (replaced_front - replaced) + (replaced_ - replaced_middle);
    }
    if (!open_payload(out, payload.begin)) {
        out.truncate(payload.begin);
        out.append("{}}");
    }
    payload.end = out.size() - 1;
    return true;
}

} // namespace fluxgate::message
