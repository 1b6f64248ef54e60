// The plugin "core": stages that need nothing but the system.
#include "core/file_output.hpp"
#include "core/file_settings.hpp"
#include "core/stdout_output.hpp"

namespace {

using namespace fluxgate;

const stage::StageType& stdout_type() {
    static const stage::StageType type = stage::stage_type<core::validate_stdout>(FG_KIND_OUTPUT, "output/stdout@v1", FLUXGATE_VERSION,
                                                                                  core::stdout_schema(), stage::output_api<core::StdoutOutput>());
    return type;
}

const stage::StageType& file_type() {
    static const stage::StageType type = stage::stage_type<core::validate_file>(FG_KIND_OUTPUT, "output/file@v1", FLUXGATE_VERSION,
                                                                                core::file_schema(), stage::output_api<core::FileOutput>());
    return type;
}

} // namespace

FLUXGATE_PLUGIN("core", FLUXGATE_VERSION, &stdout_type(), &file_type())
