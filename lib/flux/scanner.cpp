#include "flux/scanner.hpp"

#include "flux/find.hpp"

namespace fluxgate::flux {

void Scanner::begin_record() noexcept {
    fields_.clear();
    count_ = 0;
    offset_ = content_ = field_begin_ = 0;
    flags_ = 0;
    mode_ = Mode::field_start;
}

void Scanner::end_field(std::uint64_t end) {
    if (count_ < max_fields_) fields_.push_back({static_cast<std::uint32_t>(field_begin_), static_cast<std::uint32_t>(end), flags_});
    ++count_;
}

Scanner::Status Scanner::finish(const char* begin, const char* at, std::uint64_t content) {
    consumed_ = static_cast<std::size_t>(at - begin);
    content_ = content;
    return Status::record;
}

// offset_ is brought up to date only where the machine leaves the piece; inside, `here` computes it.
Scanner::Status Scanner::scan(const char* begin, const char* end) {
    const char* p = begin;
    const std::uint64_t base = offset_;
    const auto here = [&] { return base + static_cast<std::uint64_t>(p - begin); };
    const auto leave = [&](Status status) {
        offset_ = here();
        consumed_ = static_cast<std::size_t>(p - begin);
        return status;
    };

    while (p != end) {
        switch (mode_) {
        case Mode::field_start:
            flags_ = 0;
            if (*p == '"') {
                flags_ = Field::quoted;
                ++p;
                field_begin_ = here();
                mode_ = Mode::quoted;
            } else {
                field_begin_ = here();
                mode_ = Mode::unquoted;
            }
            break;

        case Mode::unquoted:
            p = find::field_stop(p, end, flags_);
            if (p == end) break;
            if (*p == ',') {
                end_field(here());
                ++p;
                mode_ = Mode::field_start;
            } else if (*p == '\n') {
                const std::uint64_t content = here();
                end_field(content);
                ++p;
                leave(Status::record);
                return finish(begin, p, content);
            } else if (*p == '\r') {
                ++p;
                mode_ = Mode::unquoted_cr;
            } else {
                return leave(Status::quote_in_field);
            }
            break;

        case Mode::unquoted_cr:
            if (*p == '\n') {
                const std::uint64_t content = here() - 1;
                end_field(content);
                ++p;
                leave(Status::record);
                return finish(begin, p, content);
            }
            flags_ |= Field::special; // a lone CR is data
            mode_ = Mode::unquoted;
            break;

        case Mode::quoted:
            p = find::quote(p, end, flags_);
            if (p != end) {
                ++p;
                mode_ = Mode::quote;
            }
            break;

        case Mode::quote:
            if (*p == '"') {
                flags_ |= Field::doubled;
                ++p;
                mode_ = Mode::quoted;
            } else if (*p == ',') {
                end_field(here() - 1);
                ++p;
                mode_ = Mode::field_start;
            } else if (*p == '\n') {
                const std::uint64_t content = here();
                end_field(content - 1);
                ++p;
                leave(Status::record);
                return finish(begin, p, content);
            } else if (*p == '\r') {
                ++p;
                mode_ = Mode::quote_cr;
            } else {
                return leave(Status::text_after_quote);
            }
            break;

        case Mode::quote_cr:
            if (*p == '\n') {
                const std::uint64_t content = here() - 1;
                end_field(content - 1);
                ++p;
                leave(Status::record);
                return finish(begin, p, content);
            }
            offset_ = here() - 1; // the CR stands behind the quote; it may lie in an earlier piece
            consumed_ = static_cast<std::size_t>(p - begin);
            return Status::text_after_quote;
        }
    }
    return leave(Status::partial);
}

} // namespace fluxgate::flux
