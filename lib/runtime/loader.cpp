#include "runtime/loader.hpp"

#include "fluxgate/stage.hpp"
#include "telemetry/text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <filesystem>

namespace fluxgate::runtime {

namespace {

constexpr std::size_t max_types = 256, max_text = 1u << 20, max_table = 1u << 16;

Error refuse(const std::string& owner, const std::string& why) {
    return {Errc::plugin, owner + ": " + why};
}

bool usable(fg_text text, std::size_t most) {
    if (text.size > most || (text.size > 0 && text.data == nullptr)) return false;
    return telemetry::is_utf8(stage::to_view(text));
}

// Bytes of a table up to and including `member`.
#define FG_PREFIX(type, member) (offsetof(type, member) + sizeof(type::member))

// Copies what the writer knows of a table; the rest stays null.
template <class Table>
Result<Table> copy_table(const void* raw, std::size_t required, const std::string& owner, const std::string& what) {
    Table out{};
    std::uint32_t size = 0;
    std::memcpy(&size, raw, sizeof size);
    if (size < required || size > max_table)
        return refuse(owner, what + " has the size " + std::to_string(size) + "; ABI version 1.0.0 needs " + std::to_string(required) +
                                 " at least and " + std::to_string(max_table) + " at most");
    std::memcpy(&out, raw, std::min<std::size_t>(size, sizeof out));
    return out;
}

struct Entry {
    const char* name;
    bool present;
};

Result<void> require(std::initializer_list<Entry> entries, const std::string& owner, const std::string& what) {
    for (const Entry& entry : entries)
        if (!entry.present) return refuse(owner, what + " has no entry \"" + entry.name + "\", which is required");
    return {};
}

Result<void> check_source(StageType& out, const void* api, const std::string& owner, const std::string& what) {
    auto table = copy_table<fg_source_api>(api, FG_PREFIX(fg_source_api, release), owner, what);
    if (!table.ok()) return std::move(table).error();
    out.source = *table;
    const fg_source_api& t = out.source;
    return require({{"create", t.create != nullptr},
                    {"partition_count", t.partition_count != nullptr},
                    {"next", t.next != nullptr},
                    {"acknowledge", t.acknowledge != nullptr},
                    {"cancel", t.cancel != nullptr},
                    {"wake", t.wake != nullptr},
                    {"release", t.release != nullptr}},
                   owner, what);
}

Result<void> check_processor(StageType& out, const void* api, const std::string& owner, const std::string& what) {
    auto table = copy_table<fg_processor_api>(api, FG_PREFIX(fg_processor_api, release), owner, what);
    if (!table.ok()) return std::move(table).error();
    out.processor = *table;
    const fg_processor_api& t = out.processor;
    return require({{"create", t.create != nullptr}, {"process", t.process != nullptr}, {"release", t.release != nullptr}}, owner, what);
}

Result<void> check_output(StageType& out, const void* api, const std::string& owner, const std::string& what) {
    auto table = copy_table<fg_output_api>(api, FG_PREFIX(fg_output_api, release), owner, what);
    if (!table.ok()) return std::move(table).error();
    out.output = *table;
    const fg_output_api& t = out.output;
    return require({{"create", t.create != nullptr},
                    {"write", t.write != nullptr},
                    {"poll", t.poll != nullptr},
                    {"flush", t.flush != nullptr},
                    {"release", t.release != nullptr}},
                   owner, what);
}

// "input/...@vN" and its siblings; the prefix agrees with the kind.
Result<void> check_name(const std::string& name, std::int32_t kind, const std::string& owner) {
    const char* prefix = kind == FG_KIND_SOURCE ? "input/" : kind == FG_KIND_PROCESSOR ? "processor/" : "output/";
    const std::size_t at = name.rfind("@v");
    const bool shaped = name.rfind(prefix, 0) == 0 && at != std::string::npos && at > std::strlen(prefix) && at + 2 < name.size() &&
                        std::all_of(name.begin() + static_cast<std::ptrdiff_t>(at) + 2, name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (shaped) return {};
    return refuse(owner, "the stage type \"" + name + "\" is not named " + prefix + "NAME@vNUMBER, as its kind wants it");
}

std::int32_t call_init(fg_plugin_init_fn init, std::int32_t version, fg_plugin& table, fg_error* error, std::string& thrown) {
    table = fg_plugin{};
    table.size = sizeof table;
    try {
        return init(version, &table, error);
    } catch (const std::exception& e) {
        thrown = e.what();
    } catch (...) {
        thrown = "an exception of unknown type";
    }
    return FG_ERR_PLUGIN;
}

Result<fg_plugin> ask(fg_plugin_init_fn init, const std::string& path) {
    fg_plugin table{};
    stage::ErrorSlot slot;
    std::string thrown;
    const std::int32_t code = call_init(init, FLUXGATE_ABI_VERSION, table, slot.get(), thrown);
    if (!thrown.empty()) return refuse(path, "fluxgate_plugin_init threw: " + thrown);
    if (code == FG_ERR_NOT_IMPLEMENTED)
        return refuse(path, "the plugin does not speak ABI version 1.0.0 (" + slot.take(code).message + "); use one that was built for this version");
    if (code != FG_OK) return refuse(path, "fluxgate_plugin_init answered " + std::to_string(code) + ": " + slot.take(code).message);
    if (table.abi_version != FLUXGATE_ABI_VERSION_1_0_0)
        return refuse(path, "the plugin says it filled ABI version " + std::to_string(table.abi_version) + "; this host speaks " +
                                std::to_string(FLUXGATE_ABI_VERSION_1_0_0) + " only");
    if (!usable(table.name, 256) || table.name.size == 0 || !usable(table.version, 256))
        return refuse(path, "the plugin's name or version is not text");
    if (table.types == nullptr || table.type_count == 0 || table.type_count > max_types)
        return refuse(path,
                      "the plugin lists " + std::to_string(table.type_count) + " stage types; 1 to 256 are allowed, and the list must not be null");
    return table;
}

} // namespace

Result<StageType> check_type(const fg_stage_type* type, const std::string& owner) {
    if (type == nullptr) return refuse(owner, "a stage type is null");
    auto copied = copy_table<fg_stage_type>(type, FG_PREFIX(fg_stage_type, api), owner, "a stage type");
    if (!copied.ok()) return std::move(copied).error();
    const fg_stage_type& raw = *copied;
    if (!usable(raw.name, 256) || raw.name.size == 0) return refuse(owner, "a stage type has no name, or one that is not text");
    StageType out;
    out.info.name = std::string{stage::to_view(raw.name)};
    out.info.kind = raw.kind;
    const std::string what = "the stage type \"" + out.info.name + "\"";
    if (raw.kind != FG_KIND_SOURCE && raw.kind != FG_KIND_PROCESSOR && raw.kind != FG_KIND_OUTPUT)
        return refuse(owner, what + " has the kind " + std::to_string(raw.kind) + "; 1 (source), 2 (processor) and 3 (output) are known");
    auto checked = check_name(out.info.name, raw.kind, owner);
    if (!checked.ok()) return std::move(checked).error();
    if (!usable(raw.version, 256) || !usable(raw.schema, max_text)) return refuse(owner, what + " has a version or schema that is not text");
    out.info.version = std::string{stage::to_view(raw.version)};
    out.info.schema = std::string{stage::to_view(raw.schema)};
    if (raw.secret_setting_count > max_types || (raw.secret_setting_count > 0 && raw.secret_settings == nullptr))
        return refuse(owner, what + " has a list of secret settings that cannot be read");
    for (std::size_t i = 0; i < raw.secret_setting_count; ++i) {
        if (!usable(raw.secret_settings[i], 1024)) return refuse(owner, what + " has a secret setting that is not text");
        out.secret_settings.emplace_back(stage::to_view(raw.secret_settings[i]));
    }
    if (raw.api == nullptr) return refuse(owner, what + " has no table of entries");
    out.validate = raw.validate;
    checked = raw.kind == FG_KIND_SOURCE      ? check_source(out, raw.api, owner, what)
              : raw.kind == FG_KIND_PROCESSOR ? check_processor(out, raw.api, owner, what)
                                              : check_output(out, raw.api, owner, what);
    if (!checked.ok()) return std::move(checked).error();
    return out;
}

Result<LoadedPlugin> open_plugin(const std::string& path) {
    // An absolute path keeps dlopen from searching the library path.
    std::error_code trouble;
    const std::string absolute = std::filesystem::absolute(path, trouble).string();
    if (trouble) return refuse(path, "the path cannot be made absolute: " + trouble.message());
    void* library = ::dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* why = ::dlerror();
        return refuse(path, std::string{"cannot be loaded: "} + (why == nullptr ? "no reason given" : why));
    }
    void* symbol = ::dlsym(library, FLUXGATE_PLUGIN_SYMBOL);
    if (symbol == nullptr) return refuse(path, "exports no " FLUXGATE_PLUGIN_SYMBOL "; it is a library, but not a fluxgate plugin");
    auto table = ask(reinterpret_cast<fg_plugin_init_fn>(symbol), path);
    if (!table.ok()) return std::move(table).error();

    LoadedPlugin out{std::string{stage::to_view(table->name)}, std::string{stage::to_view(table->version)}, path, {}};
    for (std::size_t i = 0; i < table->type_count; ++i) {
        auto type = check_type(table->types[i], path);
        if (!type.ok()) return std::move(type).error();
        type->info.plugin = out.name;
        type->info.plugin_version = out.version;
        type->info.path = path;
        out.types.push_back(std::move(*type));
    }
    return out;
}

} // namespace fluxgate::runtime
