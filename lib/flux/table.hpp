// What the reader hands out: the schema of a table and views of its rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::flux {

// The types of the #datatype annotation. `unknown` is a name that we do not know: its values cannot be trusted.
enum class Type : std::uint8_t {
    boolean,
    long_,
    unsigned_long,
    double_,
    string,
    base64_binary,
    duration,
    time_rfc3339, // dateTime:RFC3339 and dateTime:RFC3339Nano
    time_number,  // dateTime:number, nanoseconds since 1970
    unknown
};

[[nodiscard]] Type type_of(std::string_view datatype) noexcept;

struct Column {
    std::string name;          // as sent; may be empty or repeated
    std::string datatype;      // as sent
    std::string default_value; // decoded; empty means there is none
    Type type = Type::unknown;
    bool group = false; // part of the group key, if the server is right: a hint, never trusted
};

// The schema of the rows that follow. Column 0 is the first behind the annotation column.
struct Table {
    std::vector<Column> columns;
    int result_column = -1; // the encoder's own `result` and `table`, or -1 where the server sent none
    int table_column = -1;
    std::uint64_t number = 0; // counts headers within a response, from 1
};

// A field of a row as it stands in the response: bytes between the delimiters, without the outer quotes.
struct Field {
    enum Flag : std::uint8_t {
        quoted = 1,  // CRLF inside stands for LF
        doubled = 2, // holds "" that stands for "
        special = 4  // holds a control character, a backslash or a byte beyond ASCII
    };
    const char* data = nullptr;
    std::uint32_t size = 0;
    std::uint8_t flags = 0;

    [[nodiscard]] std::string_view raw() const noexcept { return {data, size}; }
};

// A row. Views are valid until the reader's next call.
struct Row {
    std::span<const Field> fields; // one a column of the table
    std::string_view raw;          // the record's bytes without its line end
    std::uint64_t offset = 0;      // of its first byte in the decoded body
    std::uint64_t number = 0;      // of the record in the response, from 1, annotations and headers included
    // Columns [0, same_before) and [same_from, ...) hold the same bytes, quoted in the same way, as in the record before, which
    // was a row of this table. As below: nothing is known.
    std::uint32_t same_before = 0, same_from = ~std::uint32_t{0};
};

// The text that a field stands for: quotes undoubled, CRLF inside quotes turned back to LF.
[[nodiscard]] std::string decode(const Field& field);

} // namespace fluxgate::flux
