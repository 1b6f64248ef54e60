#include "window/row_id.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <utility>

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
    return std::any_of(time_columns_.begin(), time_columns_.end(),
                       [&](std::size_t i) { return row.fields[i].size != 0 || !sources_[i].default_value.empty(); });
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
}

void RowIds::write(Part& part, std::string_view value) {
    if (value.size() != part.size) {
        const std::size_t grown = value.size() - part.size; // modulo 2^64, so it may go back
        bytes_.replace(part.begin, part.size, value);
        part.size = value.size();
        for (Part* later = &part + 1; later != parts_.data() + parts_.size(); ++later)
            later->begin += grown;
        return;
    }
    std::memcpy(bytes_.data() + part.begin, value.data(), value.size());
}

Hash128 RowIds::of(const flux::Row& row) {
    const bool follows = row.number == last_number_ + 1;
    last_number_ = row.number;
    if (const bool timed = has_time(row); timed != with_time_) lay_out(timed);
    if (known_ && follows && row.same_before != 0) {
        const std::size_t last = std::min<std::size_t>(row.same_from, row.fields.size());
        for (std::size_t i = row.same_before; i < last; ++i) {
            if (const std::size_t p = sources_[i].part; p != none) write(parts_[p], part_value(row, parts_[p]));
        }
    } else {
        write_all(row);
        known_ = true;
    }
    return hash128(bytes_);
}

// Memory of the system's own, in large pages where it has them: with small ones, finding the page takes longer than the rest.
Repeats::Slots Repeats::make(std::size_t size) {
    const std::size_t bytes = size * sizeof(std::uint64_t);
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc{};
    ::madvise(at, bytes, MADV_HUGEPAGE); // only helps
    return Slots{static_cast<std::uint64_t*>(at), Unmap{bytes}};
}

void Unmap::operator()(std::uint64_t* slots) const noexcept {
    ::munmap(slots, bytes);
}

void Repeats::clear() {
    constexpr std::size_t kept = 1u << 16;
    if (size_ > kept && used_ < size_ / 16) { // a large window's memory is not held for small ones
        slots_.reset();
        filter_ = {};
        size_ = 0;
    }
    used_ = late_count_ = 0;
    many_.clear();
    std::fill_n(slots_.get(), size_, 0);
    std::fill(filter_.begin(), filter_.end(), 0);
}

// At most 52 of 100 slots are used: 4,000,000 of 7,800,000 at the end, which are 64 MiB with the filter.
void Repeats::grow() {
    constexpr std::size_t most_slots = 7'800'000;
    const Slots old = std::move(slots_);
    const std::size_t old_size = size_;
    size_ = old_size == 0 ? 4096 : std::max(std::min(old_size * 2, most_slots), old_size + 1);
    slots_ = make(size_);
    filter_.assign(size_ / 16 + 1, 0);
    for (std::size_t i = 0; i < old_size; ++i) {
        if (old[i] == 0) continue;
        std::size_t at = home(old[i]);
        while (slots_[at] != 0)
            at = at + 1 == size_ ? 0 : at + 1;
        slots_[at] = old[i];
        const std::uint64_t key = old[i] & ~count_bits;
        filter_[word_of(key)] |= bits_of(key);
    }
}

// Every key is where it belongs.
void Repeats::settle() {
    for (std::size_t i = 0; i < late_count_; ++i) {
        std::size_t at = home(late_[i]);
        while (slots_[at] != 0)
            at = at + 1 == size_ ? 0 : at + 1;
        slots_[at] = late_[i] | 1;
    }
    late_count_ = 0;
}

std::uint32_t Repeats::count(const Hash128& id) {
    if (used_ * 25 >= size_ * 13) {
        settle();
        grow();
    }
    const std::uint64_t key = id.high & ~count_bits, bits = bits_of(key);
    std::uint64_t& word = filter_[word_of(key)];
    if ((word & bits) == bits) return find_or_add(key);
    if (used_ >= most_) return overflow;
    word |= bits;
    ++used_;
    __builtin_prefetch(slots_.get() + home(key), 1);
    late_[late_count_++] = key;
    if (late_count_ == late_.size()) settle();
    return 0;
}

std::uint32_t Repeats::find_or_add(std::uint64_t key) {
    settle();
    std::size_t at = home(key);
    while (slots_[at] != 0) {
        std::uint64_t& slot = slots_[at];
        if ((slot & ~count_bits) == key) {
            const std::uint64_t before = slot & count_bits;
            if (before < count_bits) {
                ++slot;
                return static_cast<std::uint32_t>(before);
            }
            return many_.emplace(key, static_cast<std::uint32_t>(count_bits)).first->second++;
        }
        at = at + 1 == size_ ? 0 : at + 1;
    }
    if (used_ >= most_) return overflow;
    slots_[at] = key | 1;
    ++used_;
    return 0;
}

} // namespace fluxgate::window
