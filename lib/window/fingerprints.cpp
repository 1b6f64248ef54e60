#include "window/fingerprints.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

namespace fluxgate::window {

namespace {

constexpr std::string_view magic = "FGF1";
constexpr std::uint64_t cut_bit = 1ull << 32; // beside the next chunk's name, where programs that do not know it do not look
constexpr std::size_t ahead = 16;             // of what is looked for next, memory that is far away is asked for so early

void put64(std::string& out, std::uint64_t value) {
    for (int k = 0; k < 8; ++k)
        out += static_cast<char>(value >> (8 * k));
}

std::string text_of(const std::vector<std::uint64_t>& prints) {
    std::string out;
    if constexpr (std::endian::native == std::endian::little) {
        out.assign(reinterpret_cast<const char*>(prints.data()), 8 * prints.size());
    } else {
        out.reserve(8 * prints.size());
        for (const std::uint64_t print : prints)
            put64(out, print);
    }
    return out;
}

std::uint64_t get64(const char* at) {
    std::uint64_t value = 0;
    for (int k = 7; k >= 0; --k)
        value = value << 8 | static_cast<unsigned char>(at[k]);
    return value;
}

std::string chunk_name(std::uint32_t name) {
    return std::to_string(name);
}

Error bad(const std::string& why) {
    return Error{Errc::state, "the stored memory of look-back cannot be used: " + why};
}

} // namespace

bool Fingerprints::in_table(std::uint64_t print) const noexcept {
    for (std::size_t at = home(print);; at = (at + 1) & (size_ - 1)) {
        if (table_[at] == print) return true;
        if (table_[at] == 0) return false;
    }
}

void Fingerprints::prefetch(std::uint64_t print) const noexcept {
    if (size_ == 0) return;
    const std::size_t at = home(never_zero(print));
    __builtin_prefetch(filter_.get() + at / per_word, 1);
    __builtin_prefetch(table_.get() + at, 1);
}

// Room for so many more, at most two of three places being used.
void Fingerprints::grow(std::size_t more) {
    std::size_t size = std::max<std::size_t>(size_, 4096);
    while ((used_ + more) * 3 > size * 2)
        size *= 2;
    if (size == size_) return;
    const Words old = std::exchange(table_, make_words(size));
    const std::size_t old_size = std::exchange(size_, size);
    shift_ = static_cast<unsigned>(64 - __builtin_ctzll(size));
    filter_ = make_words(size / per_word);
    used_ = stale_ = 0;
    for (std::size_t i = 0; i < old_size; ++i)
        if (old[i] != 0) insert(old[i]);
}

// There is room for it.
void Fingerprints::insert(std::uint64_t print) {
    print = never_zero(print);
    filter_[word_of(print)] |= bits_of(print);
    std::size_t at = home(print);
    while (table_[at] != 0) {
        if (table_[at] == print) return;
        at = (at + 1) & (size_ - 1);
    }
    table_[at] = print;
    ++used_;
}

void Fingerprints::insert(const std::uint64_t* prints, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        if (i + ahead < count) prefetch(prints[i + ahead]);
        insert(prints[i]);
    }
}

// Puts into the table what is not there.
void Fingerprints::index() {
    std::size_t more = 0;
    for (const Chunk& chunk : chunks_)
        more += chunk.prints.size() - chunk.indexed;
    for (const auto& [id, expected] : expected_)
        if (!expected.indexed) more += expected.prints.list.size();
    grow(more);
    for (Chunk& chunk : chunks_) {
        insert(chunk.prints.data() + chunk.indexed, chunk.prints.size() - chunk.indexed);
        chunk.indexed = chunk.prints.size();
    }
    for (auto& [id, expected] : expected_) {
        if (expected.indexed) continue;
        insert(expected.prints.list.data(), expected.prints.list.size());
        expected.indexed = true;
        expected.erasures = erasures_;
    }
    behind_ = false;
}

