#include "message/renderer.hpp"

#include "message/json_text.hpp"
#include "message/put.hpp"
#include "message/scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <unordered_map>
#include <unordered_set>

namespace fluxgate::message {

namespace {

using flux::Field;
using flux::Type;

std::string json_key(std::string_view name) {
    Buffer key;
    key.append(",\"");
    append_escaped(key, name);
    key.append("\":");
    return std::string{key.view()};
}

// A part of a value that fits a sentence.
std::string excerpt(std::string_view value) {
    constexpr std::size_t most = 60;
    Buffer text;
    text.push_back('"');
    append_escaped(text, value.substr(0, most));
    text.append(value.size() > most ? "...\"" : "\"");
    return std::string{text.view()};
}

bool mismatch(RowFault& fault, std::string_view name, std::string_view datatype, std::string_view value) {
    fault.code = "type-mismatch";
    fault.text = "column " + excerpt(name) + " holds " + excerpt(value) + ", which is not a value of its type " + std::string{datatype};
    return false;
}

bool is_clean(const Field& field) noexcept {
    return (field.flags & (Field::special | Field::doubled)) == 0;
}

// A field without special characters, in quotes. There is room for it.
char* put_quoted(char* at, const Field& field) noexcept {
    *at++ = '"';
    at = put(at, field.data, field.size);
    *at++ = '"';
    return at;
}

} // namespace

// Names are told apart as the message shows them: two that differ in bad UTF-8 alone would be one.
std::size_t Renderer::set_table(const flux::Table& table) {
    result_column_ = table.result_column;
    table_column_ = table.table_column;
    own_columns_end_ = static_cast<std::uint32_t>(std::max(result_column_, table_column_) + 1);
    runs_ = Runs{};
    columns_.clear();
    columns_.resize(table.columns.size());
    std::unordered_set<std::string> taken;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const bool own = static_cast<int>(i) == result_column_ || static_cast<int>(i) == table_column_;
        columns_[i].name = valid_utf8(table.columns[i].name);
        if (!own) taken.insert(columns_[i].name);
    }
    std::unordered_set<std::string> used;
    std::unordered_map<std::string, std::uint32_t> next_suffix; // of a repeated name; what is below is used up
    std::size_t renamed = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const flux::Column& source = table.columns[i];
        Column& column = columns_[i];
        const bool own = static_cast<int>(i) == result_column_ || static_cast<int>(i) == table_column_;
        if (!own && !used.insert(column.name).second) {
            // The suffix counts up until no column of the table has that name.
            std::uint32_t& k = next_suffix.emplace(column.name, 2).first->second;
            for (;; ++k) {
                std::string candidate = column.name + "_" + std::to_string(k);
                if (taken.count(candidate) != 0 || !used.insert(candidate).second) continue;
                column.name = std::move(candidate);
                break;
            }
            ++renamed;
        }
        column.key = json_key(column.name);
        column.own = own;
        column.type = source.type;
        column.datatype = source.datatype;
        column.default_text = source.default_value;
    }
    for (Column& column : columns_) {
        column.default_field = {column.default_text.data(), static_cast<std::uint32_t>(column.default_text.size()), Field::special};
    }
    types_ = options_.types ? types_text(table) : std::string{};
    return renamed;
}

// ,"types":{"_value":"double",...},"groupKey":["_field",...]
std::string Renderer::types_text(const flux::Table& table) const {
    Buffer types, key;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const Column& column = columns_[i];
        if (column.own) continue;
        types.append(types.size() == 0 ? std::string_view{column.key}.substr(1) : std::string_view{column.key});
        types.push_back('"');
        append_escaped(types, column.datatype);
        types.push_back('"');
        if (!table.columns[i].group) continue;
        key.append(key.size() == 0 ? "\"" : ",\"");
        append_escaped(key, column.name);
        key.push_back('"');
    }
    return ",\"types\":{" + std::string{types.view()} + "},\"groupKey\":[" + std::string{key.view()} + "]";
}

void Renderer::set_window(std::string_view json) {
    window_ = json.empty() ? std::string{} : ",\"window\":" + std::string{json} + ",\"rowId\":\"";
    runs_ = Runs{};
}

void Renderer::append_string(const Field& field, Buffer& out) {
    if (is_clean(field)) {
        out.commit(put_quoted(out.reserve(field.size + 2u), field));
        return;
    }
    out.push_back('"');
    replaced_ += append_escaped(out, field);
    out.push_back('"');
}

bool Renderer::append_double(const Column& column, std::string_view text, Buffer& out, RowFault& fault) {
    switch (classify_double(text)) {
    case DoubleText::json: out.commit(put(out.reserve(text.size()), text.data(), text.size())); return true;
    case DoubleText::mendable: out.append(mended_double(text)); return true;
    case DoubleText::non_finite: break;
    case DoubleText::invalid: return mismatch(fault, column.name, column.datatype, text);
    }
    switch (options_.non_finite) {
    case NonFinite::null: out.append("null"); return true;
    case NonFinite::string:
        out.push_back('"');
        out.append(text);
        out.push_back('"');
        return true;
    case NonFinite::dead_letter: break;
    }
    fault.code = "non-finite";
    fault.text =
        "column " + excerpt(column.name) + " holds " + std::string{text} + ", which JSON cannot express as a number (nonFinite is \"deadLetter\")";
    return false;
}

