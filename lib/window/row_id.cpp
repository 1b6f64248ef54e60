#include "window/row_id.hpp"

#include "message/put.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fluxgate::window {

namespace {

constexpr char separator = '\x1F';

bool is_plain(const flux::Field& field) noexcept {
    return (field.flags & (flux::Field::doubled | flux::Field::special)) == 0;
}

} // namespace

void RowIds::set_window(const Edges& edges) {
    start_ = format_instant(edges.start);
    stop_ = format_instant(edges.stop);
    known_ = false;
}

void RowIds::set_table(const flux::Table& table) {
    const std::size_t count = table.columns.size();
    names_.resize(count);
    defaults_.resize(count);
    own_.assign(count, false);
    time_columns_.clear();
    result_column_ = table.result_column >= 0 ? static_cast<std::size_t>(table.result_column) : none;
    for (std::size_t i = 0; i < count; ++i) {
        names_[i] = table.columns[i].name;
        defaults_[i] = table.columns[i].default_value;
        own_[i] = static_cast<int>(i) == table.result_column || static_cast<int>(i) == table.table_column;
        if (!own_[i] && names_[i] == "_time") time_columns_.push_back(i);
    }
    times_begin_ = time_columns_.empty() ? none : time_columns_.front();
    times_end_ = time_columns_.empty() ? 0 : time_columns_.back() + 1;
    lay_out(true);
}

// The parts of the hashed bytes in their order. std::string compares bytes as unsigned.
void RowIds::lay_out(bool with_time) {
    with_time_ = with_time;
    known_ = false;
    parts_.clear();
    part_of_.assign(names_.size(), none);
    bool has_start = false, has_stop = false;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        const bool start = names_[i] == "_start", stop = names_[i] == "_stop";
        if (own_[i] || (with_time && (start || stop))) continue;
        has_start = has_start || start;
        has_stop = has_stop || stop;
        parts_.push_back({names_[i], i});
    }
    if (!with_time && !has_start) parts_.push_back({"_start", none});
    if (!with_time && !has_stop) parts_.push_back({"_stop", none});
    std::stable_sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.name < b.name; });
    parts_.insert(parts_.begin(), Part{{}, result_column_});
    places_.resize(parts_.size());
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        if (p != 0) parts_[p].name += separator;
        if (parts_[p].column != none) part_of_[parts_[p].column] = p;
    }
}

std::string_view RowIds::value_of(const flux::Row& row, std::size_t column) {
    const flux::Field& field = row.fields[column];
    if (field.size == 0) return defaults_[column];
    if (is_plain(field)) return field.raw();
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
        if (row.fields[i].size != 0 || !defaults_[i].empty()) return true;
    return false;
}

void RowIds::take_anew(const flux::Row& row) {
    if (const bool timed = has_time(row); timed != with_time_) lay_out(timed);
    bytes_.clear();
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        bytes_ += parts_[p].name;
        const std::string_view value = part_value(row, parts_[p]);
        places_[p] = {bytes_.size(), value.size()};
        bytes_ += value;
        bytes_ += separator;
    }
    size_ = bytes_.size();
    known_ = true;
}

// What stands behind the value makes room, or closes up.
void RowIds::resize(Place& place, std::size_t size) {
    const std::size_t grown = size - place.size; // modulo 2^64, so it may go back
    const std::size_t tail = place.begin + place.size, length = size_ - tail;
    if (size_ + grown > bytes_.size()) bytes_.resize(size_ + grown);
    char* const from = bytes_.data() + tail;
    if (std::array<char, 64> between; length <= between.size()) {
        message::put(between.data(), from, length);
        message::put(from + grown, between.data(), length);
    } else {
        std::memmove(from + grown, from, length);
    }
    size_ += grown;
    place.size = size;
    for (Place* later = &place + 1; later != places_.data() + places_.size(); ++later)
        later->begin += grown;
}

inline void RowIds::write(Place& place, std::string_view value) {
    if (value.size() != place.size) resize(place, value.size());
    message::put(bytes_.data() + place.begin, value.data(), value.size());
}

void RowIds::take(const flux::Row& row) {
    const bool follows = row.number == last_number_ + 1 && row.same_before != 0; // else every column may have changed
    last_number_ = row.number;
    const std::size_t first = follows ? row.same_before : 0;
    const std::size_t last = follows ? std::min<std::size_t>(row.same_from, row.fields.size()) : row.fields.size();
    if (!known_ || (first < times_end_ && last > times_begin_ && has_time(row) != with_time_)) {
        take_anew(row);
        return;
    }
    for (std::size_t i = first; i < last; ++i) {
        const std::size_t p = part_of_[i];
        if (p == none) continue;
        const flux::Field& field = row.fields[i];
        write(places_[p], field.size != 0 && is_plain(field) ? field.raw() : part_value(row, parts_[p]));
    }
}

} // namespace fluxgate::window
