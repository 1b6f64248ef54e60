// C++ for stage authors over the C ABI (stage.h). Header-only; needs no library of fluxgate.
//
// Derive from Source, Processor or Output, describe the type with a StageType, export with FLUXGATE_PLUGIN:
//
//   class MyOutput : public fluxgate::stage::Output { ... };
//   static const fluxgate::stage::StageType my_output =
//       fluxgate::stage::output_type<MyOutput>("output/mine@v1", "1.0.0", schema_text);
//   FLUXGATE_PLUGIN("mine", "1.0.0", my_output)
//
// Every trampoline catches: an exception becomes FG_ERR_INTERNAL with its text. Ownership, threads and the meaning of
// answers are those of stage.h.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/stage.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fluxgate::stage {

inline fg_text to_text(std::string_view s) noexcept {
    return {s.data(), s.size()};
}
inline std::string_view to_view(fg_text t) noexcept {
    return t.size == 0 ? std::string_view{} : std::string_view{t.data, t.size};
}

// Moves an Error into a caller-zeroed fg_error (may be null) and returns its code. Never throws: without memory only the
// code travels.
inline std::int32_t fill_error(fg_error* out, const Error& error) noexcept {
    const auto code = static_cast<std::int32_t>(error.code);
    if (out == nullptr) return code;
    out->code = code;
    out->http_status = error.http_status;
    out->retryable = error.retryable ? 1 : 0;
    const std::size_t sizes = error.message.size() + error.server_text.size() + error.details.size() + 3;
    auto* block = static_cast<char*>(std::malloc(sizes));
    if (block == nullptr) return code;
    char* at = block;
    const auto put = [&at](const std::string& s) {
        char* begin = at;
        std::memcpy(at, s.c_str(), s.size() + 1);
        at += s.size() + 1;
        return s.empty() ? nullptr : begin;
    };
    out->message = put(error.message);
    out->server_text = put(error.server_text);
    out->details = put(error.details);
    out->private_data = block;
    out->release = [](fg_error* e) {
        std::free(e->private_data);
        e->private_data = nullptr;
        e->message = e->server_text = e->details = nullptr;
        e->release = nullptr;
    };
    return code;
}

// An fg_error for one call, released with the scope.
class ErrorSlot {
public:
    ErrorSlot() noexcept = default;
    ErrorSlot(const ErrorSlot&) = delete;
    ErrorSlot& operator=(const ErrorSlot&) = delete;
    ~ErrorSlot() {
        if (raw_.release != nullptr) raw_.release(&raw_);
    }
    fg_error* get() noexcept { return &raw_; }

    // The Error for a call that answered `code` (>= 100).
    [[nodiscard]] Error take(std::int32_t code) const {
        const auto text = [](const char* s) { return s == nullptr ? std::string{} : std::string{s}; };
        Error error{static_cast<Errc>(code), text(raw_.message), text(raw_.server_text), text(raw_.details), raw_.http_status, raw_.retryable != 0};
        if (error.message.empty()) error.message = std::string{message_of(error.code)};
        return error;
    }

private:
    fg_error raw_{};
};

// A secret's value; its bytes are overwritten when it goes.
class Secret {
public:
    Secret() noexcept = default;
    Secret(Secret&& other) noexcept : raw_(std::exchange(other.raw_, fg_secret{})) {}
    Secret& operator=(Secret&& other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() {
        if (raw_.release != nullptr) raw_.release(&raw_);
    }
    [[nodiscard]] std::string_view value() const noexcept { return {raw_.data, raw_.size}; }
    fg_secret* get() noexcept { return &raw_; }

private:
    fg_secret raw_{};
};

struct LogField {
    std::string_view name;
    std::string value;
};

// A value of the state store.
class Blob {
public:
    Blob() noexcept = default;
    Blob(Blob&& other) noexcept : raw_(std::exchange(other.raw_, fg_blob{})) {}
    Blob& operator=(Blob&& other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    Blob(const Blob&) = delete;
    Blob& operator=(const Blob&) = delete;
    ~Blob() {
        if (raw_.release != nullptr) raw_.release(&raw_);
    }
    [[nodiscard]] bool exists() const noexcept { return raw_.data != nullptr; } // the store has the key
    [[nodiscard]] std::string_view value() const noexcept { return {raw_.data, raw_.size}; }
    fg_blob* get() noexcept { return &raw_; }

private:
    fg_blob raw_{};
};

// One change of a commit to the state store; without a value the key is erased.
struct StateChange {
    std::string key;
    std::optional<std::string> value;
};

// The host's services, as C++. Cheap to copy; valid as long as the process.
class Host {
public:
    Host() noexcept = default;
    explicit Host(const fg_host* table) noexcept : table_(table) {}

