// Entries that let exceptions out, without the trampolines of stage.hpp. With VARIANT_INIT the plugin throws when it is loaded.
#include "fluxgate/stage.h"

#include <stdexcept>
#include <string>

namespace {

constexpr fg_text text(const char* literal, std::size_t size) {
    return {literal, size};
}

std::int32_t create(const fg_stage_config*, const fg_host*, void** stage, fg_error*) {
    *stage = nullptr;
    return FG_OK;
}

const fg_source_api api = [] {
    fg_source_api out{};
    out.size = sizeof out;
    out.create = create;
    out.partition_count = [](void*) -> std::uint32_t { return 1; };
    out.next = [](void*, std::int64_t, fg_batch*, fg_error*) -> std::int32_t { throw std::runtime_error("out of next"); };
    out.acknowledge = [](void*, std::uint64_t, std::int32_t, fg_error*) -> std::int32_t { throw 1; };
    out.cancel = [](void*) { throw std::runtime_error("out of cancel"); };
    out.wake = [](void*) { throw std::runtime_error("out of wake"); };
    out.stop = [](void*, fg_error*) -> std::int32_t { throw 2; };
    out.release = [](void*) { throw std::runtime_error("out of release"); };
    return out;
}();

const fg_stage_type type = [] {
    fg_stage_type out{};
    out.size = sizeof out;
    out.kind = FG_KIND_SOURCE;
    out.name = text("input/throws@v1", 15);
    out.version = text("1.0.0", 5);
    out.api = &api;
    out.validate = [](fg_text document, fg_violation_fn, void*, fg_error*) -> std::int32_t {
        if (std::string{document.data, document.size}.find("throw-in-validate") != std::string::npos) throw std::runtime_error("out of validate");
        return FG_OK;
    };
    return out;
}();

const fg_stage_type* const types[] = {&type};

} // namespace

extern "C" FLUXGATE_EXPORT std::int32_t fluxgate_plugin_init(std::int32_t, fg_plugin* plugin, fg_error*) {
#if defined(VARIANT_INIT)
    throw std::runtime_error("out of init");
#endif
    plugin->abi_version = FLUXGATE_ABI_VERSION_1_0_0;
    plugin->name = text("throws", 6);
    plugin->version = text("1.0.0", 5);
    plugin->types = types;
    plugin->type_count = 1;
    return FG_OK;
}
