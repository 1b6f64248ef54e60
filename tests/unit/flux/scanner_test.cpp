#include "flux/find.hpp"
#include "flux/scanner.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using fluxgate::flux::Field;
using fluxgate::flux::Scanner;

namespace {

// What a scanner says about one record, whatever pieces it came in.
struct Said {
    Scanner::Status status = Scanner::Status::partial;
    std::vector<std::string> fields;
    std::vector<int> flags;
    std::uint64_t size = 0;
    bool operator==(const Said& o) const { return status == o.status && fields == o.fields && flags == o.flags && size == o.size; }
};

Said scan_in_pieces(const std::string& text, std::size_t piece) {
    Scanner scanner{100};
    scanner.begin_record();
    Said said;
    for (std::size_t at = 0; at < text.size() && said.status == Scanner::Status::partial; at += piece) {
        const std::size_t n = std::min(piece, text.size() - at);
        said.status = scanner.scan(text.data() + at, text.data() + at + n);
    }
    said.size = scanner.offset();
    if (said.status == Scanner::Status::record) {
        for (const auto& f : scanner.fields()) {
            said.fields.push_back(text.substr(f.begin, f.end - f.begin));
            said.flags.push_back(f.flags);
        }
    }
    return said;
}

Said scan(const std::string& text) {
    return scan_in_pieces(text, text.size());
}

} // namespace

TEST_CASE("a record ends at CRLF or LF and its fields at commas") {
    CHECK(scan("a,b,c\r\n").fields == std::vector<std::string>{"a", "b", "c"});
    CHECK(scan("a,b,c\n").fields == std::vector<std::string>{"a", "b", "c"});
    CHECK(scan(",,\r\n").fields == std::vector<std::string>{"", "", ""});
    CHECK(scan("\r\n").fields == std::vector<std::string>{""});
    CHECK(scan("\n").size == 1);
    CHECK(scan("a,b").status == Scanner::Status::partial);
}

TEST_CASE("quoted fields hold commas, quotes, CR, LF and blank lines") {
    const Said said = scan("x,\"a,b\r\n\r\n\"\"c\"\"\",y\r\n");
    REQUIRE(said.status == Scanner::Status::record);
    CHECK(said.fields == std::vector<std::string>{"x", "a,b\r\n\r\n\"\"c\"\"", "y"});
    CHECK(said.flags[1] == (Field::quoted | Field::doubled | Field::special));
    CHECK(said.flags[0] == 0);
}

TEST_CASE("a lone CR in an unquoted field is data and marks the field as special") {
    const Said said = scan("a\rb,c\r\r\n");
    REQUIRE(said.status == Scanner::Status::record);
    CHECK(said.fields == std::vector<std::string>{"a\rb", "c\r"});
    CHECK(said.flags[0] == Field::special);
    CHECK(said.flags[1] == Field::special);
}

TEST_CASE("a quote inside an unquoted field and text behind a closing quote are errors at their byte") {
    CHECK(scan("ab\"c\n").status == Scanner::Status::quote_in_field);
    CHECK(scan("ab\"c\n").size == 2);
    CHECK(scan("\"ab\"c\n").status == Scanner::Status::text_after_quote);
    CHECK(scan("\"ab\"c\n").size == 4);
    CHECK(scan("\"ab\"\rc\n").status == Scanner::Status::text_after_quote);
    CHECK(scan("\"ab\"\rc\n").size == 4);
}

TEST_CASE("backslashes, control characters and bytes beyond ASCII mark a field as special, nothing else does") {
    for (int c = 1; c < 256; ++c) {
        if (c == ',' || c == '\n' || c == '\r' || c == '"') continue;
        const std::string text = std::string("0123456789abcdefgh") + static_cast<char>(c) + "x,y\n";
        const bool special = c < 0x20 || c >= 0x80 || c == '\\';
        INFO("byte " << c);
        CHECK((scan(text).flags.at(0) == Field::special) == special);
        CHECK(scan(text).flags.at(1) == 0);
    }
}

TEST_CASE("what a scanner answers does not depend on the pieces, and the vector code equals the portable one") {
    const char* fixed = std::getenv("FLUXGATE_SEED");
    const auto seed = fixed != nullptr ? static_cast<unsigned>(std::strtoul(fixed, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    const std::string alphabet = ",,\"\"\r\n\nab01\\\x01\xC3\xA9 xyzabcdefghijklmnop";
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        const std::size_t size = random() % 60;
        for (std::size_t i = 0; i < size; ++i)
            text += alphabet[random() % alphabet.size()];
        text += "\n";
        const Said whole = scan(text);
        for (const std::size_t piece : {1u, 2u, 3u, 7u, 16u, 17u}) {
            INFO("text of " << text.size() << " bytes, pieces of " << piece << ", round " << round);
            REQUIRE(scan_in_pieces(text, piece) == whole);
        }
        namespace find = fluxgate::flux::find;
        std::uint8_t a = 0, b = 0;
        const char* end = text.data() + text.size();
        REQUIRE(find::field_stop(text.data(), end, a) == find::field_stop_portable(text.data(), end, b));
        REQUIRE(a == b);
        a = b = 0;
        REQUIRE(find::quote(text.data(), end, a) == find::quote_portable(text.data(), end, b));
        REQUIRE(a == b);
    }
}
