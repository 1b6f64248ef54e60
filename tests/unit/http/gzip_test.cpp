#include "http/gzip.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using fluxgate::http::GzipDecoder;
using State = GzipDecoder::State;
using fluxgate::test::gzip;

namespace {

struct Text : GzipDecoder::Target {
    std::string text;
    std::size_t largest = 0;
    void on_decoded(std::string_view bytes) override {
        text += bytes;
        largest = std::max(largest, bytes.size());
    }
};

constexpr std::size_t kAll = SIZE_MAX;

std::size_t feed_all(GzipDecoder& decoder, std::string_view input, Text& out) {
    std::size_t used = decoder.feed(input, kAll, out);
    while (decoder.pending())
        used += decoder.feed(input.substr(used), kAll, out);
    return used;
}

std::string repeated(std::string_view row, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i)
        out += std::string{row} + std::to_string(i) + "\r\n";
    return out;
}

std::uint64_t seed() {
    const char* const given = std::getenv("FLUXGATE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// A member whose header has every optional field of RFC 1952: FTEXT, FHCRC left out, FEXTRA, FNAME, FCOMMENT.
std::string with_all_fields(const std::string& member) {
    std::string out = member.substr(0, 10);
    out[3] = static_cast<char>(1 | 4 | 8 | 16);
    out += std::string{"\x05\x00"
                       "extra"
                       "name.csv\0a comment\0",
                       2 + 5 + 9 + 10};
    return out + member.substr(10);
}

} // namespace

TEST_CASE("gzip: every split into two and single bytes give the text and a right end") {
    const std::string text = repeated(",,0,2026-01-01T00:00:00Z,6.25,usage,cpu", 40);
    for (const std::string& member : {gzip(text), gzip(text, 0), with_all_fields(gzip(text))}) {
        GzipDecoder decoder;
        for (std::size_t split = 0; split <= member.size(); ++split) {
            decoder.reset();
            Text out;
            feed_all(decoder, std::string_view{member}.substr(0, split), out);
            feed_all(decoder, std::string_view{member}.substr(split), out);
            INFO("split " << split);
            CHECK(out.text == text);
            CHECK(decoder.state() == State::ended);
        }
        decoder.reset();
        Text out;
        for (const char c : member)
            feed_all(decoder, {&c, 1}, out);
        CHECK(out.text == text);
        CHECK(decoder.state() == State::ended);
    }
}

TEST_CASE("gzip: members that follow one another are one text, whatever the split") {
    const std::string a = repeated("first", 20);
    const std::string b = repeated("second", 30);
    const std::string both = gzip(a) + gzip("") + with_all_fields(gzip(b));
    for (std::size_t split = 0; split <= both.size(); ++split) {
        GzipDecoder decoder;
        Text out;
        feed_all(decoder, std::string_view{both}.substr(0, split), out);
        feed_all(decoder, std::string_view{both}.substr(split), out);
        INFO("split " << split);
        CHECK(out.text == a + b);
        CHECK(decoder.state() == State::ended);
    }
}

TEST_CASE("gzip: without the whole trailer the data has not ended") {
    const std::string member = gzip("some text\r\n");
    for (std::size_t size = 0; size < member.size(); ++size) {
        GzipDecoder decoder;
        Text out;
        feed_all(decoder, std::string_view{member}.substr(0, size), out);
        CHECK(decoder.state() == (size == 0 ? State::empty : State::inside));
    }
}

TEST_CASE("gzip: a wrong checksum and a wrong length are a mismatch") {
    const std::string member = gzip("some text\r\n");
    for (std::size_t back = 1; back <= 8; ++back) {
        std::string wrong = member;
        wrong[wrong.size() - back] = static_cast<char>(wrong[wrong.size() - back] ^ 0x10);
        for (const bool single : {false, true}) {
            GzipDecoder decoder;
            Text out;
            if (single) {
                for (const char c : wrong)
                    feed_all(decoder, {&c, 1}, out);
            } else {
                feed_all(decoder, wrong, out);
            }
            INFO("byte " << back << " from the end, single " << single);
            CHECK(decoder.state() == State::mismatch);
        }
    }
}

TEST_CASE("gzip: what follows a member and is none is trailing and not taken") {
    const std::string member = gzip("some text\r\n");
    GzipDecoder decoder;
    Text out;
    CHECK(feed_all(decoder, member + "{\"code\":\"internal\"}", out) == member.size());
    CHECK(decoder.state() == State::trailing);
    decoder.reset();
    feed_all(decoder, member + "\x1f{not gzip, but long enough to be seen}", out);
    CHECK(decoder.state() == State::trailing);
}

TEST_CASE("gzip: what is not gzip, and broken deflate data, is damaged") {
    GzipDecoder decoder;
    Text out;
    feed_all(decoder, "#datatype,string,long\r\n", out);
    CHECK(decoder.state() == State::damaged);
    std::string broken = gzip(repeated("row", 2000));
    for (std::size_t i = 30; i < 90; ++i)
        broken[i] = static_cast<char>(0xff);
    decoder.reset();
    feed_all(decoder, broken, out);
    CHECK((decoder.state() == State::damaged || decoder.state() == State::mismatch));
}

TEST_CASE("gzip: random texts, levels and splits come out as zlib packed them, in pieces of at most 64 KiB") {
    const std::uint64_t s = seed();
    INFO("FLUXGATE_SEED=" << s);
    std::mt19937_64 random{s};
    GzipDecoder decoder;
    for (int round = 0; round < 50; ++round) {
        std::string text(random() % 400'000, '\0');
        const unsigned alphabet = 1 + static_cast<unsigned>(random() % 255);
        for (char& c : text)
            c = static_cast<char>(random() % alphabet);
        const std::string member = gzip(text, static_cast<int>(random() % 10));
        const std::size_t most = 1 + random() % 70'000;
        decoder.reset();
        Text out;
        for (std::size_t at = 0; at < member.size();) {
            const std::size_t n = std::min<std::size_t>(member.size() - at, 1 + random() % most);
            at += feed_all(decoder, std::string_view{member}.substr(at, n), out);
            REQUIRE(decoder.state() <= State::ended);
        }
        REQUIRE(out.text == text);
        CHECK(decoder.state() == State::ended);
        CHECK(out.largest <= GzipDecoder::kPiece);
        CHECK(decoder.decoded() == text.size());
    }
}

TEST_CASE("gzip: a budget bounds what one call makes, and nothing is lost") {
    const std::string text(20'000'000, 'x');
    const std::string bomb = gzip(text, 9);
    GzipDecoder decoder;
    std::size_t used = 0;
    std::size_t made = 0;
    int calls = 0;
    while (used < bomb.size() || decoder.pending()) {
        Text out;
        used += decoder.feed(std::string_view{bomb}.substr(used), 1'000'000, out);
        CHECK(out.text.size() <= 1'000'000 + GzipDecoder::kPiece);
        made += out.text.size();
        REQUIRE(++calls < 100);
    }
    CHECK(made == text.size());
    CHECK(decoder.state() == State::ended);
}

TEST_CASE("gzip: however the data is damaged, no more bytes are taken than were given") {
    // A byte of the header is missing, so the deflate data begins one byte late. The library counts its input below zero there.
    const std::string shifted{"\x1f\x8b\x08\0\0\0\0\0\0\x02\x03\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0", 26};
    const std::string whole = gzip(repeated("a row with some text,", 60));
    for (std::size_t at = 0; at <= whole.size(); ++at) {
        std::string member = at == 0 ? shifted : whole;
        if (at != 0) member[at - 1] = static_cast<char>(member[at - 1] ^ 0x55);
        GzipDecoder decoder;
        Text out;
        INFO("byte " << at);
        CHECK(decoder.feed(member, kAll, out) <= member.size());
    }
}
