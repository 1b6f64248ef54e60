#include "config/url.hpp"

#include "support/catch.hpp"

#include <string>

using namespace fluxgate::config;

namespace {

// "https|host|port|prefix", or the error.
std::string parsed(std::string_view text) {
    const auto url = parse_server_url(text);
    if (!url) return url.error().message;
    return std::string{url->https ? "https|" : "http|"} + url->host + "|" + (url->port ? std::to_string(*url->port) : "-") + "|" + url->prefix;
}

} // namespace

TEST_CASE("good URLs are split into scheme, host, port and prefix") {
    CHECK(parsed("https://contoso.com/some/url/path") == "https|contoso.com|-|/some/url/path");
    CHECK(parsed("HTTP://h:8086") == "http|h|8086|");
    CHECK(parsed("https://h/") == "https|h|-|");
    CHECK(parsed("https://h/a/b///") == "https|h|-|/a/b");
    CHECK(parsed("https://h/a%20b") == "https|h|-|/a%20b");
    CHECK(parsed("http://[::1]:8086/p") == "http|::1|8086|/p");
    CHECK(parsed("https://[2001:db8::7]") == "https|2001:db8::7|-|");
    CHECK(parsed("http://127.0.0.1:1") == "http|127.0.0.1|1|");
    CHECK(parsed("http://my_host-1.example.:65535") == "http|my_host-1.example.|65535|");
    CHECK(parsed("https://h/@a") == "https|h|-|/@a");
}

TEST_CASE("bad URLs are refused with the reason") {
    CHECK(parsed("") == "the URL must begin with http:// or https://; found no scheme");
    CHECK(parsed("h:8086") == "the URL must begin with http:// or https://; found no scheme");
    CHECK(parsed("ftp://h") == "the URL must begin with http:// or https://; found \"ftp://\"");
    CHECK(parsed(" http://h") == "the URL must begin with http:// or https://; found another scheme");
    CHECK(parsed("https://") == "the URL has no host; write for example https://influx.example.com");
    CHECK(parsed("https://:80") == "the URL has no host; write for example https://influx.example.com");
    CHECK(parsed("https://h:") == "the port in the URL must be a number from 1 to 65535; found \"\"");
    CHECK(parsed("https://h:0") == "the port in the URL must be a number from 1 to 65535; found \"0\"");
    CHECK(parsed("https://h:65536") == "the port in the URL must be a number from 1 to 65535; found \"65536\"");
    CHECK(parsed("https://h:8x") == "the port in the URL must be a number from 1 to 65535; found \"8x\"");
    CHECK(parsed("https://::1") == "an IPv6 address in a URL stands in brackets: https://[::1]:8086");
    CHECK(parsed("https://[::1") == "the bracket of the IPv6 address in the URL is not closed");
    CHECK(parsed("https://[::1]x") == "only a port may follow the IPv6 address in the URL; found \"x\"");
    CHECK(parsed("https://[fe80::1%eth0]") == "\"[fe80::1%eth0]\" is not an IPv6 address");
    CHECK(parsed(std::string_view{"https://[::1\0]", 14}) == "\"[::1\\u0000]\" is not an IPv6 address");
    CHECK(parsed("https://[h]") == "\"[h]\" is not an IPv6 address");
    CHECK(parsed("https://a b") == R"(the host "a b" has the character " "; letters, digits, '.', '-' and '_' are allowed)");
    CHECK(parsed("https://a..b") == "the host \"a..b\" has an empty label");
    CHECK(parsed("https://\xC3\xA4.de") == "the host \"\xC3\xA4.de\" has a character outside ASCII; write it in its xn-- form");
    CHECK(parsed("https://" + std::string(254, 'a')) == "the host in the URL is longer than 253 characters");
    CHECK(parsed("https://h/a b") == "the path of the URL has a character that must be percent-encoded (%20 for a space)");
    CHECK(parsed("https://h/\r\nX: y") == "the path of the URL has a character that must be percent-encoded (%20 for a space)");
    CHECK(parsed("https://h\\a").find("percent-encoded") != std::string::npos);
    CHECK(parsed(std::string_view{"https://h/a\0b", 13}).find("percent-encoded") != std::string::npos);
}

TEST_CASE("credentials, query and fragment are refused and never repeated") {
    for (const char* text : {"https://u:hunter2@h", "https://hunter2@h", "https://u:hun/ter2@h", "https://u:hun?ter2@h", "https://u:hun#ter2@h",
                             "https://h/?token=hunter2", "https://h/#hunter2", "hunter2://u@h/", "https://u:hunter2@[::1]:x", "hunter2@h"}) {
        INFO(text);
        const auto url = parse_server_url(text);
        REQUIRE_FALSE(url.ok());
        if (std::string_view{text}.substr(0, 7) != "hunter2") CHECK(url.error().message.find("hun") == std::string::npos);
        CHECK(url.error().message.find("ter2@") == std::string::npos);
        CHECK(url.error().message.find("must ") != std::string::npos);
    }
}

TEST_CASE("loopback is told by the name alone") {
    for (const char* host : {"localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1"})
        CHECK(is_loopback(host));
    for (const char* host : {"h", "128.0.0.1", "::2", "localhost.example.com", "notlocalhost", "127.0.0.1.example", ".localhost.x"})
        CHECK_FALSE(is_loopback(host));
}
