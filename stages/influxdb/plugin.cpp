// The plugin "influxdb": its stage types as data.
#include "fluxgate/stage.hpp"
#include "influxdbv2_schema.hpp"
#include "source.hpp"

namespace {

constexpr fg_text secret_settings[] = {{"/authentication/accessToken", 27}};

const fg_stage_type influxdbv2 = fluxgate::stage::stage_type<fluxgate::influxdb::validate_document>(
    FG_KIND_SOURCE, "input/influxdbv2@v1", FLUXGATE_VERSION, fluxgate::embedded::input_influxdbv2,
    fluxgate::stage::source_api<fluxgate::influxdb::InfluxSource>(), secret_settings, 1);

} // namespace

FLUXGATE_PLUGIN("influxdb", FLUXGATE_VERSION, &influxdbv2)
