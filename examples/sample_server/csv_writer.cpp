#include "csv_writer.hpp"

#include <algorithm>
#include <array>

namespace fluxgate::sample {
namespace {

// unicode.IsSpace of the first rune of a field.
bool begins_with_space(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const unsigned a = byte(0);
    if (a == ' ' || (a >= '\t' && a <= '\r')) return true;
    if (a == 0xC2) return byte(1) == 0x85 || byte(1) == 0xA0;
    if (a < 0xE0 || a > 0xEF || (byte(1) & 0xC0u) != 0x80 || (byte(2) & 0xC0u) != 0x80) return false;
    const unsigned rune = (a & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    return rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 || rune == 0x2029 || rune == 0x202F || rune == 0x205F ||
           rune == 0x3000;
}

bool needs_quotes(std::string_view text, char delimiter) {
    if (text.empty()) return false;
    if (text == "\\.") return true; // ends a COPY of Postgres, so Go quotes it
    const bool special = std::any_of(text.begin(), text.end(), [&](char c) { return c == delimiter || c == '"' || c == '\r' || c == '\n'; });
    return special || begins_with_space(text);
}

} // namespace

void append_field(std::string& out, std::string_view text, char delimiter) {
    if (!needs_quotes(text, delimiter)) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        switch (c) {
        case '"': out += "\"\""; break;
        case '\n': out += "\r\n"; break;
        case '\r': break;
        default: out += c;
        }
    }
    out += '"';
}

void CsvWriter::begin_result(std::string name) {
    result_ = std::move(name);
    result_field_.clear();
    if (!dialect_.defaults) append_field(result_field_, result_, dialect_.delimiter);
    header_stands_ = after_empty_ = open_ = false;
    next_table_ = 0;
}

void CsvWriter::begin_table(const std::vector<Column>& columns, const Row& key) {
    columns_ = &columns;
    key_ = &key;
    open_ = false;
}

void CsvWriter::write_header(bool empty_table) {
    const char d = dialect_.delimiter;
    if (header_stands_) out_ += "\r\n";
    if (dialect_.datatype) {
        (((out_ += "#datatype") += d) += "string") += d;
        out_ += "long";
        for (const Column& c : *columns_) {
            (out_ += d) += datatype(c.type);
        }
        out_ += "\r\n";
    }
    if (dialect_.group) {
        (((out_ += "#group") += d) += "false") += d;
        out_ += "false";
        for (const Column& c : *columns_) {
            (out_ += d) += c.grouped ? "true" : "false";
        }
        out_ += "\r\n";
    }
    if (dialect_.defaults) {
        (out_ += "#default") += d;
        append_field(out_, result_, d);
        out_ += d;
        if (empty_table) out_ += std::to_string(next_table_);
        for (std::size_t i = 0; i < columns_->size(); ++i) {
            out_ += d;
            if (!empty_table || !(*columns_)[i].grouped) continue;
            text_.clear();
            append_text(text_, (*key_)[i]);
            append_field(out_, text_, d);
        }
        out_ += "\r\n";
    }
    if (dialect_.header) {
        ((out_ += d) += "result") += d;
        out_ += "table";
        for (const Column& c : *columns_) {
            out_ += d;
            append_field(out_, c.name, d);
        }
        out_ += "\r\n";
    }
    schema_ = *columns_;
    header_stands_ = true;
    after_empty_ = empty_table;
}

void CsvWriter::row(const Row& row) {
    const char d = dialect_.delimiter;
    if (!open_) {
        if (!header_stands_ || after_empty_ || schema_ != *columns_) write_header(false);
        open_ = true;
        table_field_ = std::to_string(next_table_);
    }
    out_ += d;
    out_ += result_field_;
    out_ += d;
    out_ += table_field_;
    for (const Value& value : row) {
        out_ += d;
        if (const auto* s = std::get_if<std::string_view>(&value)) {
            append_field(out_, *s, d);
        } else {
            append_text(out_, value);
        }
    }
    out_ += "\r\n";
}

void CsvWriter::end_table(bool keep_empty) {
    if (!open_ && !keep_empty) return;
    if (!open_) write_header(true);
    open_ = false;
    ++next_table_;
}

void CsvWriter::end_result() {
    out_ += "\r\n";
}

std::string CsvWriter::error_table(std::string_view message, std::string_view reference, bool first) {
    std::string out = first ? "" : "\r\n";
    out += "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,";
    append_field(out, message, ',');
    out += ',';
    append_field(out, reference, ',');
    return out += "\r\n";
}

} // namespace fluxgate::sample