    void log(fg_log_level level, std::string_view event, std::string_view message, std::initializer_list<LogField> fields = {}) const {
        std::array<fg_field, 16> raw{};
        std::size_t count = 0;
        for (const LogField& field : fields) {
            if (count == raw.size()) break;
            raw[count++] = {to_text(field.name), to_text(field.value)};
        }
        table_->log(table_->context, level, to_text(event), to_text(message), raw.data(), count);
    }

    [[nodiscard]] Result<Secret> secret(std::string_view name) const {
        Secret out;
        ErrorSlot error;
        const std::int32_t code = table_->resolve_secret(table_->context, to_text(name), out.get(), error.get());
        if (code != FG_OK) return error.take(code);
        return out;
    }

    [[nodiscard]] Result<Blob> state_get(std::string_view key) const {
        Blob out;
        ErrorSlot error;
        const std::int32_t code = table_->state_get(table_->context, to_text(key), out.get(), error.get());
        if (code != FG_OK) return error.take(code);
        return out;
    }
    // All or nothing, and durable.
    [[nodiscard]] Result<void> state_commit(const std::vector<StateChange>& changes) const {
        std::vector<fg_state_change> raw;
        raw.reserve(changes.size());
        for (const StateChange& c : changes)
            raw.push_back({to_text(c.key), c.value ? to_text(*c.value) : fg_text{}, c.value ? 0 : 1});
        ErrorSlot error;
        const std::int32_t code = table_->state_commit(table_->context, raw.data(), raw.size(), error.get());
        if (code != FG_OK) return error.take(code);
        return {};
    }

    void count(std::string_view name, double value, std::initializer_list<LogField> labels = {}) const {
        metric(FG_METRIC_COUNTER, name, value, labels);
    }
    void gauge(std::string_view name, double value, std::initializer_list<LogField> labels = {}) const {
        metric(FG_METRIC_GAUGE, name, value, labels);
    }
    void observe(std::string_view name, double value, std::initializer_list<LogField> labels = {}) const {
        metric(FG_METRIC_HISTOGRAM, name, value, labels);
    }

    [[nodiscard]] Result<void> dead_letter(const fg_dead_letter& letter) const {
        ErrorSlot error;
        const std::int32_t code = table_->dead_letter(table_->context, &letter, error.get());
        if (code != FG_OK) return error.take(code);
        return {};
    }

    void set_health(fg_health_level level, std::string_view code, std::string_view text) const {
        table_->set_health(table_->context, level, to_text(code), to_text(text));
    }
    [[nodiscard]] std::int64_t monotonic_ns() const { return table_->monotonic_ns(table_->context); }
    [[nodiscard]] std::int64_t wall_ns() const { return table_->wall_ns(table_->context); }
    void complete(std::uint64_t token, fg_outcome outcome) const { table_->complete(table_->context, token, outcome); }
    [[nodiscard]] const fg_host* table() const noexcept { return table_; }

private:
    void metric(std::int32_t kind, std::string_view name, double value, std::initializer_list<LogField> labels) const {
        std::array<fg_field, 8> raw{};
        std::size_t count = 0;
        for (const LogField& label : labels) {
            if (count == raw.size()) break;
            raw[count++] = {to_text(label.name), to_text(label.value)};
        }
        table_->metric(table_->context, kind, to_text(name), raw.data(), count, value);
    }

