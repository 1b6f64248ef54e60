#include "certificates.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace fluxgate::sample {
namespace {

struct Free {
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(X509* p) const { X509_free(p); }
    void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

Error failure(Errc code, const std::string& what) {
    Error e;
    e.code = code;
    e.message = what;
    return e;
}

bool extend(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Signed by issuer_key; with a null issuer it signs itself and is a CA.
Certificate certificate(EVP_PKEY* key, const char* name, X509* issuer, EVP_PKEY* issuer_key) {
    constexpr long hour = 3600, years = 10L * 365 * 24 * hour;
    Certificate out(X509_new());
    unsigned char random[8] = {};
    if (!out || RAND_bytes(random, sizeof random) != 1) return nullptr;
    std::uint64_t serial = 0;
    std::memcpy(&serial, random, sizeof serial);
    X509* x = out.get();
    X509_NAME* subject = X509_get_subject_name(x);
    bool good = X509_set_version(x, 2) == 1 && ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(x), -hour) != nullptr && X509_gmtime_adj(X509_getm_notAfter(x), years) != nullptr &&
                X509_set_pubkey(x, key) == 1 &&
                X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name), -1, -1, 0) == 1 &&
                X509_set_issuer_name(x, issuer == nullptr ? subject : X509_get_subject_name(issuer)) == 1 &&
                extend(x, issuer == nullptr ? x : issuer, NID_subject_key_identifier, "hash") &&
                extend(x, issuer == nullptr ? x : issuer, NID_authority_key_identifier, "keyid");
    if (issuer == nullptr) {
        good =
            good && extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") && extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        good = good && extend(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
               extend(x, issuer, NID_key_usage, "critical,digitalSignature") && extend(x, issuer, NID_ext_key_usage, "serverAuth") &&
               extend(x, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    }
    if (!good || X509_sign(x, issuer_key, EVP_sha256()) == 0) return nullptr;
    return out;
}

template <class Write>
Result<void> write_file(const std::string& path, mode_t mode, Write write) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) return failure(Errc::io, path + " cannot be made: " + std::strerror(errno));
    FILE* file = ::fdopen(fd, "w");
    if (file == nullptr) {
        ::close(fd);
        return failure(Errc::io, path + " cannot be written");
    }
    const bool written = write(file) == 1;
    if (std::fclose(file) != 0 || !written) return failure(Errc::io, path + " cannot be written");
    return {};
}

} // namespace

Result<Certificates> ensure_certificates(const std::string& directory) {
    namespace fs = std::filesystem;
    const fs::path at{directory};
    Certificates files{(at / "ca.pem").string(), (at / "server.pem").string(), (at / "server.key").string()};
    std::error_code ignored;
    const int present = static_cast<int>(fs::exists(files.ca_file, ignored)) + static_cast<int>(fs::exists(files.cert_file, ignored)) +
                        static_cast<int>(fs::exists(files.key_file, ignored));
    if (present == 3) return files;
    if (present != 0) return failure(Errc::io, directory + " holds only some of ca.pem, server.pem and server.key: remove them or complete the set");
    std::error_code made;
    fs::create_directories(at, made);
    if (made) return failure(Errc::io, directory + " cannot be made: " + made.message());

    const Key ca_key(EVP_EC_gen("P-256")), key(EVP_EC_gen("P-256"));
    const Certificate ca = ca_key ? certificate(ca_key.get(), "fluxgate sample CA", nullptr, ca_key.get()) : nullptr;
    const Certificate server = ca && key ? certificate(key.get(), "localhost", ca.get(), ca_key.get()) : nullptr;
    if (!server) return failure(Errc::tls, "OpenSSL cannot make a certificate");
    auto done = write_file(files.key_file, 0600, [&](FILE* f) { return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    if (done) done = write_file(files.cert_file, 0644, [&](FILE* f) { return PEM_write_X509(f, server.get()); });
    if (done) done = write_file(files.ca_file, 0644, [&](FILE* f) { return PEM_write_X509(f, ca.get()); });
    if (!done) return done.error();
    return files;
}

} // namespace fluxgate::sample
