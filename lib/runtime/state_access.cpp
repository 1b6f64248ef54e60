#include "runtime/state_access.hpp"

#include "fluxgate/stage.hpp"
#include "state/store.hpp"

namespace fluxgate::runtime {

namespace {

state::Owner owner_of(const StageContext& stage) {
    return {stage.stage(), stage.partition() ? static_cast<std::int64_t>(*stage.partition()) : -1};
}

} // namespace

Error no_state() {
    return {Errc::state, "this run has no directory for state, so nothing can be remembered between runs; name one (the runner: --state DIR, or the "
                         "variable STATE_DIRECTORY; the C++ API: state_directory)"};
}

StateAccess::StateAccess(std::string directory, std::string pipeline, Mode mode)
    : directory_(std::move(directory)), pipeline_(std::move(pipeline)), mode_(mode) {}
StateAccess::~StateAccess() = default;

Result<state::Store*> StateAccess::store(const StageContext& stage) {
    const std::scoped_lock lock{mutex_};
    if (store_) return store_.get();
    if (directory_.empty()) return no_state();
    Result<std::unique_ptr<state::Store>> opened =
        state::Store::open(directory_, pipeline_, mode_ == Mode::hold ? state::Access::write : state::Access::read);
    if (!opened.ok()) return std::move(opened).error();
    store_ = std::move(*opened);
    if (mode_ == Mode::hold)
        stage.log(LogLevel::info, "state.opened", "the state is held by this run", {{"file", state::Store::file_of(directory_, pipeline_)}});
    return store_.get();
}

Result<std::optional<std::string>> StateAccess::get(const StageContext& stage, std::string_view key) {
    if (mode_ == Mode::look && (directory_.empty() || !state::Store::exists(directory_, pipeline_))) return std::optional<std::string>{};
    const Result<state::Store*> opened = store(stage);
    if (!opened.ok()) return opened.error();
    return (*opened)->get(owner_of(stage), key);
}

Result<void> StateAccess::commit(const StageContext& stage, const fg_state_change* changes, std::size_t count) {
    if (mode_ == Mode::look) return Error{Errc::state, "the state is only looked at; nothing is stored"};
    if (changes == nullptr && count > 0) return Error{Errc::invalid_argument, "the list of changes of the state is null"};
    std::vector<state::Change> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back({stage::to_view(changes[i].key), stage::to_view(changes[i].value), changes[i].erase != 0});
    const Result<state::Store*> opened = store(stage);
    if (!opened.ok()) return opened.error();
    return (*opened)->commit(owner_of(stage), all);
}

bool StateAccess::failed() const {
    const std::scoped_lock lock{mutex_};
    return store_ && store_->failed();
}

} // namespace fluxgate::runtime
