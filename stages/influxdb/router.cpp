#include "router.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace fluxgate::influxdb {

namespace {

// Bounds of the memory; when one is reached everything is forgotten and learnt anew.
constexpr std::size_t max_entries = 65536;
constexpr std::size_t max_bytes = 8u << 20;
constexpr std::size_t max_key = 4096;

// Beyond so many entries a key has to come twice to be remembered.
constexpr std::size_t free_entries = 4096;
constexpr std::size_t seen_slots = 65536;

} // namespace

Router::Router(std::shared_ptr<partition::Partitioner> partitioner, partition::Strategy strategy)
    : partitioner_(std::move(partitioner)), strategy_(strategy) {}

void Router::set_table(const flux::Table& table, const message::Renderer& names) {
    const jq::Reads& reads = partitioner_->reads();
    inputs_.clear();
    columns_.clear();
    defaults_.clear();
    last_ = nullptr;
    if (reads.everything) return;
    std::vector<int> columns;
    for (const std::string& name : reads.payload) {
        int found = -1;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const int index = static_cast<int>(i);
            if (index != table.result_column && index != table.table_column && names.payload_name(i) == name) found = index;
        }
        columns.push_back(found);
        if (found >= 0) columns_.push_back(static_cast<std::uint32_t>(found));
    }
    std::sort(columns_.begin(), columns_.end());
    if (reads.result) columns.push_back(table.result_column);
    if (reads.table) columns.push_back(table.table_column);
    defaults_.reserve(columns.size());
    for (const int column : columns) {
        Input input;
        input.column = column;
        if (column >= 0) {
            const flux::Column& c = table.columns[static_cast<std::size_t>(column)];
            input.type = static_cast<std::uint8_t>(c.type);
            const std::string& text = defaults_.emplace_back(c.default_value);
            input.default_value = {text.data(), static_cast<std::uint32_t>(text.size()), 0};
        }
        inputs_.push_back(input);
    }
}

// One entry an input: what is there (absent, null or the type), how it is quoted, its size and its bytes. The same key
// means the same JSON values.
void Router::make_key(const flux::Row& row) {
    constexpr char absent = 0, null = 1, first_type = 2;
    key_.clear();
    for (const Input& input : inputs_) {
        if (input.column < 0) {
            key_ += absent;
            continue;
        }
        const flux::Field& sent = row.fields[static_cast<std::size_t>(input.column)];
        const flux::Field& field = sent.size == 0 ? input.default_value : sent;
        if (field.size == 0) {
            key_ += null;
            continue;
        }
        char head[6];
        head[0] = static_cast<char>(first_type + input.type);
        head[1] = static_cast<char>(field.flags & (flux::Field::quoted | flux::Field::doubled));
        std::memcpy(head + 2, &field.size, 4);
        key_.append(head, sizeof head);
        key_.append(field.data, field.size);
    }
}

// Whether every column that the expression reads is known to be as in the row before.
bool Router::reads_the_same(const flux::Row& row) const {
    for (const Input& input : inputs_) {
        const auto column = static_cast<std::uint32_t>(input.column);
        if (input.column >= 0 && column >= row.same_before && column < row.same_from) return false;
    }
    return true;
}

const Target* Router::find(const flux::Row& row) {
    if (partitioner_->reads().everything) return nullptr;
    const bool follows = row.number == last_number_ + 1;
    last_number_ = row.number;
    if (last_ != nullptr && follows && reads_the_same(row)) {
        ++hits_;
        return last_;
    }
    make_key(row);
    if (last_ != nullptr && key_ == last_key_) {
        ++hits_;
        return last_;
    }
    const auto known = memory_.find(key_);
    if (known == memory_.end()) {
        last_ = nullptr;
        return nullptr;
    }
    ++hits_;
    last_key_ = key_;
    last_ = &known->second;
    return last_;
}

void Router::fill(Target& target) const {
    target.partition = routed_.partition;
    target.dead_letter = routed_.dead_letter;
    target.text = routed_.text;
    message::Buffer end;
    message::append_head_end(end, routed_.partition, strategy_ == partition::Strategy::key ? &routed_.key : nullptr);
    target.head_end.assign(end.view());
}

bool Router::came_before() {
    if (seen_.empty()) seen_.resize(seen_slots);
    const std::uint64_t hash = std::hash<std::string_view>{}(key_);
    std::uint32_t& slot = seen_[hash % seen_slots];
    return std::exchange(slot, static_cast<std::uint32_t>(hash >> 32)) == static_cast<std::uint32_t>(hash >> 32);
}

const Target& Router::ask(const flux::Row& row, message::Renderer& renderer, std::string_view message) {
    ++evaluations_;
    const jq::Reads& reads = partitioner_->reads();
    if (!reads.everything) {
        excerpt_.clear();
        renderer.append_excerpt(row, columns_, reads.result, reads.table, excerpt_);
        message = excerpt_.view();
    }
    partitioner_->route(message, routed_);
    // A time limit that was hit once says nothing about the next time.
    const bool remember = !reads.everything && key_.size() <= max_key && routed_.dead_letter != "jq-timeout";
    if (!remember || (memory_.size() >= free_entries && !came_before())) {
        fill(unremembered_);
        last_ = remember ? &unremembered_ : nullptr;
        if (remember) last_key_ = key_;
        return unremembered_;
    }
    const std::size_t cost = key_.size() + routed_.key.size() + routed_.text.size() + sizeof(Target) + 64;
    if (memory_.size() >= max_entries || memory_bytes_ + cost > max_bytes) {
        memory_.clear();
        memory_bytes_ = 0;
    }
    memory_bytes_ += cost;
    Target& target = memory_[key_];
    fill(target);
    last_key_ = key_;
    last_ = &target;
    return target;
}

} // namespace fluxgate::influxdb