    const fg_host* table_ = nullptr;
};

// fg_stage_config with the text views as C++.
struct Config {
    std::string_view document, pipeline_id, instance_id, stage_id;
    std::uint32_t flags = 0, partition = 0, partition_count = 1;
    [[nodiscard]] bool once() const noexcept { return (flags & FG_RUN_ONCE) != 0; }
    [[nodiscard]] bool accept_changed_query() const noexcept { return (flags & FG_ACCEPT_CHANGED_QUERY) != 0; }
    explicit Config(const fg_stage_config& c) noexcept
        : document(to_view(c.document)), pipeline_id(to_view(c.pipeline_id)), instance_id(to_view(c.instance_id)), stage_id(to_view(c.stage_id)),
          flags(c.flags), partition(c.partition), partition_count(c.partition_count) {}
};

// One finding about a document: JSON pointer into the stage's object, a sentence, and whether it is only a warning.
struct Violation {
    std::string pointer, message;
    bool warning = false;
};

// [{"pointer":...,"message":...,"severity":"error"|"warning"}...], the `details` of FG_ERR_CONFIGURATION.
std::string violations_json(const std::vector<Violation>& violations);

enum class Next { batch, nothing_yet, ended };
enum class Written { taken, busy };
enum class Flushed { all, not_yet };

// Where a source's check, schema or plan puts its lines: one JSON object each, without line feed. False: nobody wants more of them.
class LineSink {
public:
    LineSink(fg_line_fn line, void* context) noexcept : line_(line), context_(context) {}
    [[nodiscard]] bool operator()(std::string_view json) const { return line_(context_, to_text(json)) == 0; }

private:
    fg_line_fn line_;
    void* context_;
};

// A source class may also have `Result<void> check(std::int64_t deadline_ns, const LineSink& line)`, see fg_source_api.check, and
// `schema` and `plan` of the same form.
class Source {
public:
    virtual ~Source() = default;
    [[nodiscard]] virtual std::uint32_t partition_count() const = 0;
    virtual Result<Next> next(std::int64_t timeout_ns, fg_batch& batch) = 0;
    virtual Result<void> acknowledge(std::uint64_t sequence, fg_outcome outcome) = 0;
    virtual void cancel() noexcept = 0; // any thread
    virtual void wake() noexcept = 0;   // any thread
    virtual Result<void> stop() { return {}; }
};

class Processor {
public:
    virtual ~Processor() = default;
    virtual Result<void> process(const fg_batch& in, fg_batch& out) = 0;
};

class Output {
public:
    virtual ~Output() = default;
    virtual Result<Written> write(fg_batch& batch, std::uint64_t token) = 0;
    virtual Result<void> poll(std::int64_t timeout_ns, std::int64_t& next_deadline_ns) = 0;
    virtual Result<Flushed> flush(std::int64_t deadline_ns) = 0;
};

using StageType = fg_stage_type;
using ValidateFn = std::vector<Violation> (*)(std::string_view document);

namespace detail {

inline void append_json_string(std::string& out, std::string_view s) {
    static constexpr char hex[] = "0123456789ABCDEF";
    out += '"';
    for (const char c : s) {
        const auto u = static_cast<unsigned char>(c);
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (u < 0x20) {
                out += "\\u00";
                out += hex[u >> 4];
                out += hex[u & 15];
            } else {
                out += c;
            }
        }
    }
    out += '"';
}

template <class Call>
std::int32_t guarded(fg_error* error, Call&& call) noexcept {
    try {
        return std::forward<Call>(call)();
    } catch (const std::bad_alloc&) {
        return fill_error(error, Error{Errc::limit, "out of memory"});
    } catch (const std::exception& e) {
        return fill_error(error, Error{Errc::internal, e.what()});
    } catch (...) {
        return fill_error(error, Error{Errc::internal, "an exception of unknown type"});
    }
}

inline std::int32_t answer(fg_error* error, const Result<void>& result) {
    return result.ok() ? FG_OK : fill_error(error, result.error());
}

// Stage types have a static `Result<std::unique_ptr<T>> create(const Config&, Host)`.
template <class T>
std::int32_t create(const fg_stage_config* config, const fg_host* host, void** stage, fg_error* error) noexcept {
    return guarded(error, [&]() -> std::int32_t {
        auto made = T::create(Config{*config}, Host{host});
        if (!made.ok()) return fill_error(error, made.error());
        *stage = std::move(made).value().release();
        return FG_OK;
    });
}

template <class T>
void release(void* stage) noexcept {
    delete static_cast<T*>(stage);
}

template <ValidateFn Fn>
std::int32_t validate(fg_text document, fg_violation_fn report, void* context, fg_error* error) noexcept {
    return guarded(error, [&]() -> std::int32_t {
        bool bad = false;
        const std::vector<Violation> found = Fn(to_view(document));
        for (const Violation& v : found) {
            bad = bad || !v.warning;
            report(context, v.warning ? FG_SEVERITY_WARNING : FG_SEVERITY_ERROR, to_text(v.pointer), to_text(v.message));
        }
        if (!bad) return FG_OK;
        return fill_error(error, Error{Errc::configuration, "the stage's configuration is not valid", {}, violations_json(found)});
    });
}

} // namespace detail

inline std::string violations_json(const std::vector<Violation>& violations) {
    std::string out = "[";
    for (const Violation& v : violations) {
        if (out.size() > 1) out += ',';
        out += "{\"pointer\":";
        detail::append_json_string(out, v.pointer);
        out += ",\"message\":";
        detail::append_json_string(out, v.message);
        out += v.warning ? ",\"severity\":\"warning\"}" : ",\"severity\":\"error\"}";
    }
    return out += ']';
}

// The table of a source class. T derives from Source.
template <class T>
const fg_source_api* source_api() noexcept {
    static const fg_source_api table = [] {
        fg_source_api api{};
        api.size = sizeof(fg_source_api);
        api.create = detail::create<T>;
        api.partition_count = [](void* s) noexcept -> std::uint32_t { return static_cast<T*>(s)->partition_count(); };
        api.next = [](void* s, std::int64_t timeout_ns, fg_batch* batch, fg_error* error) noexcept -> std::int32_t {
            return detail::guarded(error, [&]() -> std::int32_t {
                const Result<Next> got = static_cast<T*>(s)->next(timeout_ns, *batch);
                if (!got.ok()) return fill_error(error, got.error());
                switch (*got) {
                case Next::batch: return FG_OK;
                case Next::nothing_yet: return FG_NOTHING_YET;
                case Next::ended: return FG_ENDED;
                }
                return FG_ERR_INTERNAL;
            });
        };
        api.acknowledge = [](void* s, std::uint64_t sequence, std::int32_t outcome, fg_error* error) noexcept -> std::int32_t {
            return detail::guarded(
                error, [&] { return detail::answer(error, static_cast<T*>(s)->acknowledge(sequence, static_cast<fg_outcome>(outcome))); });
        };
        api.cancel = [](void* s) noexcept { static_cast<T*>(s)->cancel(); };
        api.wake = [](void* s) noexcept { static_cast<T*>(s)->wake(); };
        api.stop = [](void* s, fg_error* error) noexcept -> std::int32_t {
            return detail::guarded(error, [&] { return detail::answer(error, static_cast<T*>(s)->stop()); });
        };
        api.release = detail::release<T>;
        if constexpr (requires(T & source, const LineSink& line) { source.check(std::int64_t{}, line); }) {
            api.check = [](void* s, std::int64_t deadline_ns, fg_line_fn line, void* line_context, fg_error* error) noexcept -> std::int32_t {
                return detail::guarded(error, [&] {
                    return detail::answer(error, static_cast<T*>(s)->check(deadline_ns, LineSink{line, line_context}));
                });
            };
        }
        if constexpr (requires(T & source, const LineSink& line) { source.schema(std::int64_t{}, line); }) {
            api.schema = [](void* s, std::int64_t deadline_ns, fg_line_fn line, void* line_context, fg_error* error) noexcept -> std::int32_t {
                return detail::guarded(error, [&] {
                    return detail::answer(error, static_cast<T*>(s)->schema(deadline_ns, LineSink{line, line_context}));
                });
            };
        }
        if constexpr (requires(T & source, const LineSink& line) { source.plan(std::int64_t{}, line); }) {
            api.plan = [](void* s, std::int64_t deadline_ns, fg_line_fn line, void* line_context, fg_error* error) noexcept -> std::int32_t {
                return detail::guarded(error, [&] {
                    return detail::answer(error, static_cast<T*>(s)->plan(deadline_ns, LineSink{line, line_context}));
                });
            };
        }
        return api;
    }();
    return &table;
}

// The table of a processor class. T derives from Processor.
template <class T>
const fg_processor_api* processor_api() noexcept {
    static const fg_processor_api table = [] {
        fg_processor_api api{};
        api.size = sizeof(fg_processor_api);
        api.create = detail::create<T>;
        api.process = [](void* s, const fg_batch* in, fg_batch* out, fg_error* error) noexcept -> std::int32_t {
            return detail::guarded(error, [&] { return detail::answer(error, static_cast<T*>(s)->process(*in, *out)); });
        };
        api.release = detail::release<T>;
        return api;
    }();
    return &table;
}

// The table of an output class. T derives from Output.
template <class T>
const fg_output_api* output_api() noexcept {
    static const fg_output_api table = [] {
        fg_output_api api{};
        api.size = sizeof(fg_output_api);
        api.create = detail::create<T>;
        api.write = [](void* s, fg_batch* batch, std::uint64_t token, fg_error* error) noexcept -> std::int32_t {
            return detail::guarded(error, [&]() -> std::int32_t {
                const Result<Written> done = static_cast<T*>(s)->write(*batch, token);
                if (!done.ok()) return fill_error(error, done.error());
                return *done == Written::taken ? FG_OK : FG_BUSY;
            });
        };
        api.poll = [](void* s, std::int64_t timeout_ns, std::int64_t* next_deadline_ns, fg_error* error) noexcept -> std::int32_t {
            return detail::guarded(error, [&] { return detail::answer(error, static_cast<T*>(s)->poll(timeout_ns, *next_deadline_ns)); });
        };
        api.flush = [](void* s, std::int64_t deadline_ns, fg_error* error) noexcept -> std::int32_t {
            return detail::guarded(error, [&]() -> std::int32_t {
                const Result<Flushed> done = static_cast<T*>(s)->flush(deadline_ns);
                if (!done.ok()) return fill_error(error, done.error());
                return *done == Flushed::all ? FG_OK : FG_BUSY;
            });
        };
        api.release = detail::release<T>;
        return api;
    }();
    return &table;
}

// Describes a stage type. Texts must live as long as the process.
template <ValidateFn Validate = nullptr>
fg_stage_type stage_type(std::int32_t kind, std::string_view name, std::string_view version, std::string_view schema, const void* api,
                         const fg_text* secret_settings = nullptr, std::size_t secret_setting_count = 0) noexcept {
    fg_stage_type type{};
    type.size = sizeof(fg_stage_type);
    type.kind = kind;
    type.name = to_text(name);
    type.version = to_text(version);
    type.schema = to_text(schema);
    type.secret_settings = secret_settings;
    type.secret_setting_count = secret_setting_count;
    type.api = api;
    // Compared as types: with -fsanitize=undefined GCC 12 takes no address of a function for constant (its bug 71962).
    using Given = std::integral_constant<ValidateFn, Validate>;
    if constexpr (!std::is_same_v<Given, std::integral_constant<ValidateFn, nullptr>>) type.validate = detail::validate<Validate>;
    return type;
}

// Fills the plugin table for fluxgate_plugin_init.
inline std::int32_t fill_plugin(std::int32_t abi_version, fg_plugin* plugin, fg_error* error, std::string_view name, std::string_view version,
                                const fg_stage_type* const* types, std::size_t count) noexcept {
    if (abi_version < FLUXGATE_ABI_VERSION_1_0_0)
        return fill_error(error, Error{Errc::not_implemented, "this plugin speaks ABI version 1.0.0; the host asked for an older one"});
    if (plugin == nullptr || plugin->size < sizeof(fg_plugin))
        return fill_error(error, Error{Errc::invalid_argument, "the plugin table is too small for ABI version 1.0.0"});
    plugin->abi_version = FLUXGATE_ABI_VERSION_1_0_0;
    plugin->name = to_text(name);
    plugin->version = to_text(version);
    plugin->types = types;
    plugin->type_count = count;
    return FG_OK;
}

} // namespace fluxgate::stage

// Exports a plugin: its name, version and one or more fg_stage_type objects of static lifetime.
#define FLUXGATE_PLUGIN(NAME, VERSION, ...)                                                                                                          \
    extern "C" FLUXGATE_EXPORT std::int32_t fluxgate_plugin_init(std::int32_t abi_version, fg_plugin* plugin, fg_error* error) {                     \
        static const std::initializer_list<const fg_stage_type*> types{__VA_ARGS__};                                                                 \
        return fluxgate::stage::fill_plugin(abi_version, plugin, error, NAME, VERSION, types.begin(), types.size());                                 \
    }
