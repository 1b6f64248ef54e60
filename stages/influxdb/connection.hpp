// The HTTP client that settings ask for; the source and its check use the same.
#pragma once

#include "fluxgate/stage.hpp"
#include "http/client.hpp"
#include "settings.hpp"

#include <memory>

namespace fluxgate::influxdb {

// Goes through the environment's proxy where there is one. `loop`: shared with other clients, or none.
[[nodiscard]] http::Client make_client(const Settings& settings, stage::Host host, std::shared_ptr<http::Loop> loop = {});

} // namespace fluxgate::influxdb
