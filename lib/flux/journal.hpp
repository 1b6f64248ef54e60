// What a Reader told of a body, kept in a form that is much smaller than the body and quick to tell again.
#pragma once

#include "flux/reader.hpp"
#include "flux/table.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::flux {

// Writes entries. An entry is whole and stands in one block of memory; entries have to be read in the order in which they were
// written. Of a row that shares columns with the row before only the others are written. Not thread-safe.
class JournalWriter {
public:
    // The first entry of another journal follows.
    void reset() { *this = JournalWriter{}; }

    // Each appends one entry at `at`, where there is room for as many bytes as its bound says, and answers the place behind it.
    static constexpr std::size_t time_bound = 16;
    static char* put_time(char* at, std::int64_t received_ns) noexcept; // of the bytes that the following rows ended in

    static std::size_t bound(const Table& table) noexcept;
    static char* put(char* at, const Table& table) noexcept;

    // Precondition: events of one Reader, in their order, none left out.
    static std::size_t bound(const Row& row) noexcept { return row.raw.size() + 10 * row.fields.size() + 64; }
    char* put(char* at, const Row& row) noexcept;
    char* put_long(char* at, const Row& row, std::uint64_t long_row_bytes) noexcept;

private:
    char* put_place(char* at, const Row& row) noexcept;
    char* put_changes(char* at, const Row& row) noexcept;

    std::uint64_t end_ = 0; // of the row before, without its line end
    std::uint32_t same_before_ = 0, same_from_ = 0;
};

// Reads them. What it answers is what the Reader answered, byte for byte; views are valid until the next call. Not thread-safe.
class JournalReader {
public:
    // Begins another journal.
    void reset();

    // Hands over the next block. Precondition: next() answered need_more (or nothing was handed over). The bytes must be whole entries
    // of a JournalWriter, and stay until then.
    void feed(std::string_view block) noexcept {
        at_ = block.data();
        end_ = at_ + block.size();
    }

    // table, row, long_row; need_more: the block is used up.
    Event next();

    [[nodiscard]] bool empty() const noexcept { return at_ == end_; } // next() would answer need_more
    [[nodiscard]] const Table& table() const noexcept { return table_; }
    [[nodiscard]] const Row& row() const noexcept { return row_; }
    [[nodiscard]] std::uint64_t long_row_bytes() const noexcept { return long_row_bytes_; }
    [[nodiscard]] std::int64_t received_ns() const noexcept { return received_ns_; } // by the last put_time before the row

private:
    void read_table();
    void read_place();
    void read_row();
    void read_changes(unsigned flags);
    std::uint64_t number();
    std::string_view text();
    std::size_t read_shapes(std::size_t first, std::size_t last);
    void place(std::size_t first, std::size_t last, std::size_t begin);
    void resize_middle(std::size_t end, std::size_t new_end);

    const char* at_ = nullptr;
    const char* end_ = nullptr;
    Table table_;
    Row row_;
    std::vector<Field> fields_;
    std::vector<char> text_; // of the row, which the next one changes
    std::size_t size_ = 0;   // of that text
    std::uint32_t same_before_ = 0, same_from_ = 0;
    std::uint64_t long_row_bytes_ = 0;
    std::int64_t received_ns_ = 0;
};

} // namespace fluxgate::flux
