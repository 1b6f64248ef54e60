#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509err.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <system_error>

namespace fluxgate::http {
namespace {

// Empties the thread's queue of OpenSSL errors; answers the reason of the oldest.
std::string take_openssl_error() {
    std::string reason;
    while (const unsigned long code = ERR_get_error()) {
        if (!reason.empty()) continue;
        const char* const text = ERR_GET_LIB(code) == ERR_LIB_SYS ? std::strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
        reason = text != nullptr ? text : "OpenSSL error " + std::to_string(code);
    }
    return reason.empty() ? "no reason was given" : reason;
}

Error file_error(std::string_view setting, const std::string& file, const std::string& what, std::string_view step) {
    return Error{Errc::tls, std::string(setting) + " '" + file + "' " + what + ": " + take_openssl_error() + ". " + std::string(step)};
}

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    const std::string plain = host.substr(0, host.find('%'));
    return ::inet_pton(AF_INET, plain.c_str(), ignored.data()) == 1 || ::inet_pton(AF_INET6, plain.c_str(), ignored.data()) == 1;
}

// OpenSSL passes silently over a missing SSL_CERT_FILE; the failed verification that follows would name the wrong cause.
Result<void> check_environment() {
    const char* const file = std::getenv("SSL_CERT_FILE");
    if (file == nullptr || *file == '\0' || ::access(file, R_OK) == 0) return {};
    return Error{Errc::tls, std::string("the environment variable SSL_CERT_FILE names '") + file +
                                "', which cannot be read: " + std::generic_category().message(errno) + ". Correct or unset it"};
}

Result<void> load_authorities(SSL_CTX* context, const TlsOptions& options) {
    if (options.insecure_skip_verify) return {};
    if (!options.ca_file.empty()) {
        if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) == 1) return {};
        return file_error("tls.caFile", options.ca_file, "cannot be used as a file of CA certificates", "It must be PEM and readable");
    }
    if (Result<void> checked = check_environment(); !checked) return checked;
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return Error{Errc::tls,
                 "the system's CA certificates cannot be loaded: " + take_openssl_error() + ". Install ca-certificates, or set tls.caFile"};
}

Result<void> load_identity(SSL_CTX* context, const TlsOptions& options) {
    if (options.cert_file.empty()) return {};
    if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1)
        return file_error("tls.certFile", options.cert_file, "cannot be used as a client certificate", "It must be PEM and readable");
    const bool apart = !options.key_file.empty();
    const std::string& key = apart ? options.key_file : options.cert_file;
    const std::string_view setting = apart ? "tls.keyFile" : "tls.certFile";
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
        const int reason = ERR_GET_REASON(ERR_peek_last_error());
        if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)
            return file_error(setting, key, "does not belong to the certificate in '" + options.cert_file + "'",
                              "Give the key that the certificate was made for");
        return file_error(setting, key, "cannot be used as the client certificate's private key",
                          "It must be PEM, readable and without a passphrase");
    }
    return {};
}

int no_passphrase(char*, int, int, void*) {
    return 0;
}

std::string name_text(const X509_NAME* name) {
    if (name == nullptr) return "?";
    std::array<char, 256> text{};
    X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
    return text.data();
}

std::string time_text(const ASN1_TIME* time) {
    std::tm tm{};
    std::array<char, 64> text{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &tm) != 1) return "?";
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &tm);
    return text.data();
}

// Seconds since 1970 UTC; 0 when it cannot be told.
std::int64_t epoch_of(const ASN1_TIME* time) {
    std::tm tm{};
    return time != nullptr && ASN1_TIME_to_tm(time, &tm) == 1 ? static_cast<std::int64_t>(::timegm(&tm)) : 0;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int size = ASN1_STRING_length(address);
    if (size != 4 && size != 16) return "?";
    const int family = size == 4 ? AF_INET : AF_INET6;
    return ::inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size()) != nullptr ? text.data() : "?";
}

