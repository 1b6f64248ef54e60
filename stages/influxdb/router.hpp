// Finds the partition of a row, and remembers what an expression said for the bytes that it reads.
#pragma once

#include "flux/table.hpp"
#include "message/renderer.hpp"
#include "partition/partitioner.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fluxgate::influxdb {

// Where rows go whose expression had one value. `dead_letter` not empty: to the dead letters, with `text`.
struct Target {
    std::uint32_t partition = 0;
    std::string head_end; // message::append_head_end for this partition and key
    std::string_view dead_letter;
    std::string text;
};

// The value of an expression is remembered under the raw bytes of the columns it reads, where jq::analyse shows that it
// reads nothing else; so what is answered is exactly what libjq would say. The first few thousand values are all
// remembered, later ones only when their bytes come a second time: times and measured values, which never do, cost a
// look into a small table then. Not thread-safe.
class Router {
public:
    // Several routers of one thread may share a partitioner.
    Router(std::shared_ptr<partition::Partitioner> partitioner, partition::Strategy strategy);

    // Rows of this table follow; `names` has seen it.
    void set_table(const flux::Table& table, const message::Renderer& names);

    // The remembered target of a row, or null: then ask() with the row's message. Valid until the next call of either.
    const Target* find(const flux::Row& row);

    // Evaluates the expression on the row that find() was asked for last: on its message, or, where it is known what the
    // expression reads, on that part of it, which libjq parses in a fraction of the time. Precondition: `renderer` made the
    // message of this row.
    const Target& ask(const flux::Row& row, message::Renderer& renderer, std::string_view message);

    [[nodiscard]] std::uint64_t evaluations() const noexcept { return evaluations_; }
    [[nodiscard]] std::uint64_t hits() const noexcept { return hits_; }

private:
    struct Input {
        int column = -1; // -1: the message has no such member
        std::uint8_t type = 0;
        flux::Field default_value;
    };
    [[nodiscard]] bool reads_the_same(const flux::Row& row) const;
    void make_key(const flux::Row& row);
    // Whether the key came before, as far as seen_ knows; now it did.
    bool came_before();
    void fill(Target& target) const;

    std::shared_ptr<partition::Partitioner> partitioner_;
    partition::Strategy strategy_;
    std::vector<Input> inputs_;
    std::vector<std::uint32_t> columns_; // of the payload, that the expression reads
    std::vector<std::string> defaults_;
    message::Buffer excerpt_;
    std::string key_, last_key_;
    const Target* last_ = nullptr;  // of the row before, or null
    std::uint64_t last_number_ = 0; // of the row before
    std::unordered_map<std::string, Target> memory_;
    std::size_t memory_bytes_ = 0;
    std::vector<std::uint32_t> seen_; // by the low bits of a key's hash: its high bits; made when first needed
    partition::Routed routed_;
    Target unremembered_;
    std::uint64_t evaluations_ = 0, hits_ = 0;
};

} // namespace fluxgate::influxdb
