// Reads a row by what it has in common with the row before it. Rows of a table mostly repeat their group key, and comparing
// bytes is cheaper than looking for delimiters in them.
#pragma once

#include "flux/scanner.hpp"
#include "flux/table.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fluxgate::flux {

// The same bytes from the beginning of a record are parsed the same way, so fields up to the first difference are known; so
// is what follows a field, when the bytes up to the line end are those that followed it before. Nothing is taken on trust:
// #group only says from which column on a comparison is worth trying. Not thread-safe.
class Repeat {
public:
    // Rows of this table follow.
    void set_table(const Table& table);

    // The next row will not be compared.
    void forget() noexcept { size_ = 0; }
    [[nodiscard]] bool remembers() const noexcept { return size_ != 0; }

    // The record that `scanner` ended is a row of the table; it lies at `text` and stays there until forget().
    void remember(const char* text, const Scanner& scanner);

    // True: a whole row lies at `begin`, and stays there like the one before. The fields that may differ were written to
    // `fields` (one a column, as the row before left them). False: it has to be read the long way; `fields` is in disorder.
    // Precondition: remembers().
    bool match(const char* begin, const char* end, std::vector<Field>& fields);

    // Of the last row that matched: bytes with and without its line end; the columns that were not looked at are
    // [0, same_before) and [same_from, columns).
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t content_size() const noexcept { return content_; }
    [[nodiscard]] std::uint32_t same_before() const noexcept { return static_cast<std::uint32_t>(first_ - 1); }
    [[nodiscard]] std::uint32_t same_from() const noexcept { return static_cast<std::uint32_t>(last_ - 1); }

private:
    bool match_from(const char* begin, const char* end, std::vector<Field>& fields);
    bool ends_as_before(const char* begin, const char* at, const char* end, std::size_t field);

    std::vector<std::uint32_t> begins_; // of each field of the record, the annotation column and opening quotes included
    const char* text_ = nullptr;        // the row before
    std::size_t size_ = 0, content_ = 0;
    std::size_t suffix_ = 0;           // the field behind the last one that the server does not call grouped
    std::size_t first_ = 1, last_ = 1; // the fields that may differ: [first_, last_)
};

} // namespace fluxgate::flux
