// Opens a plugin and checks all that can be checked of its tables before anything of it is used.
#pragma once

#include "fluxgate/error.hpp"
#include "fluxgate/host.hpp"
#include "fluxgate/stage.h"

#include <string>
#include <vector>

namespace fluxgate::runtime {

// A stage type whose tables were checked. The tables are copies of full size: entries that the plugin does not have are
// null, so that no reader needs to look at `size` again.
struct StageType {
    StageTypeInfo info;
    std::vector<std::string> secret_settings;
    fg_source_api source{};       // by kind
    fg_processor_api processor{}; //
    fg_output_api output{};       //
    int32_t (*validate)(fg_text document, fg_violation_fn report, void* report_context, fg_error* error) = nullptr;
};

// Errc::plugin names what is missing or wrong. `owner` stands in messages ("/x/fluxgate_stage_y.so", "the program").
Result<StageType> check_type(const fg_stage_type* type, const std::string& owner);

struct LoadedPlugin {
    std::string name, version, path;
    std::vector<StageType> types;
};

// dlopen (RTLD_NOW | RTLD_LOCAL), the one symbol, versions, tables. The library stays loaded, also after an error: code of
// it may have run.
Result<LoadedPlugin> open_plugin(const std::string& path);

} // namespace fluxgate::runtime
