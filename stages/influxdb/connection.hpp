// The HTTP client that settings ask for; the source and its check use the same.
#pragma once

#include "fluxgate/stage.hpp"
#include "http/client.hpp"
#include "settings.hpp"

namespace fluxgate::influxdb {

// Goes through the environment's proxy where there is one.
[[nodiscard]] http::Client make_client(const Settings& settings, stage::Host host);

} // namespace fluxgate::influxdb
