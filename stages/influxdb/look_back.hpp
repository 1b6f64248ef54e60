// What look-back remembers, as the host's state keeps it beside the cursor.
#pragma once

#include "fluxgate/stage.hpp"
#include "window/cursor.hpp"
#include "window/fingerprints.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace fluxgate::influxdb {

// Fills `memory`, which is empty, for reading on from `position`. It stays empty, and look-back reaches no further back than there,
// where `stored` is not the cursor that the memory was stored with: a person set it, it was written for another query than
// `identity`, or there is none (null). What lies before such a cursor is not to come, and what follows it is, again if need be.
// Errc::state: what is stored cannot be used.
Result<void> load_memory(stage::Host host, const window::Cursor* stored, std::string_view identity, window::Instant position,
                         window::Fingerprints& memory);

// What a window's query asks for that looks back so far.
[[nodiscard]] window::Edges look_back_range(const window::Edges& window, std::int64_t lookback, const window::Fingerprints& memory);

// What writes the memory's changes, for a commit with the cursor.
[[nodiscard]] std::vector<stage::StateChange> memory_changes(const window::Fingerprints& memory);

// What erases a memory that is stored, if there is one: a cursor that moves without it is not to meet it again.
Result<std::vector<stage::StateChange>> memory_erased(stage::Host host);

} // namespace fluxgate::influxdb
