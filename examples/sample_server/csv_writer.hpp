// Annotated CSV exactly as InfluxDB 2.7 encodes it, defects of the format included: CRLF everywhere, Go's encoding/csv
// quoting (inside quotes LF becomes CRLF and CR is dropped), one header for following tables of one schema, a blank line
// before a new schema and one at the end of every result.
#pragma once

#include "table.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::sample {

// What a request may ask for. The default is what the server does when no dialect was sent.
struct Dialect {
    bool datatype = false, group = false, defaults = false; // annotations
    bool header = true;
    char delimiter = ',';
    static Dialect annotated() { return {true, true, true, true, ','}; }
};

// Appends one field, quoted where Go's csv.Writer with UseCRLF quotes.
void append_field(std::string& out, std::string_view text, char delimiter);

// Appends to a string that the caller owns and may empty between calls.
class CsvWriter {
public:
    CsvWriter(std::string& out, Dialect dialect) : out_(out), dialect_(dialect) {}

    void begin_result(std::string name);
    // Nothing is written before the table's first row. `columns` and `key` stay the caller's until end_table.
    void begin_table(const std::vector<Column>& columns, const Row& key);
    void row(const Row& row);
    // A table without rows is left out, or, when asked to keep it, written as a header that carries its key as defaults.
    void end_table(bool keep_empty = false);
    void end_result();
    // An error table; with `first` nothing was written before it.
    static std::string error_table(std::string_view message, std::string_view reference, bool first);

private:
    void write_header(bool empty_table);

    std::string& out_;
    Dialect dialect_;
    std::string result_;
    std::string result_field_; // the result's name as a field, or empty where #default carries it
    const std::vector<Column>* columns_ = nullptr;
    const Row* key_ = nullptr;
    std::vector<Column> schema_; // of the last header
    bool header_stands_ = false; // a header was written for this result
    bool after_empty_ = false;   // the last header belongs to a table without rows and serves no other
    bool open_ = false;          // the current table has rows
    std::int64_t next_table_ = 0;
    std::string table_field_, text_;
};

} // namespace fluxgate::sample