bool Renderer::append_value(Column& column, const Field& field, Buffer& out, RowFault& fault) {
    const std::string_view text = field.raw();
    bool fits = false;
    bool quote = true;
    switch (column.type) {
    case Type::string: append_string(field, out); return true;
    case Type::double_: return append_double(column, text, out, fault);
    case Type::long_:
        fits = is_long(text);
        quote = false;
        break;
    case Type::unsigned_long:
        fits = is_unsigned_long(text);
        quote = false;
        break;
    case Type::boolean:
        fits = text == "true" || text == "false";
        quote = false;
        break;
    case Type::time_rfc3339: fits = is_rfc3339(text, column.minute); break;
    case Type::time_number: fits = is_long(text); break;
    case Type::duration: fits = is_duration(text); break;
    case Type::base64_binary: fits = is_base64(text); break;
    case Type::unknown:
        fault.code = "unknown-type";
        fault.text = "column " + excerpt(column.name) + " has the type " + excerpt(column.datatype) + ", which is not a type of annotated CSV";
        return false;
    }
    if (!fits) return mismatch(fault, column.name, column.datatype, text);
    if (!quote) {
        out.commit(put(out.reserve(text.size()), text.data(), text.size()));
        return true;
    }
    append_string(field, out);
    return true;
}

bool Renderer::append_properties(const flux::Row& row, Buffer& out, PayloadSpan& payload, RowFault& fault) {
    out.append("\"properties\":{");
    if (result_column_ >= 0) {
        const auto i = static_cast<std::size_t>(result_column_);
        const Field& field = row.fields[i].size == 0 ? columns_[i].default_field : row.fields[i];
        out.append("\"result\":");
        append_string(field, out);
    }
    if (table_column_ >= 0) {
        const auto i = static_cast<std::size_t>(table_column_);
        const Field& field = row.fields[i].size == 0 ? columns_[i].default_field : row.fields[i];
        if (!is_long(field.raw())) return mismatch(fault, columns_[i].name, columns_[i].datatype, field.raw());
        out.append(",\"table\":");
        out.append(field.raw());
    }
    if (!types_.empty()) out.append(std::string_view{types_}.substr(result_column_ >= 0 ? 0 : 1));
    if (!window_.empty()) {
        static constexpr std::string_view no_id = "00000000000000000000000000000000\"";
        out.append(std::string_view{window_}.substr(result_column_ >= 0 || !types_.empty() ? 0 : 1));
        payload.row_id = out.size();
        out.append(no_id);
    }
    out.append("},\"userProperties\":[],\"payload\":");
    return true;
}

bool Renderer::append_columns(const flux::Row& row, std::size_t first, std::size_t last, Buffer& out, RowFault& fault) {
    for (std::size_t i = first; i < last; ++i) {
        Column& column = columns_[i];
        if (column.own) continue;
        const Field& sent = row.fields[i];
        const Field& field = sent.size == 0 ? column.default_field : sent;
        if (field.size == 0 && options_.nulls == Nulls::omit) continue;
        char* at = put(out.reserve(column.key.size() + 4), column.key.data(), column.key.size());
        if (field.size == 0) {
            out.commit(put(at, "null", 4));
            continue;
        }
        out.commit(at);
        if (!append_value(column, field, out, fault)) return false;
    }
    return true;
}

void Renderer::append_excerpt(const flux::Row& row, const std::vector<std::uint32_t>& columns, bool result, bool table, Buffer& out) {
    const std::uint64_t replaced = replaced_; // counted when the row was rendered
    const auto own = [&](int column) -> const Field& {
        const auto i = static_cast<std::size_t>(column);
        return row.fields[i].size == 0 ? columns_[i].default_field : row.fields[i];
    };
    out.append("{\"properties\":{");
    if (result && result_column_ >= 0) {
        out.append("\"result\":");
        append_string(own(result_column_), out);
    }
    if (table && table_column_ >= 0) {
        if (result && result_column_ >= 0) out.push_back(',');
        out.append("\"table\":");
        out.append(own(table_column_).raw());
    }
    out.append("},\"payload\":");
    const std::size_t begin = out.size();
    RowFault none;
    for (const std::uint32_t column : columns)
        append_columns(row, column, column + 1, out, none);
    if (out.size() == begin)
        out.push_back('{');
    else
        out.put(begin, '{');
    out.append("}}");
    replaced_ = replaced;
}

void append_head_end(Buffer& out, std::uint32_t partition, const std::string* key) {
    out.append("\",\"partitionId\":");
    std::array<char, 12> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), partition).ptr;
    out.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
    if (key != nullptr) {
        out.append(",\"partitionKey\":\"");
        append_escaped(out, *key);
        out.push_back('"');
    }
    out.append("},");
}

void append_head(Buffer& out, std::string_view timestamp, std::uint32_t partition, const std::string* key) {
    out.append(head_begin);
    out.append(timestamp);
    append_head_end(out, partition, key);
}

void append_probe_head(Buffer& out, std::string_view timestamp) {
    out.append(head_begin);
    out.append(timestamp);
    out.append("\"},");
}

std::string timestamp_text(std::int64_t unix_ns) {
    using namespace std::chrono;
    const sys_time<milliseconds> instant{floor<milliseconds>(nanoseconds{unix_ns})};
    const auto day = floor<days>(instant);
    const year_month_day date{day};
    const hh_mm_ss<milliseconds> time{instant - day};
    std::string out = "0000-00-00T00:00:00.000Z";
    const auto put = [&out](std::size_t at, int digits, std::int64_t value) {
        for (int k = digits - 1; k >= 0; --k, value /= 10)
            out[at + static_cast<std::size_t>(k)] = static_cast<char>('0' + value % 10);
    };
    put(0, 4, static_cast<int>(date.year()));
    put(5, 2, static_cast<unsigned>(date.month()));
    put(8, 2, static_cast<unsigned>(date.day()));
    put(11, 2, time.hours().count());
    put(14, 2, time.minutes().count());
    put(17, 2, time.seconds().count());
    put(20, 3, time.subseconds().count());
    return out;
}

} // namespace fluxgate::message
