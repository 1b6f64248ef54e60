#include "runtime/stage_context.hpp"

#include "runtime/state_access.hpp"

#include "fluxgate/stage.hpp"

#include <cstdlib>
#include <cstring>
#include <exception>

namespace fluxgate::runtime {

namespace {

using stage::to_view;

constexpr std::size_t max_fields = 32;

// Entries are called from C: whatever goes wrong here ends here.
template <class Call>
std::int32_t shielded(fg_error* error, Call&& call) noexcept {
    return stage::detail::guarded(error, std::forward<Call>(call));
}
template <class Call>
void shielded(Call&& call) noexcept {
    stage::detail::guarded(nullptr, [&]() -> std::int32_t {
        call();
        return FG_OK;
    });
}

std::int32_t give_secret(const std::string& value, fg_secret* out) {
    auto* copy = static_cast<char*>(std::malloc(value.size() + 1));
    if (copy == nullptr) return FG_ERR_LIMIT;
    std::memcpy(copy, value.c_str(), value.size() + 1);
    *out = {copy, value.size(), copy, [](fg_secret* secret) {
                // volatile: the bytes are overwritten although nobody reads them again.
                volatile char* at = static_cast<char*>(secret->private_data);
                for (std::size_t i = 0; i < secret->size; ++i)
                    at[i] = 0;
                std::free(secret->private_data);
                *secret = fg_secret{};
            }};
    return FG_OK;
}

std::int32_t give_blob(const std::optional<std::string>& value, fg_blob* out) {
    *out = fg_blob{};
    if (!value) return FG_OK;
    auto* copy = new std::string{*value};
    *out = {copy->data(), copy->size(), copy, [](fg_blob* blob) {
                delete static_cast<std::string*>(blob->private_data);
                *blob = fg_blob{};
            }};
    return FG_OK;
}

StageContext& self_of(void* context) {
    return *static_cast<StageContext*>(context);
}

} // namespace

StageContext::StageContext(std::shared_ptr<Host::Shared> host, StageOwner& owner, std::string pipeline, std::string stage,
                           std::optional<std::uint32_t> partition)
    : host_(std::move(host)), owner_(owner), pipeline_(std::move(pipeline)), stage_(std::move(stage)), partition_(partition),
      partition_text_(partition ? std::to_string(*partition) : ""), table_(make_table(this)) {
    health_.stage = stage_;
}

void StageContext::log(LogLevel level, std::string_view event, std::string_view message, const std::vector<LogField>& fields) const {
    std::vector<LogField> all{{"pipeline", pipeline_}, {"stage", stage_}};
    if (partition_) all.push_back({"partition", partition_text_});
    all.insert(all.end(), fields.begin(), fields.end());
    host_->log(level, event, message, all);
    if (level >= LogLevel::warning) owner_.noted(*this, level, event, message, fields);
}

std::string StageContext::named() const {
    return "the stage \"" + stage_ + "\"" + (partition_ ? " (partition " + partition_text_ + ")" : "");
}

StageHealth StageContext::health() const {
    const std::scoped_lock lock{health_mutex_};
    return health_;
}

void StageContext::set_health(std::int32_t level, std::string_view code, std::string_view text) {
    if (level < FG_HEALTH_OK || level > FG_HEALTH_NEEDS_ATTENTION) {
        log(LogLevel::error, "stage.contract", "the stage reported a health level that does not exist", {{"level", std::to_string(level)}});
        return;
    }
    {
        const std::scoped_lock lock{health_mutex_};
        const bool same = health_.level == level && health_.code == code && health_.text == text;
        if (same && health_.since_wall_ns != 0) return;
        if (health_.level != level || health_.since_wall_ns == 0) health_.since_wall_ns = host_->wall_ns();
        health_.level = static_cast<fg_health_level>(level);
        health_.code = std::string{code};
        health_.text = host_->redactor.apply(text);
    }
    owner_.health_changed();
}

Result<std::optional<std::string>> StageContext::state_get(std::string_view key) const {
    StateAccess* state = owner_.state_store();
    auto value = state == nullptr ? Result<std::optional<std::string>>{no_state()} : state->get(*this, key);
    if (!value.ok()) return host_->redacted(std::move(value).error());
    return value;
}

Result<void> StageContext::state_commit(const fg_state_change* changes, std::size_t count) {
    StateAccess* state = owner_.state_store();
    if (state == nullptr) return host_->redacted(no_state());
    Result<void> done = owner_.keep_dead_letters();
    const bool kept = done.ok();
    if (kept) done = state->commit(*this, changes, count);
    if (done.ok()) return done;
    if (!kept || state->failed()) owner_.cannot_go_on(*this, done.error());
    return host_->redacted(std::move(done).error());
}

void StageContext::metric(std::int32_t kind, fg_text name, const fg_field* labels, std::size_t count, double value) {
    telemetry::Metrics::Labels all{{"pipeline", pipeline_}, {"stage", stage_}};
    for (std::size_t i = 0; labels != nullptr && i < count && i < max_fields; ++i)
        all.emplace_back(to_view(labels[i].name), host_->redactor.apply(to_view(labels[i].value)));
    if (!host_->metrics.add(kind, to_view(name), std::move(all), value))
        log(LogLevel::debug, "metric.refused", "a measurement was refused: its value, its kind or one name too many", {{"name", to_view(name)}});
}

fg_host StageContext::make_table(StageContext* self) {
    fg_host t{};
    t.size = sizeof t;
    t.abi_version = FLUXGATE_ABI_VERSION;
    t.context = self;
    t.log = [](void* context, std::int32_t level, fg_text event, fg_text message, const fg_field* fields, std::size_t count) {
        shielded([&] {
            std::vector<LogField> shown;
            for (std::size_t i = 0; fields != nullptr && i < count && i < max_fields; ++i)
                shown.push_back({to_view(fields[i].name), to_view(fields[i].value)});
            const auto known = level >= FG_LOG_DEBUG && level <= FG_LOG_ERROR ? static_cast<LogLevel>(level) : LogLevel::error;
            self_of(context).log(known, to_view(event), to_view(message), shown);
        });
    };
    t.resolve_secret = [](void* context, fg_text name, fg_secret* out, fg_error* error) {
        return shielded(error, [&]() -> std::int32_t {
            auto value = self_of(context).host().resolve_secret(to_view(name));
            return value.ok() ? give_secret(*value, out) : stage::fill_error(error, value.error());
        });
    };
    t.state_get = [](void* context, fg_text key, fg_blob* out, fg_error* error) {
        return shielded(error, [&]() -> std::int32_t {
            if (out == nullptr) return stage::fill_error(error, {Errc::invalid_argument, "the place for the value is null"});
            const auto value = self_of(context).state_get(to_view(key));
            return value.ok() ? give_blob(*value, out) : stage::fill_error(error, value.error());
        });
    };
    t.state_commit = [](void* context, const fg_state_change* changes, std::size_t count, fg_error* error) {
        return shielded(error, [&] { return stage::detail::answer(error, self_of(context).state_commit(changes, count)); });
    };
    t.metric = [](void* context, std::int32_t kind, fg_text name, const fg_field* labels, std::size_t count, double value) {
        shielded([&] { self_of(context).metric(kind, name, labels, count, value); });
    };
    t.dead_letter = [](void* context, const fg_dead_letter* letter, fg_error* error) {
        return shielded(error, [&]() -> std::int32_t {
            if (letter == nullptr) return stage::fill_error(error, {Errc::invalid_argument, "the dead letter is null"});
            return stage::detail::answer(error, self_of(context).owner_.dead_letter(self_of(context), *letter));
        });
    };
    t.set_health = [](void* context, std::int32_t level, fg_text code, fg_text text) {
        shielded([&] { self_of(context).set_health(level, to_view(code), to_view(text)); });
    };
    t.monotonic_ns = [](void* context) { return self_of(context).host().monotonic_ns(); };
    t.wall_ns = [](void* context) { return self_of(context).host().wall_ns(); };
    t.complete = [](void* context, std::uint64_t token, std::int32_t outcome) {
        shielded([&] { self_of(context).owner_.complete(self_of(context), token, outcome); });
    };
    return t;
}

} // namespace fluxgate::runtime
