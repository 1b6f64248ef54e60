#include "flux/journal.hpp"

#include <cstring>

namespace fluxgate::flux {

namespace {

// The first byte of an entry: its kind and, of changes, two flags.
enum Kind : unsigned { time_entry, table_entry, row_entry, long_row_entry, changes_entry };
constexpr unsigned kind_bits = 7, crlf_flag = 8, same_columns_flag = 16;

// Seven bits a byte, the lowest first; the last byte has no high bit.
char* put_number(char* at, std::uint64_t value) noexcept {
    while (value >= 0x80) {
        *at++ = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    *at++ = static_cast<char>(value);
    return at;
}

char* put_text(char* at, std::string_view text) noexcept {
    at = put_number(at, text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

constexpr std::size_t number_bound = 10;
constexpr unsigned flag_bits = 3; // of a field

char* put_shape(char* at, const Field& field) noexcept {
    return put_number(at, static_cast<std::uint64_t>(field.size) << flag_bits | field.flags);
}

std::size_t quotes_of(const Field& field) noexcept {
    return (field.flags & Field::quoted) != 0 ? 1 : 0;
}

} // namespace

char* JournalWriter::put_time(char* at, std::int64_t received_ns) noexcept {
    *at++ = static_cast<char>(time_entry);
    std::memcpy(at, &received_ns, sizeof received_ns);
    return at + sizeof received_ns;
}

std::size_t JournalWriter::bound(const Table& table) noexcept {
    std::size_t bytes = 8 * number_bound;
    for (const Column& column : table.columns)
        bytes += column.name.size() + column.datatype.size() + column.default_value.size() + 4 * number_bound;
    return bytes;
}

char* JournalWriter::put(char* at, const Table& table) noexcept {
    *at++ = static_cast<char>(table_entry);
    at = put_number(at, table.number);
    at = put_number(at, static_cast<std::uint64_t>(table.result_column) + 1);
    at = put_number(at, static_cast<std::uint64_t>(table.table_column) + 1);
    at = put_number(at, table.columns.size());
    for (const Column& column : table.columns) {
        at = put_text(at, column.name);
        at = put_text(at, column.datatype);
        at = put_text(at, column.default_value);
        *at++ = column.group ? 1 : 0;
    }
    return at;
}

char* JournalWriter::put_place(char* at, const Row& row) noexcept {
    at = put_number(at, row.offset);
    at = put_number(at, row.number);
    end_ = row.offset + row.raw.size();
    return at;
}

char* JournalWriter::put(char* at, const Row& row) noexcept {
    if (row.same_from != ~std::uint32_t{0}) return put_changes(at, row);
    *at++ = static_cast<char>(row_entry);
    at = put_place(at, row);
    at = put_text(at, row.raw);
    if (row.fields.empty()) return at;
    at = put_number(at, static_cast<std::size_t>(row.fields[0].data - row.raw.data()) - quotes_of(row.fields[0]));
    for (const Field& field : row.fields)
        at = put_shape(at, field);
    return at;
}

char* JournalWriter::put_long(char* at, const Row& row, std::uint64_t long_row_bytes) noexcept {
    *at++ = static_cast<char>(long_row_entry);
    at = put_place(at, row);
    at = put_text(at, row.raw);
    return put_number(at, long_row_bytes);
}

// The row begins behind the line end of the one before, which is one byte long or two.
char* JournalWriter::put_changes(char* at, const Row& row) noexcept {
    const bool same_columns = row.same_before == same_before_ && row.same_from == same_from_;
    *at++ = static_cast<char>(changes_entry | (row.offset - end_ == 2 ? crlf_flag : 0) | (same_columns ? same_columns_flag : 0));
    if (!same_columns) {
        at = put_number(at, row.same_before);
        at = put_number(at, row.same_from);
        same_before_ = row.same_before;
        same_from_ = row.same_from;
    }
    end_ = row.offset + row.raw.size();
    if (row.same_before >= row.same_from) return at;
    const Field &first = row.fields[row.same_before], &last = row.fields[row.same_from - 1];
    for (std::size_t i = row.same_before; i < row.same_from; ++i)
        at = put_shape(at, row.fields[i]);
    const char* const begin = first.data - quotes_of(first);
    const auto size = static_cast<std::size_t>(last.data + last.size + quotes_of(last) - begin);
    std::memcpy(at, begin, size);
    return at + size;
}

void JournalReader::reset() {
    *this = JournalReader{};
}

std::uint64_t JournalReader::number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(*at_++);
        value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
}

std::string_view JournalReader::text() {
    const auto size = static_cast<std::size_t>(number());
    at_ += size;
    return {at_ - size, size};
}

Event JournalReader::next() {
    while (at_ != end_) {
        const auto first = static_cast<unsigned char>(*at_++);
        switch (first & kind_bits) {
        case time_entry:
            std::memcpy(&received_ns_, at_, sizeof received_ns_);
            at_ += sizeof received_ns_;
            break;
        case table_entry: read_table(); return Event::table;
        case row_entry: read_row(); return Event::row;
        case long_row_entry:
            read_place();
            row_.fields = {};
            row_.raw = text();
            long_row_bytes_ = number();
            return Event::long_row;
        default: read_changes(first); return Event::row;
        }
    }
    return Event::need_more;
}

void JournalReader::read_table() {
    table_.number = number();
    table_.result_column = static_cast<int>(number()) - 1;
    table_.table_column = static_cast<int>(number()) - 1;
    table_.columns.resize(static_cast<std::size_t>(number()));
    for (Column& column : table_.columns) {
        column.name = text();
        column.datatype = text();
        column.default_value = text();
        column.type = type_of(column.datatype);
        column.group = *at_++ != 0;
    }
    fields_.resize(table_.columns.size());
}

void JournalReader::read_place() {
    row_.offset = number();
    row_.number = number();
    row_.same_before = 0;
    row_.same_from = ~std::uint32_t{0};
}

// How the fields [first, last) are made; answers the size of their text with the commas between them.
std::size_t JournalReader::read_shapes(std::size_t first, std::size_t last) {
    std::size_t size = last - first - 1;
    for (std::size_t i = first; i < last; ++i) {
        const std::uint64_t shape = number();
        fields_[i].flags = static_cast<std::uint8_t>(shape & ((1u << flag_bits) - 1));
        fields_[i].size = static_cast<std::uint32_t>(shape >> flag_bits);
        size += fields_[i].size + 2 * quotes_of(fields_[i]);
    }
    return size;
}

// The first of these fields begins so far into the text.
void JournalReader::place(std::size_t first, std::size_t last, std::size_t begin) {
    const char* at = text_.data() + begin;
    for (std::size_t i = first; i < last; ++i) {
        const std::size_t quotes = quotes_of(fields_[i]);
        fields_[i].data = at + quotes;
        at += fields_[i].size + 2 * quotes + 1;
    }
}

void JournalReader::read_row() {
    read_place();
    const std::string_view raw = text();
    if (text_.size() < raw.size()) text_.resize(raw.size() + raw.size() / 2);
    if (!raw.empty()) std::memcpy(text_.data(), raw.data(), raw.size());
    size_ = raw.size();
    if (!fields_.empty()) {
        const auto begin = static_cast<std::size_t>(number());
        read_shapes(0, fields_.size());
        place(0, fields_.size(), begin);
    }
    row_.fields = fields_;
    row_.raw = {text_.data(), size_};
}

// The text of the columns that changed takes the place of the one that was there.
void JournalReader::read_changes(unsigned flags) {
    if ((flags & same_columns_flag) == 0) {
        same_before_ = static_cast<std::uint32_t>(number());
        same_from_ = static_cast<std::uint32_t>(number());
    }
    row_.offset += size_ + ((flags & crlf_flag) != 0 ? 2 : 1);
    ++row_.number;
    row_.same_before = same_before_;
    row_.same_from = same_from_;
    if (same_before_ >= same_from_) return;
    const Field &first = fields_[same_before_], &last = fields_[same_from_ - 1];
    const auto begin = static_cast<std::size_t>(first.data - text_.data()) - quotes_of(first);
    const auto end = static_cast<std::size_t>(last.data - text_.data()) + last.size + quotes_of(last);
    const std::size_t size = read_shapes(same_before_, same_from_);
    if (begin + size != end) {
        resize_middle(end, begin + size);
        place(same_from_, fields_.size(), begin + size + 1);
    }
    place(same_before_, same_from_, begin);
    std::memcpy(text_.data() + begin, at_, size);
    at_ += size;
    row_.raw = {text_.data(), size_};
}

// What stands behind `end` stands behind `new_end` instead.
void JournalReader::resize_middle(std::size_t end, std::size_t new_end) {
    const std::size_t size = size_ - end + new_end;
    if (size > text_.size()) {
        const char* const before = text_.data();
        std::vector<char> larger(size + size / 2);
        std::memcpy(larger.data(), before, size_);
        for (std::size_t i = 0; i < same_before_; ++i)
            fields_[i].data = larger.data() + (fields_[i].data - before);
        text_.swap(larger);
    }
    std::memmove(text_.data() + new_end, text_.data() + end, size_ - end);
    size_ = size;
}

} // namespace fluxgate::flux
