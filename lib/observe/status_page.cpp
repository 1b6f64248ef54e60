#include "observe/status_page.hpp"

#include "telemetry/text.hpp"

#include "status_page_files.hpp"

#include <array>
#include <openssl/sha.h>
#include <string_view>

namespace fluxgate::observe {

namespace {

std::string with(std::string page, std::string_view mark, std::string_view content) {
    const std::size_t at = page.find(mark);
    return at == std::string::npos ? page : page.replace(at, mark.size(), content);
}

// As CSP names inline content: the hash of what stands between the tags.
std::string source_of(std::string_view content) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
    return "'sha256-" + telemetry::base64({reinterpret_cast<const char*>(digest.data()), digest.size()}) + "'";
}

const std::string& script() {
    static const std::string text = std::string{embedded::status_graph_js} + std::string{embedded::status_page_js};
    return text;
}

} // namespace

const std::string& status_page() {
    static const std::string text =
        with(with(std::string{embedded::status_page_html}, "{{style}}", embedded::status_page_css), "{{script}}", script());
    return text;
}

const std::string& status_page_policy() {
    static const std::string text = "default-src 'none'; script-src " + source_of(script()) + "; style-src " + source_of(embedded::status_page_css) +
                                    "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                                    "require-trusted-types-for 'script'; trusted-types 'none'";
    return text;
}

} // namespace fluxgate::observe
