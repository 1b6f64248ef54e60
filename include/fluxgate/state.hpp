// What a pipeline remembers between runs: where its cursor stands. For programs that show or move it without running it.
//
//   auto state = fluxgate::State::open(directory, "plant-4", fluxgate::State::Access::write);
//   if (!state.ok()) print(state.error().text()); // in use: names the process
//   else if (auto moved = state->rewind_cursor(std::chrono::hours{2}); !moved.ok()) ...
//
// Times are nanoseconds since 1970 UTC, or RFC 3339 text in UTC. Errors: Errc::state for whatever keeps the store from being read or
// written, Errc::configuration for what the caller asked of it. Threads: one at a time a State. Nothing of it needs a Host.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/export.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate {

// The process that uses a state now.
struct StateHolder {
    std::int64_t pid = 0; // 0: it has not said so yet
    std::string host, since;
};

struct CursorInfo {
    std::int64_t position_ns = 0; // every row before is delivered
    std::string position;         // the same as text
    using Window = std::pair<std::string, std::string>;
    std::vector<Window> planned;      // begun and not passed yet: read again after a restart
    std::vector<Window> passed;       // delivered, beyond a gap
    std::string identity;             // of url, organization and query; empty: the next run takes them as they are
    std::string updated;              // or empty
    std::string json;                 // as the source wrote it
    std::uint64_t memory_of_late = 0; // bytes that the memory of `lookback` takes
};

class FLUXGATE_API State {
public:
    enum class Access {
        read, // also beside a running pipeline; makes and locks nothing
        write // makes what is missing; refused while another process uses the state
    };
    // The files are DIRECTORY/PIPELINE.db and .lock; a pipeline's id is that of PipelineOptions::id.
    static Result<State> open(const std::string& directory, const std::string& pipeline, Access access);
    [[nodiscard]] static bool exists(const std::string& directory, const std::string& pipeline);
    [[nodiscard]] static std::string file_of(const std::string& directory, const std::string& pipeline);
    [[nodiscard]] static std::optional<StateHolder> holder_of(const std::string& directory, const std::string& pipeline);

    State(State&&) noexcept;
    State& operator=(State&&) noexcept;
    ~State();

    // None: nothing was read yet, so reading begins at the document's `incremental.start`.
    [[nodiscard]] Result<std::optional<CursorInfo>> cursor() const;
    // The cursor as JSON text on one line, with the pipeline's id.
    [[nodiscard]] Result<std::optional<std::string>> export_cursor() const;

    // The next run goes on from there, whatever its query is.
    Result<void> set_cursor(std::int64_t position_ns);
    // The next run reads again what lies that far behind; rows that were delivered come again, with the same rowId.
    Result<void> rewind_cursor(std::chrono::nanoseconds by);
    // What export_cursor gave. Going back counts as a rewind.
    Result<void> import_cursor(std::string_view json);

    // An RFC 3339 time, `now`, `now-2h` or `-2h`. Errc::configuration, the message a clause ("it is no RFC 3339 time ...").
    [[nodiscard]] static Result<std::int64_t> parse_time(std::string_view text);
    [[nodiscard]] static std::string format_time(std::int64_t ns);

private:
    class Impl;
    explicit State(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate
