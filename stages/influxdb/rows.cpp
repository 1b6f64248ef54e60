#include "rows.hpp"

#include "message/put.hpp"
#include "prepared.hpp"

#include <utility>

namespace fluxgate::influxdb {

flux::Limits reader_limits(const Settings& settings) {
    flux::Limits limits;
    limits.max_row_bytes = settings.limits.max_row_bytes;
    limits.max_columns = settings.limits.max_columns;
    limits.max_header_bytes = settings.limits.max_header_bytes;
    limits.max_annotations = settings.limits.max_annotations;
    return limits;
}

message::Options message_options(const Settings& settings) {
    message::Options options;
    switch (settings.non_finite) {
    case NonFinite::null: options.non_finite = message::NonFinite::null; break;
    case NonFinite::string: options.non_finite = message::NonFinite::string; break;
    case NonFinite::dead_letter: options.non_finite = message::NonFinite::dead_letter; break;
    }
    options.nulls = settings.nulls == Nulls::omit ? message::Nulls::omit : message::Nulls::include;
    options.types = settings.types;
    return options;
}

std::string window_json(const window::Edges& window) {
    return "[\"" + window::format_instant(window.start) + "\",\"" + window::format_instant(window.stop) + "\"]";
}

Rows::Rows(const Settings& settings, std::shared_ptr<partition::Partitioner> partitioner, stage::Host host, std::uint32_t share)
    : host_(host), reader_(reader_limits(settings)), renderer_(message_options(settings)), router_(std::move(partitioner), strategy_of(settings)),
      batcher_(settings.partition_count, settings.batch, share), repeats_(settings.bounds.window_rows), most_new_(settings.bounds.window_rows) {}

void Rows::begin() {
    reader_.reset();
    counts_ = RowCounts{};
    failed_ = false;
    too_large_ = false;
}

void Rows::begin_window(const window::Edges& window, window::Fingerprints* memory) {
    begin();
    windowed_ = true;
    memory_ = memory;
    suppressing_ = false;
    prints_.clear();
    novelty_.clear();
    repeats_.clear(memory != nullptr ? memory->known() : 0);
    ids_.set_window(window);
    renderer_.set_window(window_json(window));
}

void Rows::set_received(std::int64_t received_ns) {
    received_ns_ = received_ns;
    if (const std::int64_t ms = received_ns_ / 1'000'000; ms != timestamp_ms_) {
        timestamp_ms_ = ms;
        timestamp_ = message::timestamp_text(received_ns_);
    }
}

void Rows::on_body(std::string_view bytes) {
    if (failed_ || fatal_ || too_large_) return;
    now_ns_ = host_.monotonic_ns();
    set_received(host_.wall_ns());
    reader_.feed(bytes);
    while (!fatal_ && !too_large_) {
        switch (reader_.next()) {
        case flux::Event::need_more: return;
        case flux::Event::table: on_table(reader_.table()); break;
        case flux::Event::row: on_row(reader_.row()); break;
        case flux::Event::long_row: on_long_row(reader_.row(), reader_.long_row_bytes()); break;
        case flux::Event::failed: failed_ = true; return;
        }
    }
}

void Rows::take(flux::JournalReader& journal) {
    constexpr std::size_t enough = 128u << 10;
    now_ns_ = host_.monotonic_ns();
    for (std::size_t taken = 0; taken < enough && !fatal_ && !too_large_;) {
        const flux::Event event = journal.next();
        if (event == flux::Event::need_more) return;
        if (journal.received_ns() != received_ns_) set_received(journal.received_ns());
        if (event == flux::Event::table) {
            on_table(journal.table());
            continue;
        }
        taken += journal.row().raw.size();
        event == flux::Event::row ? on_row(journal.row()) : on_long_row(journal.row(), journal.long_row_bytes());
    }
}

void Rows::on_table(const flux::Table& table) {
    counts_.renamed_columns += renderer_.set_table(table);
    router_.set_table(table, renderer_);
    if (!windowed_) return;
    ids_.set_table(table);
    novelty_.set_table(table);
}

void Rows::on_plain_row(const flux::Row& row) {
    ++counts_.rows;
    const std::uint64_t replaced_before = renderer_.replaced_sequences();
    if (const Target* target = router_.find(row); target != nullptr && target->dead_letter.empty()) {
        append_known(row, *target);
    } else {
        append_asked(row, target);
    }
    counts_.replaced_sequences += renderer_.replaced_sequences() - replaced_before;
}

inline void Rows::append_head(message::Buffer& text, const Target& target) const {
    char* at = text.reserve(message::head_begin.size() + timestamp_.size() + target.head_end.size());
    at = message::put(at, message::head_begin.data(), message::head_begin.size());
    at = message::put(at, timestamp_.data(), timestamp_.size());
    text.commit(message::put(at, target.head_end.data(), target.head_end.size()));
}

// The partition is known before the row is rendered, so the message is written once, where it belongs.
void Rows::append_known(const flux::Row& row, const Target& target) {
    message::Buffer& text = batcher_.block(target.partition).text;
    const std::size_t begin = text.size();
    append_head(text, target);
    message::PayloadSpan payload;
    if (!renderer_.append_tail(row, text, payload, fault_)) {
        text.truncate(begin);
        dead_letter(fault_.code, fault_.text, row.raw, false);
        return;
    }
    add(target.partition, begin, payload);
}

// The expression has to see the message first. What it said (or a failure that is remembered) decides where it goes.
void Rows::append_asked(const flux::Row& row, const Target* known) {
    scratch_.clear();
    message::append_probe_head(scratch_, timestamp_);
    const std::size_t tail = scratch_.size();
    message::PayloadSpan payload;
    if (!renderer_.append_tail(row, scratch_, payload, fault_)) {
        dead_letter(fault_.code, fault_.text, row.raw, false);
        return;
    }
    deliver_asked(row, known, tail, payload);
}

// The message in scratch_, whose tail begins there, goes where the expression says.
void Rows::deliver_asked(const flux::Row& row, const Target* known, std::size_t tail, const message::PayloadSpan& payload) {
    const Target& target = known != nullptr ? *known : router_.ask(row, renderer_, scratch_.view());
    if (!target.dead_letter.empty()) {
        dead_letter(target.dead_letter, target.text, scratch_.view(), false);
        return;
    }
    message::Buffer& text = batcher_.block(target.partition).text;
    const std::size_t begin = text.size();
    append_head(text, target);
    const std::size_t shift = text.size() - tail;
    text.append(scratch_.view().substr(tail));
    add(target.partition, begin, {payload.begin + shift, payload.end + shift, 0});
}

inline void Rows::add(std::uint32_t partition, std::size_t begin, const message::PayloadSpan& payload) {
    const std::size_t end = batcher_.block(partition).text.size();
    ++counts_.messages;
    batcher_.added(partition,
                   {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin), static_cast<std::uint32_t>(payload.begin),
                    static_cast<std::uint32_t>(payload.end - payload.begin)},
                   received_ns_, now_ns_);
}

