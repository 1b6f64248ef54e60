// Compares what a Reader tells with what a journal of it tells, event by event.
#pragma once

#include "flux/journal.hpp"
#include "flux/reader.hpp"

#include <string>
#include <vector>

namespace fluxgate::test {

// What differs first between two tables or rows, or "".
inline std::string difference(const flux::Table& a, const flux::Table& b) {
    if (a.number != b.number) return "the table's number";
    if (a.result_column != b.result_column || a.table_column != b.table_column) return "the encoder's columns";
    if (a.columns.size() != b.columns.size()) return "the number of columns";
    for (std::size_t i = 0; i < a.columns.size(); ++i) {
        const flux::Column &x = a.columns[i], &y = b.columns[i];
        if (x.name != y.name || x.datatype != y.datatype || x.default_value != y.default_value || x.type != y.type || x.group != y.group)
            return "column " + std::to_string(i);
    }
    return {};
}

inline std::string difference(const flux::Row& a, const flux::Row& b) {
    if (a.offset != b.offset) return "the row's offset";
    if (a.number != b.number) return "the row's number";
    if (a.raw != b.raw) return "the row's bytes";
    if (a.same_before != b.same_before || a.same_from != b.same_from) return "the columns in common with the row before";
    if (a.fields.size() != b.fields.size()) return "the number of fields";
    for (std::size_t i = 0; i < a.fields.size(); ++i) {
        if (a.fields[i].raw() != b.fields[i].raw() || a.fields[i].flags != b.fields[i].flags) return "field " + std::to_string(i);
    }
    return {};
}

class JournalComparison {
public:
    // The event that the reader answered last, written and read back at once: what differs, or "".
    std::string add(flux::Event event, const flux::Reader& reader) {
        const std::size_t bound = event == flux::Event::table ? flux::JournalWriter::bound(reader.table()) : flux::JournalWriter::bound(reader.row());
        block_.assign(bound + flux::JournalWriter::time_bound, '\x7F');
        const auto time = static_cast<std::int64_t>(bytes_ + 1);
        char* const begin = flux::JournalWriter::put_time(block_.data(), time);
        char* end = begin;
        switch (event) {
        case flux::Event::table: end = flux::JournalWriter::put(begin, reader.table()); break;
        case flux::Event::row: end = writer_.put(begin, reader.row()); break;
        default: end = writer_.put_long(begin, reader.row(), reader.long_row_bytes());
        }
        if (end > begin + bound) return "the bound of an entry";
        bytes_ += static_cast<std::size_t>(end - begin);
        reader_.feed({block_.data(), static_cast<std::size_t>(end - block_.data())});
        if (reader_.next() != event) return "the kind of an event";
        if (!reader_.empty() || reader_.received_ns() != time) return "what stands around an entry";
        if (event == flux::Event::table) return difference(reader.table(), reader_.table());
        if (event == flux::Event::long_row && reader.long_row_bytes() != reader_.long_row_bytes()) return "the size of a long row";
        return difference(reader.row(), reader_.row());
    }

    [[nodiscard]] std::size_t bytes() const { return bytes_; } // of entries, so far

private:
    flux::JournalWriter writer_;
    flux::JournalReader reader_;
    std::vector<char> block_;
    std::size_t bytes_ = 0;
};

} // namespace fluxgate::test
