#include "flux/repeat.hpp"

#include "flux/find.hpp"

#include <algorithm>
#include <cstring>

namespace fluxgate::flux {

namespace {

// Reads the field at `at`. Null: it does not end here, or not as a field should.
const char* read_field(const char* at, const char* end, Field& field) {
    std::uint8_t flags = 0;
    if (at == end) return nullptr;
    if (*at != '"') {
        const char* stop = find::field_stop(at, end, flags);
        if (stop == end || *stop == '"') return nullptr;
        field = {at, static_cast<std::uint32_t>(stop - at), flags};
        return stop;
    }
    flags = Field::quoted;
    const char* const text = ++at;
    for (;;) {
        at = find::quote(at, end, flags);
        if (end - at < 2) return nullptr;
        if (at[1] != '"') break;
        flags |= Field::doubled;
        at += 2;
    }
    field = {text, static_cast<std::uint32_t>(at - text), flags};
    return at + 1;
}

// Bytes of the line end at `at`, 0 when there is none.
std::size_t line_end(const char* at, const char* end) {
    if (*at == '\n') return 1;
    return end - at >= 2 && at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

} // namespace

void Repeat::set_table(const Table& table) {
    forget();
    std::size_t k = table.columns.size();
    while (k > 0 && table.columns[k - 1].group)
        --k;
    suffix_ = k + 1;
    first_ = last_ = 1;
}

void Repeat::remember(const char* text, const Scanner& scanner) {
    const std::vector<FieldSpan>& spans = scanner.fields();
    begins_.resize(spans.size());
    for (std::size_t i = 0; i < spans.size(); ++i)
        begins_[i] = spans[i].begin - ((spans[i].flags & Field::quoted) != 0 ? 1u : 0u);
    text_ = text;
    size_ = static_cast<std::size_t>(scanner.offset());
    content_ = static_cast<std::size_t>(scanner.content_size());
}

bool Repeat::match(const char* begin, const char* end, std::vector<Field>& fields) {
    const bool matched = match_from(begin, end, fields);
    if (matched)
        text_ = begin;
    else
        forget();
    return matched;
}

bool Repeat::match_from(const char* begin, const char* end, std::vector<Field>& fields) {
    const std::size_t count = begins_.size();
    const std::size_t common = find::common_prefix(begin, text_, std::min(static_cast<std::size_t>(end - begin), size_));
    if (common == size_) {
        first_ = last_ = count;
        return true;
    }
    std::size_t k = std::min(first_, count - 1);
    while (begins_[k] > common)
        --k;
    while (k + 1 < count && begins_[k + 1] <= common)
        ++k;
    if (k == 0) return false;
    first_ = k;
    for (const char* at = begin + begins_[k];;) {
        at = read_field(at, end, fields[k - 1]);
        if (at == nullptr || at == end) return false;
        ++k;
        if (*at != ',') {
            const std::size_t ending = line_end(at, end);
            if (ending == 0 || k != count) return false;
            content_ = static_cast<std::size_t>(at - begin);
            size_ = content_ + ending;
            last_ = count;
            return true;
        }
        if (k == count) return false;
        ++at;
        if (k == suffix_ && ends_as_before(begin, at, end, k)) return true;
        begins_[k] = static_cast<std::uint32_t>(at - begin);
    }
}

bool Repeat::ends_as_before(const char* begin, const char* at, const char* end, std::size_t field) {
    const std::size_t rest = size_ - begins_[field];
    if (static_cast<std::size_t>(end - at) < rest || !find::equal(at, text_ + begins_[field], rest)) return false;
    const auto here = static_cast<std::uint32_t>(at - begin);
    if (const std::uint32_t shift = here - begins_[field]; shift != 0) { // modulo 2^32, so it may go back
        for (std::size_t i = field; i < begins_.size(); ++i)
            begins_[i] += shift;
    }
    content_ = content_ - size_ + here + rest;
    size_ = here + rest;
    last_ = field;
    return true;
}

} // namespace fluxgate::flux
