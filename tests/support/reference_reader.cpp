#include "support/reference_reader.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace fluxgate::test {

namespace {

using flux::Event;
using flux::Failure;
using flux::Field;
using flux::Limits;

// A record as it stands in the body, or why there is none.
struct Record {
    enum class End { line, body, body_in_quotes, quote_in_field, text_after_quote };
    End end = End::body;
    std::uint64_t offset = 0;  // of the first byte
    std::uint64_t trouble = 0; // where a quote is wrong
    std::string bytes;         // with the line end
    std::size_t content = 0;   // bytes without it
    std::vector<ReferenceField> fields;
};

bool special(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte >= 0x80 || c == '\\';
}

// The record that begins at `begin`, looked at byte by byte.
class RecordReader {
public:
    RecordReader(std::string_view body, std::size_t begin) : body_(body), at_(begin) { record_.offset = begin; }

    Record read() {
        while (field()) {
        }
        record_.bytes = std::string{body_.substr(record_.offset, at_ - record_.offset)};
        return std::move(record_);
    }

private:
    [[nodiscard]] bool over() const { return at_ == body_.size(); }
    [[nodiscard]] bool line_end() const { return body_[at_] == '\n' || (body_[at_] == '\r' && at_ + 1 < body_.size() && body_[at_ + 1] == '\n'); }
    [[nodiscard]] bool cr_at_the_end() const { return body_[at_] == '\r' && at_ + 1 == body_.size(); }

    // True when another field of the record follows.
    bool field() {
        if (over()) return stop(Record::End::body);
        return body_[at_] == '"' ? quoted() : unquoted();
    }

    bool unquoted() {
        ReferenceField field;
        for (;; ++at_) {
            if (over() || cr_at_the_end()) return stop(Record::End::body);
            if (body_[at_] == ',' || line_end()) break;
            if (body_[at_] == '"') return stop(Record::End::quote_in_field);
            if (special(body_[at_])) field.flags |= Field::special;
            field.raw += body_[at_];
        }
        return finish(std::move(field));
    }

    bool quoted() {
        ReferenceField field;
        field.flags = Field::quoted;
        for (++at_;; ++at_) {
            if (over()) return stop(Record::End::body_in_quotes);
            if (body_[at_] != '"') {
                if (special(body_[at_])) field.flags |= Field::special;
                field.raw += body_[at_];
                continue;
            }
            ++at_;
            if (over() || cr_at_the_end()) return stop(Record::End::body);
            if (body_[at_] != '"') break;
            field.flags |= Field::doubled;
            field.raw += "\"\"";
        }
        if (body_[at_] != ',' && !line_end()) return stop(Record::End::text_after_quote);
        return finish(std::move(field));
    }

    // At a delimiter.
    bool finish(ReferenceField field) {
        record_.fields.push_back(std::move(field));
        if (body_[at_] == ',') {
            ++at_;
            return true;
        }
        record_.content = at_ - record_.offset;
        at_ += body_[at_] == '\r' ? 2 : 1;
        record_.end = Record::End::line;
        return false;
    }

    bool stop(Record::End end) {
        record_.end = end;
        record_.trouble = at_;
        return false;
    }