// What stood behind it moves up, so that no search stops too early.
void Fingerprints::erase(std::uint64_t print) {
    print = never_zero(print);
    const std::uint64_t bits = bits_of(print);
    if ((filter_[word_of(print)] & bits) != bits) return;
    const std::size_t mask = size_ - 1;
    std::size_t at = home(print);
    while (table_[at] != print) {
        if (table_[at] == 0) return;
        at = (at + 1) & mask;
    }
    --used_;
    ++stale_;
    for (std::size_t next = (at + 1) & mask; table_[next] != 0; next = (next + 1) & mask) {
        if (((next - home(table_[next])) & mask) < ((next - at) & mask)) continue;
        table_[at] = table_[next];
        at = next;
    }
    table_[at] = 0;
}

void Fingerprints::erase(const std::vector<std::uint64_t>& prints) {
    for (std::size_t i = 0; i < prints.size(); ++i) {
        if (i + ahead < prints.size()) prefetch(prints[i + ahead]);
        erase(prints[i]);
    }
    ++erasures_;
    if (stale_ > size_ / 4) renew_filter();
}

// Without what was erased.
void Fingerprints::renew_filter() {
    std::fill_n(filter_.get(), size_ / per_word, 0);
    for (std::size_t i = 0; i < size_; ++i)
        if (table_[i] != 0) filter_[word_of(table_[i])] |= bits_of(table_[i]);
    stale_ = 0;
}

void Fingerprints::drop_oldest() {
    Chunk& oldest = chunks_.front();
    if (size_ != 0) erase(oldest.prints);
    stored_ -= oldest.prints.size();
    if (oldest.unknown) --unknown_;
    deleted_.push_back(chunk_name(oldest.name));
    chunks_.pop_front();
    list_dirty_ = true;
}

void Fingerprints::drop_for_room() {
    leave_out(chunks_.front().span.stop, chunks_.front().prints.size());
    drop_oldest();
}

void Fingerprints::leave_out(Instant stop, std::uint64_t count) {
    dropped_ += count;
    if (stop <= floor_) return;
    floor_ = stop;
    cut_ = true;
}

// The chunk that has room.
Fingerprints::Chunk& Fingerprints::open_chunk(const Edges& window) {
    if (!chunks_.empty() && chunks_.back().prints.size() < chunk_) return chunks_.back();
    // A name is used again only when its chunk is gone.
    if (chunks_.size() >= names) drop_for_room();
    Chunk& chunk = chunks_.emplace_back();
    chunk.name = next_name_;
    chunk.span = window;
    chunk.dirty = true;
    next_name_ = (next_name_ + 1) % names;
    return chunk;
}

void Prints::append(Prints more) {
    if (list.empty()) {
        list.swap(more.list);
    } else {
        list.insert(list.end(), more.list.begin(), more.list.end());
    }
    newest = newest && more.newest ? std::max(newest, more.newest) : std::nullopt;
}

void Fingerprints::expect(std::uint64_t id, const Edges& window, Prints prints) {
    if (prints.newest) {
        newest_time_ = std::max(newest_time_, *prints.newest);
    } else {
        ++unknown_;
    }
    waiting_ += prints.list.size();
    behind_ = behind_ || !prints.list.empty();
    expected_[id] = {window, std::move(prints), false, 0};
}

void Fingerprints::add(std::uint64_t id) {
    const auto found = expected_.find(id);
    if (found == expected_.end()) return;
    const Expected expected = std::move(found->second);
    expected_.erase(found);
    waiting_ -= expected.prints.list.size();
    if (!expected.prints.newest) --unknown_;
    add(expected);
}

void Fingerprints::add(const Expected& expected) {
    const std::vector<std::uint64_t>& prints = expected.prints.list;
    // What is in the table is there for good, unless an older chunk that held the same one was dropped.
    const bool indexed = expected.indexed && expected.erasures == erasures_;
    for (std::size_t done = 0; done < prints.size();) {
        Chunk& chunk = open_chunk(expected.window);
        const std::size_t before = chunk.prints.size(), count = std::min(prints.size() - done, chunk_ - before);
        chunk.span = {std::min(chunk.span.start, expected.window.start), std::max(chunk.span.stop, expected.window.stop)};
        chunk.prints.insert(chunk.prints.end(), prints.begin() + static_cast<std::ptrdiff_t>(done),
                            prints.begin() + static_cast<std::ptrdiff_t>(done + count));
        chunk.dirty = list_dirty_ = true;
        if (indexed && chunk.indexed == before) {
            chunk.indexed += count;
        } else {
            behind_ = true;
        }
        if (!expected.prints.newest && !chunk.unknown) {
            chunk.unknown = true;
            ++unknown_;
        }
        stored_ += count;
        done += count;
    }
    while (stored_ > most_ && chunks_.size() > 1)
        drop_for_room();
}

