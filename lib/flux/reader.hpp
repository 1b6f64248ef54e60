// An incremental reader of annotated CSV (the wire's "Annotated CSV"): chunks of any size in, tables and rows out, and a
// definite answer to "did this response end completely?".
#pragma once

#include "flux/repeat.hpp"
#include "flux/scanner.hpp"
#include "flux/table.hpp"
#include "fluxgate/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::flux {

struct Limits {
    std::uint32_t max_row_bytes = 16u << 20;   // a longer row is answered as Event::long_row
    std::uint32_t max_columns = 4096;          // more make the response corrupt
    std::uint32_t max_header_bytes = 1u << 20; // of one annotation block with its header; more make the response corrupt
    std::uint32_t max_annotations = 16;        // rows of one annotation block; more make the response corrupt
};

enum class Event {
    need_more, // the chunk is used up: feed the next one, or ask finish()
    table,     // a header was read: table() describes the rows that follow
    row,       // row() is a row of table()
    long_row,  // a row beyond max_row_bytes: row().raw is its beginning, long_row_bytes() its size; fields is empty
    failed     // failure() says why; the reader answers `failed` from now on
};

// Where and why a response cannot be read on. Errc::corrupt: not annotated CSV. Errc::query: the server's error table;
// server_text holds its message (its beginning, where the row is longer than max_row_bytes).
struct Failure {
    Errc code = Errc::corrupt;
    std::string message;     // in our words, with row, column and offset
    std::string server_text; // the error table's message
    std::uint64_t offset = 0, row = 0;
    std::size_t column = 0; // from 1, the annotation column is 1; 0 when no column is meant
};

// Not thread-safe. Memory: one record, at most max_row_bytes.
class Reader {
public:
    explicit Reader(Limits limits = {});

    // Begins a new response.
    void reset();

    // Hands over the next bytes of the decoded body. Precondition: the last answer was need_more (or nothing was fed). The
    // bytes must stay until next() answers need_more or failed.
    void feed(std::string_view chunk) noexcept;

    Event next();

    [[nodiscard]] const Table& table() const noexcept { return table_; }
    [[nodiscard]] const Row& row() const noexcept { return row_; }
    [[nodiscard]] std::uint64_t long_row_bytes() const noexcept { return long_row_bytes_; }
    [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

    // After the last chunk: "" when the CSV itself is complete (outside quotes, last record is the blank line that the
    // encoder writes after every result, at least one byte, no error table), else what is missing.
    [[nodiscard]] std::string finish() const;

    [[nodiscard]] std::uint64_t bytes() const noexcept { return offset_; } // of the body, used so far; of a wrong quote, those before it
    [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

private:
    enum class State : std::uint8_t { start, annotations, rows, error_rows };

    Event on_partial(const char* begin);
    Event on_record(const char* begin, std::size_t size);
    Event on_bad_quote(Scanner::Status status);
    Event on_annotation(const char* text);
    Event on_header(const char* text);
    Event on_row(const char* text);
    bool repeat_row();
    Event on_long_row(std::string_view kept);
    Event on_error_row(std::string_view kept);
    Event used_annotation_column(std::string_view kept);
    Event fail(Errc code, std::uint64_t offset, std::size_t column, const std::string& what);
    Event wrong_field_count(std::size_t expected);
    Field field_at(const char* text, std::size_t index) const noexcept;
    [[nodiscard]] bool in_header(char first) const noexcept;
    void set_table(const char* text);

    Limits limits_;
    Scanner scanner_;
    std::string_view chunk_;
    std::string carry_;        // the beginning of a record that an earlier chunk began
    bool carry_used_ = false;  // the record was read: only views point into carry_, until the next one is carried
    std::uint64_t offset_ = 0; // of the first byte of chunk_ in the body
    std::uint64_t record_offset_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t long_row_bytes_ = 0;
    std::uint64_t header_bytes_ = 0;
    std::uint32_t annotations_ = 0;
    std::size_t block_fields_ = 0; // fields of the annotation block's rows
    bool last_was_blank_ = false;
    bool error_table_ = false; // the header of one was read, whatever came behind it
    State state_ = State::start;

    std::vector<std::string> datatypes_, groups_, defaults_; // of the block being read, with the annotation column
    bool have_datatypes_ = false, have_groups_ = false, have_defaults_ = false;
    Table table_;
    std::vector<Field> fields_;
    Repeat repeat_;
    Row row_;
    Failure failure_;
    bool failed_ = false;
};

} // namespace fluxgate::flux
