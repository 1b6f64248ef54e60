#include "look_back.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace fluxgate::influxdb {

namespace {

constexpr std::string_view memory_key = "fingerprints";

std::string chunk_key(const std::string& name) {
    return std::string{memory_key} + (name.empty() ? "" : "." + name);
}

// Both are stored together, so nothing is remembered of windows that the cursor has not passed.
bool belongs_to(const window::Fingerprints& memory, const window::Cursor& cursor, std::string_view identity) {
    window::Instant passed = cursor.position;
    for (const window::Edges& edges : cursor.passed)
        passed = std::max(passed, edges.stop);
    return cursor.identity == identity && memory.newest() <= passed;
}

} // namespace

Result<void> load_memory(stage::Host host, const window::Cursor* stored, std::string_view identity, window::Instant position,
                         window::Fingerprints& memory) {
    auto list = host.state_get(memory_key);
    if (!list.ok()) return std::move(list).error();
    memory.set_floor(position);
    if (!list->exists()) return {};
    if (Result<void> read = memory.load(list->value()); !read.ok()) return read;
    if (stored == nullptr || !belongs_to(memory, *stored, identity)) {
        memory.clear();
        memory.set_floor(position);
        return {};
    }
    const std::vector<std::string> names = memory.chunk_names();
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto chunk = host.state_get(chunk_key(names[i]));
        if (!chunk.ok()) return std::move(chunk).error();
        if (Result<void> read = memory.load_chunk(i, chunk->value()); !read.ok()) return read;
    }
    return {};
}

window::Edges look_back_range(const window::Edges& window, std::int64_t lookback, const window::Fingerprints& memory) {
    const window::Instant from = std::max(window::plus(window.start, -lookback), memory.floor());
    return {std::min(from, window.start), window.stop};
}

std::vector<stage::StateChange> memory_changes(const window::Fingerprints& memory) {
    std::vector<stage::StateChange> out;
    for (window::Fingerprints::Change& c : memory.changes()) {
        const bool erase = !c.name.empty() && c.value.empty();
        out.push_back({chunk_key(c.name), erase ? std::nullopt : std::optional{std::move(c.value)}});
    }
    return out;
}

Result<std::vector<stage::StateChange>> memory_erased(stage::Host host) {
    auto list = host.state_get(memory_key);
    if (!list.ok()) return std::move(list).error();
    std::vector<stage::StateChange> out;
    if (!list->exists()) return out;
    out.push_back({std::string{memory_key}, std::nullopt});
    window::Fingerprints memory;
    if (!memory.load(list->value()).ok()) return out; // nobody asks for its chunks any more
    for (const std::string& name : memory.chunk_names())
        out.push_back({chunk_key(name), std::nullopt});
    return out;
}

} // namespace fluxgate::influxdb
