#include "spool.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <string>

using fluxgate::Errc;
using fluxgate::influxdb::Spool;

namespace {

std::string read_all(Spool& spool) {
    std::string out;
    for (;;) {
        auto piece = spool.next();
        REQUIRE(piece.ok());
        if (piece->bytes.empty()) return out;
        out += piece->bytes;
    }
}

std::string text_of(std::size_t size, char first) {
    std::string s(size, ' ');
    for (std::size_t i = 0; i < size; ++i)
        s[i] = static_cast<char>(first + static_cast<char>(i % 61));
    return s;
}

} // namespace

TEST_CASE("a small body stays in memory and comes back as it went in") {
    Spool spool{1u << 20};
    REQUIRE(spool.append("abc", 1).ok());
    REQUIRE(spool.append("", 2).ok());
    REQUIRE(spool.append("def", 3).ok());
    CHECK_FALSE(spool.on_disk());
    CHECK(spool.size() == 6);
    CHECK(read_all(spool) == "abcdef");
    CHECK(read_all(spool).empty());
}

TEST_CASE("a large body goes to a file without a name and comes back byte for byte") {
    Spool spool{64u << 20};
    std::string whole;
    for (int i = 0; i < 100; ++i) {
        const std::string piece = text_of(40'000 + static_cast<std::size_t>(i) * 37, '!');
        whole += piece;
        REQUIRE(spool.append(piece, i).ok());
    }
    CHECK(spool.on_disk());
    CHECK(spool.size() == whole.size());
    CHECK(read_all(spool) == whole);
    spool.clear();
    CHECK_FALSE(spool.on_disk());
    REQUIRE(spool.append("again", 0).ok());
    CHECK(read_all(spool) == "again");
}

TEST_CASE("pieces carry the time at which their bytes came") {
    Spool spool{64u << 20};
    REQUIRE(spool.append(std::string(100'000, 'a'), 1000).ok());
    REQUIRE(spool.append(std::string(100'000, 'b'), 2000).ok());
    auto first = spool.next();
    REQUIRE(first.ok());
    CHECK(first->received_ns == 1000);
    CHECK(first->bytes == std::string(100'000, 'a'));
    auto second = spool.next();
    REQUIRE(second.ok());
    CHECK(second->received_ns == 2000);
    CHECK(second->bytes.front() == 'b');
}

TEST_CASE("a body beyond spoolBytes is refused by name, and nothing of the piece is kept") {
    Spool spool{10};
    REQUIRE(spool.append("0123456789", 0).ok());
    const auto refused = spool.append("x", 0);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Errc::limit);
    CHECK(refused.error().message.find("spoolBytes allows (10 bytes)") != std::string::npos);
    CHECK(spool.size() == 10);
}

TEST_CASE("a scratch directory that is not there is told with its name and the way out") {
    const char* before = std::getenv("TMPDIR");
    const std::string saved = before == nullptr ? "" : before;
    setenv("TMPDIR", "/not/there", 1);
    Spool spool{64u << 20};
    const auto failed = spool.append(std::string(3u << 20, 'x'), 0);
    if (before == nullptr) {
        unsetenv("TMPDIR");
    } else {
        setenv("TMPDIR", saved.c_str(), 1);
    }
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Errc::io);
    CHECK(failed.error().message.find("/not/there") != std::string::npos);
    CHECK(failed.error().message.find("TMPDIR") != std::string::npos);
}