// Whether the row is to be delivered; its place among identical ones. False: suppressed, or too_large().
inline bool Rows::is_wanted(const window::Hash128& id, bool is_new, std::uint32_t& repeat) {
    if (is_new) {
        repeat = 0;
        too_large_ = !repeats_.add_new(id);
    } else {
        repeat = repeats_.count(id);
        too_large_ = repeat == window::Repeats::overflow;
    }
    if (too_large_) return false;
    if (memory_ == nullptr) return true;
    const std::uint64_t print = window::fingerprint(id, repeat);
    suppressing_ = memory_->may_know(novelty_.time()) && memory_->knows(print);
    if (suppressing_) {
        ++counts_.suppressed;
        return false;
    }
    too_large_ = prints_.size() >= most_new_;
    if (!too_large_) prints_.push_back(print);
    return !too_large_;
}

// The identity is worked out after the message is written, when the bytes it is made of have settled; unless memory that is far away
// has to be looked at: that is asked for before.
void Rows::on_window_row(const flux::Row& row) {
    ++counts_.rows;
    ids_.take(row);
    const bool is_new = novelty_.is_new(row);
    const bool looks_up = !is_new || suppressing_;
    window::Hash128 id;
    if (looks_up) {
        id = ids_.id();
        if (!is_new) repeats_.prefetch(id);
        if (suppressing_) memory_->prefetch(window::fingerprint(id, 0));
    }
    const Target* target = router_.find(row);
    const bool known = target != nullptr && target->dead_letter.empty();
    message::Buffer& text = known ? batcher_.block(target->partition).text : scratch_;
    if (!known) text.clear();
    const std::size_t begin = text.size();
    known ? append_head(text, *target) : message::append_probe_head(text, timestamp_);
    const std::size_t tail = text.size();
    message::PayloadSpan payload;
    const std::uint64_t replaced_before = renderer_.replaced_sequences();
    const bool rendered = renderer_.append_tail(row, text, payload, fault_);
    if (!looks_up) id = ids_.id();
    std::uint32_t repeat = 0;
    if (!is_wanted(id, is_new, repeat)) {
        text.truncate(begin);
        return;
    }
    counts_.replaced_sequences += renderer_.replaced_sequences() - replaced_before;
    if (!rendered) {
        text.truncate(begin);
        dead_letter(fault_.code, fault_.text, row.raw, false);
        return;
    }
    window::put_hex(text.at(payload.row_id), id);
    if (repeat != 0) {
        const std::string suffix = "-" + std::to_string(repeat);
        text.insert(payload.row_id + window::hash_digits, suffix);
        payload.begin += suffix.size();
        payload.end += suffix.size();
    }
    known ? add(target->partition, begin, payload) : deliver_asked(row, target, tail, payload);
}

void Rows::on_long_row(const flux::Row& row, std::uint64_t bytes) {
    ++counts_.rows;
    const std::string text = "a row of " + std::to_string(bytes) + " bytes at byte " + std::to_string(row.offset) +
                             " of the answer is longer than limits.maxRowBytes allows";
    dead_letter("row-too-long", text, row.raw, true);
}

void Rows::dead_letter(std::string_view code, std::string_view text, std::string_view raw, bool truncated) {
    fg_dead_letter letter{};
    letter.code = stage::to_text(code);
    letter.text = stage::to_text(text);
    letter.partition = -1;
    letter.raw = stage::to_text(raw);
    letter.truncated = truncated ? 1 : 0;
    if (Result<void> kept = host_.dead_letter(letter); !kept.ok()) {
        fatal_ = std::move(kept).error();
        return;
    }
    ++counts_.dead_letters;
    if (code == "jq-timeout") {
        ++counts_.halted;
        host_.set_health(FG_HEALTH_NEEDS_ATTENTION, "jq-timeout", text);
    }
}

} // namespace fluxgate::influxdb
