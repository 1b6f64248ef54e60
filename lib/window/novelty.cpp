#include "window/novelty.hpp"

#include "message/put.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace fluxgate::window {

namespace {

constexpr char separator = '\x1F'; // of RowIds

std::uint64_t word_at(const char* at) noexcept {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// So that words compare as the bytes in memory do.
std::uint64_t in_order(std::uint64_t word) noexcept {
    return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

// a > b. Times mostly have one length and differ in a few digits: comparing words beats a call of memcmp.
bool is_later(std::string_view a, std::string_view b) noexcept {
    constexpr std::size_t word = sizeof(std::uint64_t);
    if (a.size() != b.size() || a.size() < word) return a > b;
    const std::size_t last = a.size() - word;
    std::size_t at = 0;
    while (at < last && word_at(a.data() + at) == word_at(b.data() + at))
        at += word;
    at = std::min(at, last);
    return in_order(word_at(a.data() + at)) > in_order(word_at(b.data() + at));
}

bool holds_separator(std::string_view text) noexcept {
    return text.find(separator) != std::string_view::npos;
}

} // namespace

void Novelty::clear() {
    grouped_.clear();
    series_.clear();
    present_ = nullptr;
    uncertain_ = false;
}

void Novelty::set_table(const flux::Table& table) {
    const std::size_t count = table.columns.size();
    result_ = table.result_column >= 0 ? static_cast<std::size_t>(table.result_column) : none;
    defaults_.resize(count);
    tells_.assign(count, false);
    std::vector<std::size_t> hashed; // in the identity of a row that has a time
    std::size_t times = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const flux::Column& from = table.columns[i];
        defaults_[i] = from.default_value;
        if (holds_separator(from.name) || holds_separator(from.default_value)) uncertain_ = true;
        if (i == result_ || static_cast<int>(i) == table.table_column || from.name == "_start" || from.name == "_stop") continue;
        hashed.push_back(i);
        tells_[i] = from.group;
        if (from.name != "_time") continue;
        time_ = i;
        ++times;
    }
    if (times != 1) time_ = none;
    if (result_ != none) tells_[result_] = true;
    telling_until_.assign(1, 0);
    for (std::size_t i = 0; i < count; ++i)
        telling_until_.push_back(telling_until_[i] + (tells_[i] ? 1 : 0));
    present_ = nullptr;
    set_layout(table, std::move(hashed));
}

// Names in the order in which they are hashed.
void Novelty::set_layout(const flux::Table& table, std::vector<std::size_t> hashed) {
    std::stable_sort(hashed.begin(), hashed.end(), [&](std::size_t a, std::size_t b) { return table.columns[a].name < table.columns[b].name; });
    std::string names, grouped;
    in_series_.clear();
    for (const std::size_t i : hashed) {
        (names += table.columns[i].name) += separator;
        grouped += tells_[i] ? '1' : '0';
        if (tells_[i]) in_series_.push_back(i);
    }
    layout_ = hash128(names);
    const Hash128 flags = hash128(grouped);
    if (grouped_.emplace(layout_, flags).first->second != flags) uncertain_ = true;
}

std::string_view Novelty::value_of(const flux::Row& row, std::size_t column) {
    const flux::Field& field = row.fields[column];
    if (field.size == 0) return defaults_[column];
    if ((field.flags & (flux::Field::doubled | flux::Field::special)) == 0) return field.raw();
    decoded_ = flux::decode(field);
    return decoded_;
}

// These columns may have changed.
inline void Novelty::look_at(const flux::Row& row, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
        const flux::Field& field = row.fields[i];
        if ((field.flags & flux::Field::special) != 0 && holds_separator(field.raw())) uncertain_ = true;
    }
}

void Novelty::find_series(const flux::Row& row) {
    text_.assign(reinterpret_cast<const char*>(&layout_), sizeof layout_);
    if (result_ != none) text_ += value_of(row, result_);
    text_ += separator;
    for (const std::size_t i : in_series_)
        (text_ += value_of(row, i)) += separator;
    const Hash128 name = hash128(text_);
    const auto known = series_.find(name);
    if (known != series_.end()) {
        present_ = &known->second;
    } else if (series_.size() < most_series) {
        present_ = &series_[name];
    } else {
        uncertain_ = true;
    }
}

// Whether the time is later than all of its series so far. Times with different numbers of decimals keep their order when the Z is
// not compared; those that end otherwise are compared as they are, and two that differ never become the same unless one is the other
// with a Z, which is not later.
inline bool Novelty::follows(std::string_view time) {
    if (time.back() == 'Z') time.remove_suffix(1);
    Series& series = *present_;
    if (time.empty() || time.size() > series.time.size()) {
        uncertain_ = true;
        return false;
    }
    present_time_ = time;
    if (!is_later(time, {series.time.data(), series.size})) return false;
    message::put(series.time.data(), time.data(), time.size());
    series.size = time.size();
    return true;
}

std::optional<std::string> Novelty::newest() const {
    if (uncertain_) return std::nullopt;
    std::string_view latest;
    for (const auto& [name, series] : series_)
        latest = std::max(latest, std::string_view{series.time.data(), series.size});
    return std::string{latest};
}

bool Novelty::is_new(const flux::Row& row) {
    present_time_ = {};
    if (uncertain_) return false;
    const bool next = row.number == last_number_ + 1 && row.same_before != 0;
    last_number_ = row.number;
    const std::size_t first = next ? row.same_before : 0;
    const std::size_t last = next ? std::min<std::size_t>(row.same_from, defaults_.size()) : defaults_.size();
    look_at(row, first, last);
    if (uncertain_ || time_ == none) return false;
    if (telling_until_[first] != telling_until_[last] || present_ == nullptr) find_series(row);
    const flux::Field& field = row.fields[time_];
    if ((field.flags & (flux::Field::doubled | flux::Field::special)) != 0) uncertain_ = true;
    if (uncertain_) return false;
    const std::string_view time = field.size == 0 ? std::string_view{defaults_[time_]} : field.raw();
    return !time.empty() && follows(time);
}

} // namespace fluxgate::window
