// Finds where fields and records end: a resumable state machine over bytes, fed with pieces of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fluxgate::flux {

// A field of the record being scanned, in bytes from the record's beginning. Flags are those of Field.
struct FieldSpan {
    std::uint32_t begin = 0, end = 0;
    std::uint8_t flags = 0;
};

// RFC 4180 with CRLF or LF line ends, strict about quotes: a quote inside an unquoted field and text behind a closing quote
// are errors (the wire's "Complete or not"). What it answers does not depend on how the bytes were cut into pieces.
class Scanner {
public:
    enum class Status {
        partial,         // the piece ended inside a record (or between two)
        record,          // a record ended; consumed() tells where in the piece
        quote_in_field,  // an unquoted field holds a quote, at offset()
        text_after_quote // something else than a delimiter follows a closing quote, at offset()
    };

    // At most `max_fields` spans are kept a record; further fields are only counted.
    explicit Scanner(std::size_t max_fields) : max_fields_(max_fields) {}

    // Forgets everything: the next piece begins a record.
    void begin_record() noexcept;

    Status scan(const char* begin, const char* end);

    [[nodiscard]] std::size_t consumed() const noexcept { return consumed_; }      // bytes of the last piece that were used
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }        // bytes of the record so far
    [[nodiscard]] std::uint64_t content_size() const noexcept { return content_; } // of a finished record, without its line end
    [[nodiscard]] std::size_t field_count() const noexcept { return count_; }
    [[nodiscard]] const std::vector<FieldSpan>& fields() const noexcept { return fields_; }
    [[nodiscard]] bool inside_quotes() const noexcept { return mode_ == Mode::quoted; }

private:
    enum class Mode : std::uint8_t { field_start, unquoted, unquoted_cr, quoted, quote, quote_cr };

    void end_field(std::uint64_t end);
    Status finish(const char* begin, const char* at, std::uint64_t content);

    std::size_t max_fields_;
    std::vector<FieldSpan> fields_;
    std::size_t count_ = 0;
    std::size_t consumed_ = 0;
    std::uint64_t offset_ = 0;
    std::uint64_t content_ = 0;
    std::uint64_t field_begin_ = 0;
    std::uint8_t flags_ = 0;
    Mode mode_ = Mode::field_start;
};

} // namespace fluxgate::flux
