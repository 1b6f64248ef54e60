// The state of one run, for its stages.
#pragma once

#include "runtime/stage_context.hpp"

#include "fluxgate/error.hpp"
#include "fluxgate/stage.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::state {
class Store;
}

namespace fluxgate::runtime {

// Opened when a stage first asks for it, for plain reading needs no state and makes none; the lock is held until this is
// destroyed. Thread-safe.
class StateAccess {
public:
    enum class Mode {
        hold, // an empty directory: every call answers Errc::state
        look  // beside a run that may be going on: no lock, and commits are refused; where there is no state, no key has a value
    };
    StateAccess(std::string directory, std::string pipeline, Mode mode = Mode::hold);
    ~StateAccess();
    StateAccess(const StateAccess&) = delete;
    StateAccess& operator=(const StateAccess&) = delete;

    [[nodiscard]] Result<std::optional<std::string>> get(const StageContext& stage, std::string_view key);
    // Every later commit of this run answers the same error.
    [[nodiscard]] bool failed() const;
    [[nodiscard]] Result<void> commit(const StageContext& stage, const fg_state_change* changes, std::size_t count);

private:
    Result<state::Store*> store(const StageContext& stage);

    const std::string directory_, pipeline_;
    const Mode mode_;
    mutable std::mutex mutex_;
    std::unique_ptr<state::Store> store_;
};

// What a stage is told when the run keeps no state at all.
[[nodiscard]] Error no_state();

} // namespace fluxgate::runtime
