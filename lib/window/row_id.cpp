#include "window/row_id.hpp"

#include "message/put.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fluxgate::window {

namespace {

constexpr char separator = '\x1F';

} // namespace

void RowIds::set_window(const Edges& edges) {
    start_ = format_instant(edges.start);
    stop_ = format_instant(edges.stop);
    known_ = false;
}

void RowIds::set_table(const flux::Table& table) {
    const std::size_t count = table.columns.size();
    sources_.assign(count, Source{});
    names_.resize(count);
    own_.assign(count, false);
    time_columns_.clear();
    result_column_ = table.result_column >= 0 ? static_cast<std::size_t>(table.result_column) : none;
    for (std::size_t i = 0; i < count; ++i) {
        names_[i] = table.columns[i].name;
        sources_[i].default_value = table.columns[i].default_value;
        own_[i] = static_cast<int>(i) == table.result_column || static_cast<int>(i) == table.table_column;
        if (!own_[i] && names_[i] == "_time") time_columns_.push_back(i);
    }
    with_time_ = true;
    lay_out(true);
}

// The parts of the hashed bytes in their order. std::string compares bytes as unsigned.
void RowIds::lay_out(bool with_time) {
    with_time_ = with_time;
    known_ = false;
    parts_.clear();
    bool has_start = false, has_stop = false;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        sources_[i].part = none;
        const bool start = names_[i] == "_start", stop = names_[i] == "_stop";
        if (own_[i] || (with_time && (start || stop))) continue;
        has_start = has_start || start;
        has_stop = has_stop || stop;
        parts_.push_back({names_[i], i, 0, 0});
    }
    if (!with_time && !has_start) parts_.push_back({"_start", none, 0, 0});
    if (!with_time && !has_stop) parts_.push_back({"_stop", none, 0, 0});
    std::stable_sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.name < b.name; });
    parts_.insert(parts_.begin(), Part{{}, result_column_, 0, 0});
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        if (p != 0) parts_[p].name += separator;
        if (parts_[p].column != none) sources_[parts_[p].column].part = p;
    }
}

std::string_view RowIds::value_of(const flux::Row& row, std::size_t column) {
    const flux::Field& field = row.fields[column];
    if (field.size == 0) return sources_[column].default_value;
    if ((field.flags & (flux::Field::doubled | flux::Field::special)) == 0) return field.raw();
    decoded_ = flux::decode(field);
    return decoded_;
}

std::string_view RowIds::part_value(const flux::Row& row, const Part& part) {
    const std::string_view value = part.column == none ? std::string_view{} : value_of(row, part.column);
    if (!value.empty() || with_time_) return value;
    if (part.name.size() == 7 && part.name.compare(0, 6, "_start") == 0) return start_;
    if (part.name.size() == 6 && part.name.compare(0, 5, "_stop") == 0) return stop_;
    return value;
}

bool RowIds::has_time(const flux::Row& row) const {
    for (const std::size_t i : time_columns_)
        if (row.fields[i].size != 0 || !sources_[i].default_value.empty()) return true;
    return false;
}

void RowIds::write_all(const flux::Row& row) {
    bytes_.clear();
    for (Part& part : parts_) {
        bytes_ += part.name;
        const std::string_view value = part_value(row, part);
        part.begin = bytes_.size();
        part.size = value.size();
        bytes_ += value;
        bytes_ += separator;
    }
    size_ = bytes_.size();
}

// What stands behind the value makes room, or closes up.
void RowIds::resize(Part& part, std::size_t size) {
    const std::size_t grown = size - part.size; // modulo 2^64, so it may go back
    const std::size_t tail = part.begin + part.size, length = size_ - tail;
    if (size_ + grown > bytes_.size()) bytes_.resize(size_ + grown);
    char* const from = bytes_.data() + tail;
    if (std::array<char, 64> between; length <= between.size()) {
        message::put(between.data(), from, length);
        message::put(from + grown, between.data(), length);
    } else {
        std::memmove(from + grown, from, length);
    }
    size_ += grown;
    part.size = size;
    for (Part* later = &part + 1; later != parts_.data() + parts_.size(); ++later)
        later->begin += grown;
}

inline void RowIds::write(Part& part, std::string_view value) {
    if (value.size() != part.size) resize(part, value.size());
    message::put(bytes_.data() + part.begin, value.data(), value.size());
}

bool RowIds::time_changed(std::size_t first, std::size_t last) const noexcept {
    for (const std::size_t i : time_columns_)
        if (i >= first && i < last) return true;
    return false;
}

void RowIds::take(const flux::Row& row) {
    const bool follows = known_ && row.number == last_number_ + 1 && row.same_before != 0;
    last_number_ = row.number;
    const std::size_t first = row.same_before, last = std::min<std::size_t>(row.same_from, row.fields.size());
    if (!follows || time_changed(first, last)) {
        if (const bool timed = has_time(row); timed != with_time_) lay_out(timed);
    }
    if (!known_ || !follows) {
        write_all(row);
        known_ = true;
        return;
    }
    for (std::size_t i = first; i < last; ++i) {
        const std::size_t p = sources_[i].part;
        if (p == none) continue;
        const flux::Field& field = row.fields[i];
        const bool plain = field.size != 0 && (field.flags & (flux::Field::doubled | flux::Field::special)) == 0;
        write(parts_[p], plain ? field.raw() : part_value(row, parts_[p]));
    }
}

} // namespace fluxgate::window
