// What of TLS is OpenSSL's: the context of a client, host verification, and the reasons of a refused certificate in words.
#pragma once

#include "fluxgate/error.hpp"
#include "http/client.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace fluxgate::http {

struct SslContextDeleter {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

// Made anew for each connection, so that certificates replaced on disk count. Errors: Errc::tls, naming the file.
Result<SslContext> make_ssl_context(const TlsOptions& options);

// What the verification of the peer's chain found wrong first.
struct VerifyFailure {
    long code = 0;       // X509_V_OK when nothing was wrong
    int depth = 0;       // 0: the server's own certificate
    std::string subject; // of the certificate at fault
    std::string issuer;
    std::string until, from; // its validity, "2026-01-01 00:00:00 UTC"
    std::string names;       // the names and addresses in the server's certificate
    // Of the server's own certificate, whichever was at fault.
    std::string leaf_subject, leaf_issuer;
    std::int64_t leaf_not_after = 0;
};

// Sets SNI and the name or address to verify. `failure` must outlive `ssl`; the verification writes to it.
bool prepare_ssl(SSL* ssl, const Endpoint& endpoint, VerifyFailure& failure);

// TLS version and the server's certificate, for diagnosis; after a refused one too.
void note_certificate(const SSL* ssl, const VerifyFailure& failure, ConnectionReport& report);

// The error of a handshake that failed. `reason` is the transport's own text. Not retryable when a person must change something.
Error handshake_error(const Endpoint& endpoint, const TlsOptions& options, const VerifyFailure& failure, const std::string& reason, bool cut);

} // namespace fluxgate::http
