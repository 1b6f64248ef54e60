#include "flux/reader.hpp"

#include <algorithm>
#include <utility>

namespace fluxgate::flux {

namespace {

constexpr std::size_t annotation_columns = 1;

std::string quoted_excerpt(std::string_view s) {
    constexpr std::size_t most = 40;
    std::string out = "\"";
    for (const char c : s.substr(0, most)) {
        const auto u = static_cast<unsigned char>(c);
        out += u >= 0x20 && u < 0x7F ? c : '?';
    }
    out += s.size() > most ? "...\"" : "\"";
    return out;
}

} // namespace

Reader::Reader(Limits limits) : limits_(limits), scanner_(static_cast<std::size_t>(limits.max_columns) + annotation_columns + 1) {}

void Reader::reset() {
    *this = Reader{limits_};
}

void Reader::feed(std::string_view chunk) noexcept {
    chunk_ = chunk;
    repeat_.forget(); // it may have lain in the chunk before
}

Event Reader::next() {
    if (failed_) return Event::failed;
    for (;;) {
        if (chunk_.empty()) return Event::need_more;
        if (repeat_.remembers() && repeat_row()) return Event::row;
        const char* begin = chunk_.data();
        const Scanner::Status status = scanner_.scan(begin, begin + chunk_.size());
        if (status == Scanner::Status::partial) return on_partial(begin);
        if (status != Scanner::Status::record) return on_bad_quote(status);
        const std::size_t used = scanner_.consumed();
        chunk_.remove_prefix(used);
        offset_ += used;
        const Event event = on_record(begin, used);
        scanner_.begin_record();
        record_offset_ = offset_;
        if (event != Event::need_more) return event;
    }
}

// The rest of the chunk begins (or goes on with) a record that ends in a later one.
Event Reader::on_partial(const char* begin) {
    const std::size_t size = chunk_.size();
    if (carry_used_) {
        carry_.clear();
        carry_used_ = false;
    }
    const char first = carry_.empty() ? *begin : carry_.front();
    const std::uint64_t limit = in_header(first) ? limits_.max_header_bytes : limits_.max_row_bytes;
    if (carry_.size() < limit) carry_.append(begin, std::min<std::uint64_t>(size, limit - carry_.size()));
    offset_ += size;
    chunk_ = {};
    return Event::need_more;
}

bool Reader::in_header(char first) const noexcept {
    return state_ == State::annotations || first == '#';
}

Event Reader::on_bad_quote(Scanner::Status status) {
    const std::uint64_t at = record_offset_ + scanner_.offset();
    offset_ = at;
    ++records_;
    const std::size_t column = scanner_.field_count() + 1;
    if (status == Scanner::Status::quote_in_field) return fail(Errc::corrupt, at, column, "a quote stands inside an unquoted field");
    return fail(Errc::corrupt, at, column, "text follows a closing quote");
}

// A whole record: its last `size` bytes lie at `begin`, the ones before in carry_.
Event Reader::on_record(const char* begin, std::size_t size) {
    ++records_;
    const std::uint64_t record_size = scanner_.offset();
    const char* text = begin;
    const bool carried = record_size > size;
    const char first = carried ? carry_.front() : *begin;
    const bool header = in_header(first) && scanner_.content_size() != 0;
    const std::uint64_t limit = header ? limits_.max_header_bytes : limits_.max_row_bytes;
    if (state_ != State::annotations) header_bytes_ = 0; // each block has the whole bound
    if (header && header_bytes_ + record_size > limit) {
        return fail(Errc::corrupt, record_offset_, 0,
                    "the annotations and header of a table are longer than limits.maxHeaderBytes (" + std::to_string(limit) + " bytes)");
    }
    const bool too_long = record_size > limit;
    if (carried) {
        if (carry_.size() < limit) carry_.append(begin, std::min<std::uint64_t>(size, limit - carry_.size()));
        carry_used_ = true;
        text = carry_.data();
    }
    if (scanner_.content_size() == 0) {
        if (state_ == State::annotations)
            return fail(Errc::corrupt, record_offset_, 0, "a blank line follows annotations where the header should be");
        last_was_blank_ = true;
        return Event::need_more;
    }
    last_was_blank_ = false;
    if (first == '#') return on_annotation(text);
    const std::string_view kept{text, static_cast<std::size_t>(std::min<std::uint64_t>(limit, scanner_.content_size()))};
    switch (state_) {
    case State::start:
        return fail(Errc::corrupt, record_offset_, 0,
                    "a row stands before any header (annotations such as #datatype must come first), it begins with " + quoted_excerpt(kept));
    case State::annotations: return on_header(text);
    case State::rows: return too_long ? on_long_row(kept) : on_row(text);
    case State::error_rows: return on_error_row(kept);
    }
    return Event::failed;
}

Field Reader::field_at(const char* text, std::size_t index) const noexcept {
    const FieldSpan& span = scanner_.fields()[index];
    return {text + span.begin, span.end - span.begin, span.flags};
}

Event Reader::on_annotation(const char* text) {
    if (state_ != State::annotations) {
        state_ = State::annotations;
        have_datatypes_ = have_groups_ = have_defaults_ = false;
        annotations_ = 0;
        block_fields_ = scanner_.field_count();
    }
    header_bytes_ += scanner_.offset();
    if (++annotations_ > limits_.max_annotations) {
        return fail(Errc::corrupt, record_offset_, 0,
                    "more annotation rows stand before a header than limits.maxAnnotations (" + std::to_string(limits_.max_annotations) + ") allows");
    }
    const std::size_t count = scanner_.field_count();
    if (count > limits_.max_columns + annotation_columns) {
        return fail(Errc::corrupt, record_offset_, 0,
                    "the table has " + std::to_string(count - annotation_columns) + " columns; limits.maxColumns allows " +
                        std::to_string(limits_.max_columns));
    }
    if (count != block_fields_) return wrong_field_count(block_fields_);
    const std::string_view name = field_at(text, 0).raw();
    std::vector<std::string>* target = nullptr;
    bool* have = nullptr;
    if (name == "#datatype") {
        target = &datatypes_;
        have = &have_datatypes_;
    } else if (name == "#group") {
        target = &groups_;
        have = &have_groups_;
    } else if (name == "#default") {
        target = &defaults_;
        have = &have_defaults_;
    } else {
        return Event::need_more; // an annotation that we did not ask for changes nothing in how rows are read
    }
    if (*have) return fail(Errc::corrupt, record_offset_, 1, "the annotation " + std::string{name} + " is repeated before a header");
    *have = true;
    target->clear();
    for (std::size_t i = 0; i < count; ++i)
        target->push_back(decode(field_at(text, i)));
    return Event::need_more;
}

Event Reader::on_header(const char* text) {
    if (scanner_.field_count() != block_fields_) return wrong_field_count(block_fields_);
    if (!have_datatypes_) return fail(Errc::corrupt, record_offset_, 0, "the annotation #datatype is missing before a header");
    if (field_at(text, 0).size != 0) {
        return fail(Errc::corrupt, record_offset_, 1,
                    "a header begins with " + quoted_excerpt(field_at(text, 0).raw()) + " where the empty annotation column should be");
    }
    set_table(text);
    const auto& columns = table_.columns;
    if (columns.size() >= 2 && columns[0].name == "error" && columns[1].name == "reference") {
        state_ = State::error_rows;
        error_table_ = true;
        return Event::need_more;
    }
    state_ = State::rows;
    return Event::table;
}

void Reader::set_table(const char* text) {
    const std::size_t count = block_fields_ - annotation_columns;
    table_.columns.resize(count);
    fields_.resize(count);
    table_.result_column = table_.table_column = -1;
    ++table_.number;
    for (std::size_t i = 0; i < count; ++i) {
        Column& column = table_.columns[i];
        const std::size_t k = i + annotation_columns;
        column.name = decode(field_at(text, k));
        column.datatype = datatypes_[k];
        column.type = type_of(datatypes_[k]);
        column.group = have_groups_ && groups_[k] == "true";
        column.default_value = have_defaults_ ? defaults_[k] : std::string{};
    }
    // The encoder writes its own two columns first; a user's column of that name comes later and keeps its place.
    if (count >= 1 && table_.columns[0].name == "result") table_.result_column = 0;
    if (count >= 2 && table_.result_column == 0 && table_.columns[1].name == "table") table_.table_column = 1;
    repeat_.set_table(table_);
}

// A row at the beginning of the chunk that is read by what it shares with the one before.
bool Reader::repeat_row() {
    if (!repeat_.match(chunk_.data(), chunk_.data() + chunk_.size(), fields_)) return false;
    if (repeat_.size() > limits_.max_row_bytes) {
        repeat_.forget();
        return false;
    }
    row_ = Row{fields_, chunk_.substr(0, repeat_.content_size()), offset_, ++records_, repeat_.same_before(), repeat_.same_from()};
    chunk_.remove_prefix(repeat_.size());
    offset_ += repeat_.size();
    record_offset_ = offset_;
    return true;
}

Event Reader::on_row(const char* text) {
    const std::size_t count = fields_.size();
    if (scanner_.field_count() != count + annotation_columns) return wrong_field_count(count + annotation_columns);
    if (field_at(text, 0).size != 0) return used_annotation_column({text, static_cast<std::size_t>(scanner_.content_size())});
    const FieldSpan* spans = scanner_.fields().data() + annotation_columns;
    for (std::size_t i = 0; i < count; ++i)
        fields_[i] = {text + spans[i].begin, spans[i].end - spans[i].begin, spans[i].flags};
    row_ = Row{fields_, {text, static_cast<std::size_t>(scanner_.content_size())}, record_offset_, records_};
    repeat_.remember(text, scanner_);
    return Event::row;
}

// Of a row beyond the limit only the beginning is there.
Event Reader::on_long_row(std::string_view kept) {
    if (scanner_.field_count() != fields_.size() + annotation_columns) return wrong_field_count(fields_.size() + annotation_columns);
    if (field_at(kept.data(), 0).size != 0) return used_annotation_column(kept);
    row_ = Row{{}, kept, record_offset_, records_};
    repeat_.forget();
    long_row_bytes_ = scanner_.content_size();
    return Event::long_row;
}

Event Reader::used_annotation_column(std::string_view kept) {
    const FieldSpan& span = scanner_.fields()[0];
    const std::string_view found = kept.substr(0, span.end).substr(std::min<std::size_t>(span.begin, kept.size()));
    return fail(Errc::corrupt, record_offset_, 1, "a row has " + quoted_excerpt(found) + " in the annotation column, which is empty in rows");
}

Event Reader::on_error_row(std::string_view kept) {
    std::string words;
    if (scanner_.field_count() > annotation_columns) {
        const FieldSpan& span = scanner_.fields()[annotation_columns];
        if (span.begin < kept.size()) {
            const std::uint32_t end = std::min(span.end, static_cast<std::uint32_t>(kept.size()));
            words = decode({kept.data() + span.begin, end - span.begin, span.flags});
        }
    }
    if (words.empty() && !table_.columns.empty()) words = table_.columns[0].default_value;
    fail(Errc::query, record_offset_, 0, "the server ended its answer with an error");
    failure_.server_text = std::move(words);
    return Event::failed;
}

Event Reader::wrong_field_count(std::size_t expected) {
    return fail(Errc::corrupt, record_offset_, std::min(expected, scanner_.field_count()) + 1,
                "a record has " + std::to_string(scanner_.field_count()) + " fields where its table has " + std::to_string(expected));
}

Event Reader::fail(Errc code, std::uint64_t offset, std::size_t column, const std::string& what) {
    failed_ = true;
    std::string where = "row " + std::to_string(records_);
    if (column != 0) where += ", column " + std::to_string(column);
    where += ", byte " + std::to_string(offset) + ": ";
    failure_ = Failure{code, where + what, {}, offset, records_, column};
    return Event::failed;
}

std::string Reader::finish() const {
    if (failed_) return failure_.message;
    if (offset_ == 0) return "the body is empty; an answer without tables is one line end";
    if (scanner_.inside_quotes()) return "the body ends inside a quoted field, at byte " + std::to_string(offset_);
    if (scanner_.offset() != 0) return "the body ends in the middle of a row, at byte " + std::to_string(offset_);
    if (error_table_) return "the body holds an error table that has no row";
    if (!last_was_blank_) return "the body does not end with the blank line that closes a result, at byte " + std::to_string(offset_);
    return {};
}

} // namespace fluxgate::flux