Instant Fingerprints::newest() const noexcept {
    Instant at = INT64_MIN;
    for (const Chunk& chunk : chunks_)
        at = std::max(at, chunk.span.stop);
    return at;
}

void Fingerprints::clear() {
    while (!chunks_.empty())
        drop_oldest();
    expected_.clear();
    table_.reset();
    filter_.reset();
    used_ = size_ = stale_ = waiting_ = unknown_ = 0;
    newest_time_.clear();
    behind_ = false;
}

void Fingerprints::forget_before(Instant upto) {
    while (!chunks_.empty() && chunks_.front().span.stop <= upto)
        drop_oldest();
    if (floor_ < upto) set_floor(upto);
}

std::vector<Fingerprints::Change> Fingerprints::changes() const {
    std::vector<Change> out;
    for (const std::string& name : deleted_) {
        const bool again = std::any_of(chunks_.begin(), chunks_.end(), [&](const Chunk& c) { return chunk_name(c.name) == name; });
        if (!again) out.push_back({name, {}});
    }
    std::string list{magic};
    put64(list, static_cast<std::uint64_t>(floor_));
    put64(list, next_name_ | (cut_ ? cut_bit : 0));
    for (const Chunk& chunk : chunks_) {
        for (const std::uint64_t value : {std::uint64_t{chunk.name}, static_cast<std::uint64_t>(chunk.span.start),
                                          static_cast<std::uint64_t>(chunk.span.stop), std::uint64_t{chunk.prints.size()}})
            put64(list, value);
        if (!chunk.dirty) continue;
        out.push_back({chunk_name(chunk.name), text_of(chunk.prints)});
    }
    out.push_back({{}, std::move(list)});
    return out;
}

void Fingerprints::mark_stored() {
    deleted_.clear();
    list_dirty_ = false;
    for (Chunk& chunk : chunks_)
        chunk.dirty = false;
}

Result<void> Fingerprints::load(std::string_view list) {
    constexpr std::size_t head = 4 + 16, entry = 32;
    if (list.size() < head || list.substr(0, 4) != magic || (list.size() - head) % entry != 0 || (list.size() - head) / entry > names)
        return bad("it is no list of this program's making");
    floor_ = static_cast<Instant>(get64(list.data() + 4));
    next_name_ = static_cast<std::uint32_t>(get64(list.data() + 12) % names);
    cut_ = (get64(list.data() + 12) & cut_bit) != 0;
    std::vector<bool> seen(names);
    for (std::size_t at = head; at < list.size(); at += entry) {
        const char* e = list.data() + at;
        const std::uint64_t name = get64(e), count = get64(e + 24);
        if (name >= names || count == 0 || count > std::max<std::uint64_t>(chunk_, most)) return bad("a chunk in its list cannot be");
        if (seen[name]) return bad("its list names chunk " + chunk_name(static_cast<std::uint32_t>(name)) + " twice");
        seen[name] = true;
        Chunk& chunk = chunks_.emplace_back();
        chunk.name = static_cast<std::uint32_t>(name);
        chunk.span = {static_cast<Instant>(get64(e + 8)), static_cast<Instant>(get64(e + 16))};
        chunk.announced = count;
    }
    return {};
}

std::vector<std::string> Fingerprints::chunk_names() const {
    std::vector<std::string> out;
    for (const Chunk& chunk : chunks_)
        out.push_back(chunk_name(chunk.name));
    return out;
}

Result<void> Fingerprints::load_chunk(std::size_t index, std::string_view value) {
    Chunk& chunk = chunks_[index];
    if (value.size() != 8 * chunk.announced) return bad("chunk " + chunk_name(chunk.name) + " is not as long as its list says");
    chunk.prints.reserve(chunk.announced);
    for (std::size_t at = 0; at < value.size(); at += 8)
        chunk.prints.push_back(get64(value.data() + at));
    stored_ += chunk.prints.size();
    chunk.unknown = behind_ = true;
    ++unknown_;
    return {};
}

} // namespace fluxgate::window
