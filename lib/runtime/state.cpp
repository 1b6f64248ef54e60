#include "fluxgate/state.hpp"

#include "runtime/secrets.hpp"
#include "state/cursor.hpp"
#include "state/lock_file.hpp"
#include "state/store.hpp"
#include "state/time_text.hpp"
#include "window/cursor.hpp"

namespace fluxgate {

namespace {

constexpr state::Owner source{state::source_stage};

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<CursorInfo::Window> texts_of(const std::vector<window::Edges>& windows) {
    std::vector<CursorInfo::Window> out;
    out.reserve(windows.size());
    for (const window::Edges& w : windows)
        out.emplace_back(window::format_instant(w.start), window::format_instant(w.stop));
    return out;
}

} // namespace

class State::Impl {
public:
    Impl(std::unique_ptr<state::Store> opened, std::string id) : store(std::move(opened)), pipeline(std::move(id)) {}
    std::unique_ptr<state::Store> store;
    std::string pipeline;

    [[nodiscard]] Result<std::optional<std::string>> cursor() const { return store->get(source, state::cursor_key); }

    // `moved`: rows come again that the memory of late rows would take for delivered, or look-back would deliver what was left out.
    Result<void> put(const std::string& json, bool moved) const {
        std::vector<state::Change> changes{{state::cursor_key, json}};
        if (moved) changes.push_back({state::fingerprints_key, {}, true});
        return store->commit(source, changes);
    }
};

State::State(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;
State::~State() = default;

Result<State> State::open(const std::string& directory, const std::string& pipeline, Access access) {
    if (!runtime::is_name(pipeline))
        return Error{Errc::configuration, "the pipeline's id \"" + pipeline + "\" may have letters, digits, '.', '_' and '-' only, and at least one"};
    if (directory.empty()) return Error{Errc::configuration, "there is no directory for the state; name one (the runner: --state DIR)"};
    auto store = state::Store::open(directory, pipeline, access == Access::read ? state::Access::read : state::Access::write);
    if (!store.ok()) return std::move(store).error();
    return State{std::make_unique<Impl>(std::move(*store), pipeline)};
}

bool State::exists(const std::string& directory, const std::string& pipeline) {
    return state::Store::exists(directory, pipeline);
}

std::string State::file_of(const std::string& directory, const std::string& pipeline) {
    return state::Store::file_of(directory, pipeline);
}

std::optional<StateHolder> State::holder_of(const std::string& directory, const std::string& pipeline) {
    const std::optional<state::Holder> holder = state::LockFile::holder_of(state::Store::lock_of(directory, pipeline));
    if (!holder) return std::nullopt;
    return StateHolder{holder->pid, holder->host, holder->since};
}

Result<std::optional<CursorInfo>> State::cursor() const {
    const Result<std::optional<std::string>> json = impl_->cursor();
    if (!json.ok()) return json.error();
    if (!*json) return std::optional<CursorInfo>{};
    const Result<window::Cursor> cursor = window::parse_cursor(**json);
    if (!cursor.ok()) return cursor.error();
    const Result<std::optional<std::string>> late = impl_->store->get(source, state::fingerprints_key);
    if (!late.ok()) return late.error();
    CursorInfo out;
    out.position_ns = cursor->position;
    out.position = window::format_instant(cursor->position);
    out.planned = texts_of(cursor->planned);
    out.passed = texts_of(cursor->passed);
    out.identity = cursor->identity;
    out.updated = cursor->updated;
    out.json = **json;
    if (*late) { // without its list, what is left of it is nobody's
        const Result<std::uint64_t> size = impl_->store->size_of(source, state::fingerprints_key);
        if (!size.ok()) return size.error();
        out.memory_of_late = *size;
    }
    return std::optional<CursorInfo>{std::move(out)};
}

Result<std::optional<std::string>> State::export_cursor() const {
    Result<std::optional<std::string>> json = impl_->cursor();
    if (!json.ok() || !*json) return json;
    Result<std::string> text = state::exported(**json, impl_->pipeline);
    if (!text.ok()) return std::move(text).error();
    return std::optional<std::string>{std::move(*text)};
}

Result<void> State::set_cursor(std::int64_t position_ns) {
    return impl_->put(state::cursor_at(position_ns, now_ns()), true);
}

Result<void> State::rewind_cursor(std::chrono::nanoseconds by) {
    const Result<std::optional<std::string>> json = impl_->cursor();
    if (!json.ok()) return json.error();
    if (!*json) return Error{Errc::configuration, "there is no cursor yet that could be rewound; `fluxgate cursor set` gives it a place"};
    const Result<std::string> moved = state::rewound(**json, by, now_ns());
    return moved.ok() ? impl_->put(*moved, true) : moved.error();
}

Result<void> State::import_cursor(std::string_view json) {
    const Result<std::string> text = state::imported(json, impl_->pipeline);
    if (!text.ok()) return text.error();
    const Result<std::optional<std::string>> present = impl_->cursor();
    if (!present.ok()) return present.error();
    const Result<window::Cursor> to = window::parse_cursor(*text), from = window::parse_cursor(present->value_or(""));
    return impl_->put(*text, !from.ok() || to->position != from->position);
}

Result<std::int64_t> State::parse_time(std::string_view text) {
    return state::parse_time_or_past(text, now_ns());
}

std::string State::format_time(std::int64_t ns) {
    return window::format_instant(ns);
}

} // namespace fluxgate
