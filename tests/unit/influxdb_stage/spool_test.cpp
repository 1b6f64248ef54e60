#include "flux/reader.hpp"
#include "spool.hpp"
#include "support/catch.hpp"
#include "support/same_events.hpp"

#include <cstdlib>
#include <string>

using fluxgate::Errc;
using fluxgate::Result;
using fluxgate::influxdb::Spool;
namespace flux = fluxgate::flux;

namespace {

constexpr std::uint64_t no_limit = 1u << 30;

// Rows that have nothing in common with the row before, so that the journal is as long as they are.
std::string body_of(std::size_t rows, std::size_t width = 100) {
    std::string body = "#datatype,string,string\r\n#group,false,false\r\n#default,,\r\n,a,b\r\n";
    for (std::size_t i = 0; i < rows; ++i)
        body += ",\"" + std::to_string(i) + "\"," + std::string(width, static_cast<char>('a' + i % 26)) + "\r\n";
    return body + "\r\n";
}

Result<void> keep(Spool& spool, flux::Event event, const flux::Reader& reader) {
    if (event == flux::Event::table) return spool.table(reader.table());
    if (event == flux::Event::long_row) return spool.long_row(reader.row(), reader.long_row_bytes());
    return spool.row(reader.row());
}

// Spools what a reader tells of the body, which comes in pieces, a millisecond one after the other. Ends at the first error.
Result<void> spooled(Spool& spool, const std::string& body, std::size_t piece = 10'000, flux::Limits limits = {}) {
    flux::Reader reader{limits};
    std::int64_t now = 0;
    for (std::size_t at = 0; at < body.size(); at += piece) {
        const std::string_view bytes = std::string_view{body}.substr(at, piece);
        if (Result<void> kept = spool.received(bytes.size(), now += 1'000'000); !kept.ok()) return kept;
        reader.feed(bytes);
        for (flux::Event event = reader.next(); event != flux::Event::need_more; event = reader.next()) {
            REQUIRE(event != flux::Event::failed);
            if (Result<void> kept = keep(spool, event, reader); !kept.ok()) return kept;
        }
    }
    return {};
}

// The next event of the journal; need_more behind the last.
flux::Event next_event(Spool& spool) {
    for (;;) {
        const Result<bool> more = spool.next();
        REQUIRE(more.ok());
        if (!*more) return flux::Event::need_more;
        if (const flux::Event event = spool.journal().next(); event != flux::Event::need_more) return event;
    }
}

// Everything comes back as a second reader tells it.
void check_back(Spool& spool, const std::string& body, std::size_t piece = 10'000, flux::Limits limits = {}) {
    flux::Reader reader{limits};
    std::int64_t now = 0;
    for (std::size_t at = 0; at < body.size(); at += piece) {
        now += 1'000'000;
        reader.feed(std::string_view{body}.substr(at, piece));
        for (flux::Event event = reader.next(); event != flux::Event::need_more; event = reader.next()) {
            REQUIRE(next_event(spool) == event);
            REQUIRE(spool.journal().received_ns() == now);
            const std::string differs = event == flux::Event::table ? fluxgate::test::difference(reader.table(), spool.journal().table())
                                                                    : fluxgate::test::difference(reader.row(), spool.journal().row());
            if (!differs.empty()) FAIL(differs << " in row " << reader.row().number);
        }
    }
    CHECK(next_event(spool) == flux::Event::need_more);
}

// With a scratch directory that is not there while it lives.
class NoScratch {
public:
    NoScratch() {
        if (const char* before = std::getenv("TMPDIR"); before != nullptr) saved_ = before;
        setenv("TMPDIR", "/not/there", 1);
    }
    ~NoScratch() { saved_.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", saved_.c_str(), 1); }

private:
    std::string saved_;
};

} // namespace

TEST_CASE("a small answer stays in memory and comes back as the reader told it, with the time at which its bytes came") {
    const std::string body = body_of(1000);
    Spool spool{no_limit, 1u << 20};
    REQUIRE(spooled(spool, body).ok());
    CHECK_FALSE(spool.on_disk());
    CHECK(spool.size() == body.size());
    check_back(spool, body);
}

TEST_CASE("a large answer goes to a file without a name and comes back as the reader told it, again and again") {
    Spool spool{no_limit, 600'000};
    for (const std::size_t rows : {30'000u, 100u, 20'000u}) {
        const std::string body = body_of(rows);
        REQUIRE(spooled(spool, body).ok());
        CHECK(spool.on_disk() == (rows > 100));
        check_back(spool, body);
        spool.clear();
        CHECK_FALSE(spool.on_disk());
        CHECK(spool.size() == 0);
    }
}

TEST_CASE("rows longer than a block come back, and rows beyond the limit as they were cut") {
    flux::Limits limits;
    limits.max_row_bytes = 1'000'000;
    const std::string body = body_of(2, 700'000) + body_of(1, 1'200'000) + body_of(3, 10);
    for (const std::size_t memory : {std::size_t{0}, std::size_t{8} << 20}) {
        Spool spool{no_limit, memory};
        REQUIRE(spooled(spool, body, 50'000, limits).ok());
        check_back(spool, body, 50'000, limits);
    }
}

TEST_CASE("an answer without tables gives nothing back") {
    Spool spool{no_limit, 0};
    REQUIRE(spooled(spool, "\r\n").ok());
    CHECK(next_event(spool) == flux::Event::need_more);
}

TEST_CASE("a body beyond spoolBytes is refused by name") {
    Spool spool{10, 1u << 20};
    REQUIRE(spool.received(10, 0).ok());
    const auto refused = spool.received(1, 0);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Errc::limit);
    CHECK(refused.error().message.find("spoolBytes allows (10 bytes)") != std::string::npos);
    CHECK(spool.size() == 10);
}

TEST_CASE("a scratch directory that is not there is told with its name and the way out") {
    const NoScratch none;
    Spool spool{no_limit, 0};
    const auto failed = spooled(spool, body_of(10'000));
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Errc::io);
    CHECK(failed.error().message.find("/not/there") != std::string::npos);
    CHECK(failed.error().message.find("TMPDIR") != std::string::npos);
}
