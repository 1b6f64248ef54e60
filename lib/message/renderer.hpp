// Renders a row as the Data Processor message envelope in canonical JSON (the stage's "Message").
#pragma once

#include "flux/table.hpp"
#include "message/buffer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::message {

enum class NonFinite : std::uint8_t { null, string, dead_letter };
enum class Nulls : std::uint8_t { include, omit };

struct Options {
    NonFinite non_finite = NonFinite::null;
    Nulls nulls = Nulls::include;
    bool types = false; // properties get `types`, the columns' types by payload name, and `groupKey`, the names of those in the group key
};

// Why a row is a dead letter. `code` is a fixed word: "type-mismatch", "unknown-type", "non-finite".
struct RowFault {
    std::string_view code;
    std::string text;
};

// Where the payload stands in the buffer that the tail was appended to.
struct PayloadSpan {
    std::size_t begin = 0, end = 0;
    std::size_t row_id = 0; // where the 32 digits of the rowId go, when there is one
};

// A message is head + tail:
//   {"systemProperties":{"timestamp":"...","partitionId":0,"partitionKey":"k"},   <- head, knows the partition
//   "properties":{...},"userProperties":[],"payload":{...}}                      <- tail, knows the row
// Not thread-safe.
class Renderer {
public:
    explicit Renderer(Options options) : options_(options) {}

    // Prepares for rows of `table` (copied). Answers how many columns got a suffix because their name is repeated.
    std::size_t set_table(const flux::Table& table);

    // The properties of the rows that follow get `window`, with this text (JSON, an array of two times), and a `rowId` of 32
    // zeros, over which the caller writes. Empty, as at first: neither.
    void set_window(std::string_view json);

    // Appends the tail. False: the row does not match its table's types; `fault` says why, `out` is as before.
    bool append_tail(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault);

    // Appends a message of these columns and properties alone, for an expression that reads nothing else. Columns are ascending;
    // one that is null is absent where `nulls` is "omit". Precondition: append_tail() found nothing wrong with the row.
    void append_excerpt(const flux::Row& row, const std::vector<std::uint32_t>& columns, bool result, bool table, Buffer& out);

    // The payload name of a column: valid UTF-8, after repeated names got their suffix. Precondition: index < columns of the table.
    [[nodiscard]] const std::string& payload_name(std::size_t column) const noexcept { return columns_[column].name; }

    // Bad UTF-8 sequences that were replaced by U+FFFD so far, in all rows.
    [[nodiscard]] std::uint64_t replaced_sequences() const noexcept { return replaced_; }

private:
    struct Column {
        std::string key;  // ,"name": escaped, with separator, quotes and colon
        std::string name; // for a person
        std::string datatype;
        std::string default_text; // empty: null
        flux::Field default_field;
        flux::Type type = flux::Type::unknown;
        bool own = false;              // the encoder's: stands in the properties
        std::array<char, 16> minute{}; // the beginning of the last time that was found right
    };

    // The text of the columns that rows have in common, to be copied as two runs.
    struct Runs {
        bool known = false;       // the texts are those of the row before
        std::uint32_t before = 0; // columns [0, before) stand in `front`, behind the properties
        std::uint32_t from = 0;   // columns [from, ...) stand in `back`, before the closing braces
        std::string front, back;
        std::size_t payload = 0;       // where the payload begins in `front`
        std::size_t row_id = 0;        // where the rowId's digits begin in `front`
        std::uint64_t replaced = 0;    // bad UTF-8 sequences in both
        std::uint32_t rows = 0;        // that used them since they were made
        std::uint64_t last_number = 0; // of the row before
        // What the rows of a while had in common; the runs grow to that.
        std::uint32_t seen_rows = 0, seen_before = 0, seen_from = 0;
    };

    bool append_runs(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault);
    bool append_whole(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault);
    bool append_columns(const flux::Row& row, std::size_t first, std::size_t last, Buffer& out, RowFault& fault);
    bool append_value(Column& column, const flux::Field& field, Buffer& out, RowFault& fault);
    bool append_double(const Column& column, std::string_view text, Buffer& out, RowFault& fault);
    void append_string(const flux::Field& field, Buffer& out);
    [[nodiscard]] std::string types_text(const flux::Table& table) const;
    bool append_properties(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault);
    bool runs_fit(const flux::Row& row);
    void plan_runs(const flux::Row& row);

    Options options_;
    std::string types_;  // the properties' types and groupKey
    std::string window_; // from the properties' window to the rowId's digits
    std::vector<Column> columns_;
    Runs runs_;
    int result_column_ = -1, table_column_ = -1;
    std::uint32_t own_columns_end_ = 0; // behind the encoder's columns
    std::uint64_t replaced_ = 0;
};

// The head of a message for a partition: {"systemProperties":{"timestamp":"<timestamp>","partitionId":...},
// `key` null: no partitionKey. `timestamp` is RFC 3339 text and needs no escaping.
void append_head(Buffer& out, std::string_view timestamp, std::uint32_t partition, const std::string* key);

// The two parts of a head around the timestamp's text: the first is constant, the second only depends on the partition.
inline constexpr std::string_view head_begin = R"({"systemProperties":{"timestamp":")";
void append_head_end(Buffer& out, std::uint32_t partition, const std::string* key);

// The head of the message that a partition expression sees: systemProperties has only timestamp.
void append_probe_head(Buffer& out, std::string_view timestamp);

// RFC 3339 UTC with milliseconds, e.g. 2026-11-21T10:02:07.123Z (years 0000 to 9999).
[[nodiscard]] std::string timestamp_text(std::int64_t unix_ns);

} // namespace fluxgate::message