    std::string_view body_;
    std::size_t at_;
    Record record_;
};

// Quotes come in pairs inside a quoted field, and CRLF stands for LF there.
std::string text_of(const ReferenceField& field) {
    if ((field.flags & Field::quoted) == 0) return field.raw;
    std::string out;
    for (std::size_t i = 0; i < field.raw.size(); ++i) {
        const std::string_view two = std::string_view{field.raw}.substr(i, 2);
        if (two == "\"\"" || two == "\r\n") ++i;
        out += two == "\r\n" ? '\n' : two[0];
    }
    return out;
}

flux::Type type_named(const std::string& name) {
    static const std::map<std::string, flux::Type> types{{"boolean", flux::Type::boolean},
                                                         {"long", flux::Type::long_},
                                                         {"unsignedLong", flux::Type::unsigned_long},
                                                         {"double", flux::Type::double_},
                                                         {"string", flux::Type::string},
                                                         {"base64Binary", flux::Type::base64_binary},
                                                         {"duration", flux::Type::duration},
                                                         {"dateTime", flux::Type::time_rfc3339},
                                                         {"dateTime:RFC3339", flux::Type::time_rfc3339},
                                                         {"dateTime:RFC3339Nano", flux::Type::time_rfc3339},
                                                         {"dateTime:number", flux::Type::time_number}};
    const auto found = types.find(name);
    return found == types.end() ? flux::Type::unknown : found->second;
}

// The annotation rows before a header.
struct Block {
    std::map<std::string, std::vector<std::string>> rows; // of the three that count, by name
    std::uint32_t count = 0;
    std::uint64_t bytes = 0;
    std::size_t fields = 0;
};

class ReferenceReader {
public:
    ReferenceReader(std::string_view body, const Limits& limits) : body_(body), limits_(limits) {}

    ReferenceAnswer read() {
        std::size_t at = 0;
        while (!answer_.failure && at < body_.size()) {
            const Record record = RecordReader{body_, at}.read();
            if (record.end == Record::End::body || record.end == Record::End::body_in_quotes) {
                answer_.finish = record.end == Record::End::body ? "in the middle of a row" : "inside a quoted field";
                answer_.bytes = body_.size();
                return std::move(answer_);
            }
            ++answer_.records;
            at += record.bytes.size();
            answer_.bytes = at;
            if (record.end == Record::End::line) {
                take(record);
            } else {
                const bool inside = record.end == Record::End::quote_in_field;
                fail(record.trouble, record.fields.size() + 1, inside ? "a quote stands inside an unquoted field" : "text follows a closing quote");
                answer_.bytes = record.trouble;
            }
        }
        answer_.finish = verdict();
        return std::move(answer_);
    }

private:
    [[nodiscard]] std::string verdict() const {
        if (answer_.failure) return answer_.failure->message;
        if (body_.empty()) return "the body is empty";
        if (error_table_seen_) return "an error table that has no row";
        return last_was_blank_ ? "" : "the blank line that closes a result";
    }

    void take(const Record& record) {
        last_was_blank_ = record.content == 0;
        const bool annotation = record.bytes[0] == '#';
        if (record.content == 0) {
            if (block_) fail(record.offset, 0, "a blank line follows annotations");
        } else if (annotation || block_) {
            take_header_part(record, annotation);
        } else if (!table_) {
            fail(record.offset, 0, "a row stands before any header");
        } else if (error_table_) {
            take_error(record);
        } else {
            take_row(record);
        }
    }

    void take_header_part(const Record& record, bool annotation) {
        const std::uint64_t before = block_ ? block_->bytes : 0;
        if (before + record.bytes.size() > limits_.max_header_bytes) return fail(record.offset, 0, "limits.maxHeaderBytes");
        if (!block_) block_ = Block{{}, 0, 0, record.fields.size()};
        block_->bytes += record.bytes.size();
        if (annotation) return take_annotation(record);
        take_header(record);
    }

    void take_annotation(const Record& record) {
        if (++block_->count > limits_.max_annotations) return fail(record.offset, 0, "limits.maxAnnotations");
        if (record.fields.size() > std::size_t{limits_.max_columns} + 1) return fail(record.offset, 0, "limits.maxColumns");
        if (record.fields.size() != block_->fields) return wrong_count(record, block_->fields);
        const std::string& name = record.fields[0].raw;
        if (name != "#datatype" && name != "#group" && name != "#default") return;
        if (block_->rows.count(name) != 0) return fail(record.offset, 1, "is repeated before a header");
        for (const ReferenceField& field : record.fields)
            block_->rows[name].push_back(text_of(field));
    }

