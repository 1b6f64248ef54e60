// Certificates made on the spot, and a TLS wire for RawServer.
#pragma once

#include "support/raw_server.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::test {

inline void must(bool ok) {
    if (!ok) throw std::runtime_error("OpenSSL refused to make the test's certificates");
}

template <class T, void (*Free)(T*)>
struct Freeing {
    void operator()(T* t) const noexcept { Free(t); }
};
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509, X509_free>>;

template <class Write>
std::string pem_of(Write&& write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    must(bio != nullptr && write(bio) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
}

// A certificate and its key.
struct Issued {
    std::shared_ptr<X509> certificate;
    std::shared_ptr<EVP_PKEY> key;

    [[nodiscard]] std::string certificate_pem() const {
        return pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
    }
    [[nodiscard]] std::string key_pem() const {
        return pem_of([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    }
};

struct Wish {
    std::string names; // "DNS:localhost,IP:127.0.0.1"
    int from_days = -1;
    int until_days = 30;
};

class Authority {
public:
    explicit Authority(const std::string& name, const std::string& names = "") : name_(name), self_(make({names, -100, 100}, nullptr)) {}

    [[nodiscard]] Issued issue(const Wish& wish) const { return make(wish, &self_); }
    [[nodiscard]] const Issued& identity() const { return self_; } // to serve with: a self-signed certificate
    [[nodiscard]] std::string pem() const { return self_.certificate_pem(); }
    [[nodiscard]] X509* certificate() const { return self_.certificate.get(); }

private:
    [[nodiscard]] Issued make(const Wish& wish, const Issued* issuer) const {
        static std::atomic<long> serial{1};
        Key key{EVP_EC_gen("P-256")};
        Certificate x{X509_new()};
        must(key && x);
        X509_set_version(x.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x.get()), serial++);
        X509_time_adj_ex(X509_getm_notBefore(x.get()), wish.from_days, 0, nullptr);
        X509_time_adj_ex(X509_getm_notAfter(x.get()), wish.until_days, 0, nullptr);
        X509_set_pubkey(x.get(), key.get());
        const std::string subject = issuer == nullptr ? name_ : "a test server";
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x.get()), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(subject.c_str()), -1,
                                   -1, 0);
        X509* const by = issuer == nullptr ? x.get() : issuer->certificate.get();
        X509_set_issuer_name(x.get(), X509_get_subject_name(by));
        add(x.get(), by, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
        if (!wish.names.empty()) add(x.get(), by, NID_subject_alt_name, wish.names);
        must(X509_sign(x.get(), issuer == nullptr ? key.get() : issuer->key.get(), EVP_sha256()) > 0);
        return {std::shared_ptr<X509>(std::move(x)), std::shared_ptr<EVP_PKEY>(std::move(key))};
    }

    static void add(X509* x, X509* issuer, int nid, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
        must(extension != nullptr && X509_add_ext(x, extension, -1) == 1);
        X509_EXTENSION_free(extension);
    }

    std::string name_;
    Issued self_;
};

class TempFile {
public:
    explicit TempFile(const std::string& text) : path_("/tmp/fluxgate-test-XXXXXX") {
        const int fd = ::mkstemp(path_.data());
        must(fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        ::close(fd);
    }
    ~TempFile() { ::unlink(path_.c_str()); }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

class TempEnvironment {
public:
    TempEnvironment(const char* name, const std::string& value) : name_(name) {
        if (const char* const before = std::getenv(name)) before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    ~TempEnvironment() {
        if (before_) {
            ::setenv(name_, before_->c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }
    TempEnvironment(const TempEnvironment&) = delete;
    TempEnvironment& operator=(const TempEnvironment&) = delete;

private:
    const char* name_;
    std::optional<std::string> before_;
};

struct TlsServerSettings {
    Issued identity;
    int max_version = TLS1_3_VERSION;
    const Authority* client_ca = nullptr; // asks for a client certificate of this authority
};

class TlsWire : public Wire {
public:
    TlsWire(SSL_CTX* context, int fd) : ssl_(SSL_new(context)) { SSL_set_fd(ssl_, fd); }
    ~TlsWire() override {
        if (open_) SSL_shutdown(ssl_);
        SSL_free(ssl_);
    }
    TlsWire(const TlsWire&) = delete;
    TlsWire& operator=(const TlsWire&) = delete;
    bool accept() override { return open_ = SSL_accept(ssl_) == 1; }
    ssize_t read(char* to, std::size_t size) override { return SSL_read(ssl_, to, static_cast<int>(size)); }
    bool write(std::string_view bytes) override {
        return bytes.empty() || SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
    }

private:
    SSL* ssl_;
    bool open_ = false;
};

class TlsContext {
public:
    explicit TlsContext(const TlsServerSettings& settings) : context_(SSL_CTX_new(TLS_server_method())) {
        ::signal(SIGPIPE, SIG_IGN); // SSL_write knows no MSG_NOSIGNAL
        SSL_CTX_set_min_proto_version(context_, 0);
        SSL_CTX_set_max_proto_version(context_, settings.max_version);
        must(SSL_CTX_use_certificate(context_, settings.identity.certificate.get()) == 1);
        must(SSL_CTX_use_PrivateKey(context_, settings.identity.key.get()) == 1);
        if (settings.client_ca != nullptr) {
            X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), settings.client_ca->certificate());
            SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        }
    }
    ~TlsContext() { SSL_CTX_free(context_); }
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Outlives the server that uses it.
    [[nodiscard]] RawServer::MakeWire wires() const {
        return [context = context_](int fd) -> std::unique_ptr<Wire> { return std::make_unique<TlsWire>(context, fd); };
    }

private:
    SSL_CTX* context_;
};

} // namespace fluxgate::test
