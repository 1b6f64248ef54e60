// A certification authority and a server certificate for one's own machine, made with OpenSSL.
#pragma once

#include "fluxgate/error.hpp"

#include <string>

namespace fluxgate::sample {

struct Certificates {
    std::string ca_file, cert_file, key_file; // PEM
};

// Takes ca.pem, server.pem and server.key from `directory`, or makes them (and the directory) where all three are absent:
// a P-256 key, valid ten years for localhost, 127.0.0.1 and ::1; the key file has mode 0600. The CA's own key is not kept.
Result<Certificates> ensure_certificates(const std::string& directory);

} // namespace fluxgate::sample