    void take_header(const Record& record) {
        if (record.fields.size() != block_->fields) return wrong_count(record, block_->fields);
        if (block_->rows.count("#datatype") == 0) return fail(record.offset, 0, "#datatype is missing");
        if (!record.fields[0].raw.empty()) return fail(record.offset, 1, "where the empty annotation column should be");
        flux::Table table;
        table.number = ++tables_;
        for (std::size_t i = 1; i < record.fields.size(); ++i) {
            flux::Column column;
            column.name = text_of(record.fields[i]);
            column.datatype = block_->rows["#datatype"][i];
            column.type = type_named(column.datatype);
            if (block_->rows.count("#group") != 0) column.group = block_->rows["#group"][i] == "true";
            if (block_->rows.count("#default") != 0) column.default_value = block_->rows["#default"][i];
            table.columns.push_back(std::move(column));
        }
        const auto named = [&](std::size_t i, std::string_view name) { return i < table.columns.size() && table.columns[i].name == name; };
        if (named(0, "result")) table.result_column = 0;
        if (named(0, "result") && named(1, "table")) table.table_column = 1;
        error_table_ = named(0, "error") && named(1, "reference");
        error_table_seen_ = error_table_seen_ || error_table_;
        block_.reset();
        table_ = table;
        if (error_table_) return;
        ReferenceEvent event;
        event.kind = Event::table;
        event.table = std::move(table);
        answer_.events.push_back(std::move(event));
    }

    void take_row(const Record& record) {
        const std::size_t expected = table_->columns.size() + 1;
        if (record.fields.size() != expected) return wrong_count(record, expected);
        if (!record.fields[0].raw.empty()) return fail(record.offset, 1, "in the annotation column");
        ReferenceEvent event;
        event.offset = record.offset;
        event.number = answer_.records;
        event.raw = record.bytes.substr(0, record.content);
        if (record.bytes.size() > limits_.max_row_bytes) {
            event.kind = Event::long_row;
            event.long_row_bytes = record.content;
            event.raw = event.raw.substr(0, limits_.max_row_bytes);
        } else {
            event.fields.assign(record.fields.begin() + 1, record.fields.end());
        }
        answer_.events.push_back(std::move(event));
    }

    // Whatever else is wrong with it: it is the server's word that the query failed.
    void take_error(const Record& record) {
        std::string words;
        if (record.fields.size() > 1) {
            ReferenceField message = record.fields[1];
            // Of a row that is too long only the beginning is kept.
            const std::size_t begin = record.fields[0].raw.size() + ((record.fields[0].flags & Field::quoted) != 0 ? 2u : 0u) + 1 +
                                      ((message.flags & Field::quoted) != 0 ? 1u : 0u);
            const std::size_t kept = std::min<std::size_t>(record.content, limits_.max_row_bytes);
            message.raw = message.raw.substr(0, kept - std::min(kept, begin));
            words = text_of(message);
        }
        if (words.empty()) words = table_->columns[0].default_value;
        fail(record.offset, 0, "the server ended its answer with an error");
        answer_.failure->code = Errc::query;
        answer_.failure->server_text = words;
    }

    void wrong_count(const Record& record, std::size_t expected) {
        const std::size_t found = record.fields.size();
        fail(record.offset, std::min(found, expected) + 1,
             "a record has " + std::to_string(found) + " fields where its table has " + std::to_string(expected));
    }

    void fail(std::uint64_t offset, std::size_t column, std::string words) {
        answer_.failure = Failure{Errc::corrupt, std::move(words), {}, offset, answer_.records, column};
    }

    std::string_view body_;
    const Limits limits_;
    ReferenceAnswer answer_;
    std::optional<Block> block_; // annotations wait for their header
    std::optional<flux::Table> table_;
    std::uint64_t tables_ = 0;
    bool error_table_ = false, error_table_seen_ = false;
    bool last_was_blank_ = false;
};

} // namespace

ReferenceAnswer read_reference(std::string_view body, const Limits& limits) {
    return ReferenceReader{body, limits}.read();
}

} // namespace fluxgate::test