std::string string_text(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// The names and addresses that a certificate is for, at most sixteen of them.
std::string names_text(X509* certificate) {
    std::string out;
    auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    const int count = names != nullptr ? sk_GENERAL_NAME_num(names) : 0;
    for (int i = 0; i < count && i < 16; ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
        if (!out.empty()) out += ", ";
        out += name->type == GEN_DNS ? string_text(name->d.dNSName) : address_text(name->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    return out.empty() ? "no name at all (only its subject, " + name_text(X509_get_subject_name(certificate)) + ", which does not count)" : out;
}

int failure_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

// Called by OpenSSL for each certificate; remembers the first fault, changes no verdict.
int remember_failure(int verdict, X509_STORE_CTX* store) {
    if (verdict == 1) return verdict;
    const auto* const ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* const failure = ssl != nullptr ? static_cast<VerifyFailure*>(SSL_get_ex_data(ssl, failure_index())) : nullptr;
    if (failure == nullptr || failure->code != X509_V_OK) return verdict;
    failure->code = X509_STORE_CTX_get_error(store);
    failure->depth = X509_STORE_CTX_get_error_depth(store);
    if (X509* const leaf = X509_STORE_CTX_get0_cert(store); leaf != nullptr) {
        failure->names = names_text(leaf);
        failure->leaf_subject = name_text(X509_get_subject_name(leaf));
        failure->leaf_issuer = name_text(X509_get_issuer_name(leaf));
        failure->leaf_not_after = epoch_of(X509_get0_notAfter(leaf));
    }
    if (const X509* const at = X509_STORE_CTX_get_current_cert(store); at != nullptr) {
        failure->subject = name_text(X509_get_subject_name(at));
        failure->issuer = name_text(X509_get_issuer_name(at));
        failure->from = time_text(X509_get0_notBefore(at));
        failure->until = time_text(X509_get0_notAfter(at));
    }
    return verdict;
}

bool is_unknown_issuer(long code) {
    return code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN || code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || code == X509_V_ERR_CERT_UNTRUSTED;
}

std::string refusal(const Endpoint& endpoint, const TlsOptions& options, const VerifyFailure& f) {
    const std::string whose = f.depth == 0 ? "the server's certificate" : "the certificate " + f.subject + " in the server's chain";
    if (f.code == X509_V_ERR_CERT_HAS_EXPIRED) return whose + " expired at " + f.until + ". Renew it on the server, or correct this machine's clock";
    if (f.code == X509_V_ERR_CERT_NOT_YET_VALID)
        return whose + " is not yet valid: it begins at " + f.from + ". Correct this machine's clock, or wait";
    if (f.code == X509_V_ERR_HOSTNAME_MISMATCH || f.code == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return "the server's certificate is not for the host '" + endpoint.host + "' but for: " + f.names +
               ". Use one of these in `url`, or give the server a certificate for this host";
    if (f.code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
        return whose + " is self-signed (" + f.subject +
               "): no authority vouches for it. If it is the right one, set tls.caFile to this very certificate";
    if (is_unknown_issuer(f.code)) {
        const std::string known = options.ca_file.empty() ? std::string("the system's CA certificates (SSL_CERT_FILE and SSL_CERT_DIR count)")
                                                          : "tls.caFile '" + options.ca_file + "'";
        return whose + " was issued by " + f.issuer + ", an authority that is unknown to " + known +
               ". Set tls.caFile to the certificate of that authority";
    }
    return whose + " was refused: " + X509_verify_cert_error_string(f.code) + ". Ask who runs the server for a valid certificate";
}

} // namespace

Result<SslContext> make_ssl_context(const TlsOptions& options) {
    ERR_clear_error();
    SslContext context{SSL_CTX_new(TLS_client_method())};
    if (!context) return Error{Errc::tls, "OpenSSL cannot make a context: " + take_openssl_error()};
    SSL_CTX_set_min_proto_version(context.get(), options.tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase); // never asks on a terminal
    SSL_CTX_set_verify(context.get(), options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, remember_failure);
    static constexpr std::array<unsigned char, 9> kHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(context.get(), kHttp11.data(), static_cast<unsigned>(kHttp11.size()));
    if (Result<void> loaded = load_authorities(context.get(), options); !loaded) return std::move(loaded).error();
    if (Result<void> loaded = load_identity(context.get(), options); !loaded) return std::move(loaded).error();
    return context;
}

bool prepare_ssl(SSL* ssl, const Endpoint& endpoint, VerifyFailure& failure) {
    ERR_clear_error();
    failure = VerifyFailure{};
    if (SSL_set_ex_data(ssl, failure_index(), &failure) != 1) return false;
    X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
    if (is_address(endpoint.host)) return X509_VERIFY_PARAM_set1_ip_asc(param, endpoint.host.substr(0, endpoint.host.find('%')).c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, endpoint.host.c_str()) == 1 &&
           X509_VERIFY_PARAM_set1_host(param, endpoint.host.c_str(), endpoint.host.size()) == 1;
}

void note_certificate(const SSL* ssl, const VerifyFailure& failure, ConnectionReport& report) {
    report.tls_version = SSL_get_version(ssl);
    report.certificate_subject = failure.leaf_subject;
    report.certificate_issuer = failure.leaf_issuer;
    report.certificate_not_after = failure.leaf_not_after;
    if (const X509* const leaf = SSL_get0_peer_certificate(ssl); leaf != nullptr) {
        report.certificate_subject = name_text(X509_get_subject_name(leaf));
        report.certificate_issuer = name_text(X509_get_issuer_name(leaf));
        report.certificate_not_after = epoch_of(X509_get0_notAfter(leaf));
    }
}

Error handshake_error(const Endpoint& endpoint, const TlsOptions& options, const VerifyFailure& failure, const std::string& reason, bool cut) {
    const std::string where = endpoint.host + ":" + std::to_string(endpoint.port);
    Error error{Errc::tls, {}};
    if (failure.code != X509_V_OK && !options.insecure_skip_verify) {
        error.message = "TLS with " + where + " failed: " + refusal(endpoint, options, failure);
        return error;
    }
    error.retryable = cut;
    error.message = "TLS with " + where + " failed: ";
    if (cut) {
        error.message += "the connection broke during the handshake (" + reason + ")";
    } else if (reason.find("wrong version number") != std::string::npos || reason.find("packet length too long") != std::string::npos) {
        error.message += "the server does not speak TLS on this port (" + reason + "). Use http:// in `url`, or the server's HTTPS port";
    } else if (reason.find("alert") != std::string::npos) {
        error.message += "the server refused the handshake (" + reason +
                         "). It may ask for a client certificate (tls.certFile, tls.keyFile) or another TLS version (tls.minVersion)";
    } else {
        error.message += reason + ". Check that `url` and port name an HTTPS server, and tls.minVersion";
    }
    return error;
}

} // namespace fluxgate::http
