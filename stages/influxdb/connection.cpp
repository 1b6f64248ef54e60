#include "connection.hpp"

#include "http/proxy.hpp"

#include <utility>

namespace fluxgate::influxdb {

http::Client make_client(const Settings& settings, stage::Host host, std::shared_ptr<http::Loop> loop) {
    const http::Endpoint server{settings.url.https, settings.url.host, settings.url.port};
    http::TlsOptions tls;
    tls.ca_file = settings.tls.ca_file;
    tls.cert_file = settings.tls.cert_file;
    tls.key_file = settings.tls.key_file;
    tls.tls13_only = settings.tls.tls13_only;
    tls.insecure_skip_verify = settings.tls.insecure_skip_verify;
    http::Limits limits;
    limits.max_decompression_ratio = settings.limits.max_decompression_ratio;
    return http::Client{server,
                        tls,
                        {settings.timeouts.connect, settings.timeouts.first_byte, settings.timeouts.idle},
                        limits,
                        [host] { return host.monotonic_ns(); },
                        http::route_for(server),
                        std::move(loop)};
}

} // namespace fluxgate::influxdb
