#include "message/json_text.hpp"
#include "support/catch.hpp"

#include <string>

using fluxgate::flux::Field;
using fluxgate::message::append_escaped;
using fluxgate::message::Buffer;

namespace {

std::string escaped(std::string_view s) {
    Buffer out;
    append_escaped(out, s);
    return std::string{out.view()};
}

} // namespace

TEST_CASE("control characters take the short escapes or upper-case hex, everything else stays raw") {
    CHECK(escaped("\"\\\b\f\n\r\t/") == "\\\"\\\\\\b\\f\\n\\r\\t/");
    CHECK(escaped(std::string_view{"\0\x1B\x1F", 3}) == "\\u0000\\u001B\\u001F");
    CHECK(escaped("\x7F") == "\x7F");
    CHECK(escaped("ü日😀\xE2\x80\xA8") == "ü日😀\xE2\x80\xA8");
    CHECK(escaped("") == "");
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD, one for each maximal subpart") {
    const std::string r = "\xEF\xBF\xBD";
    const auto check = [&](std::string_view in, const std::string& out, std::uint64_t count) {
        Buffer buffer;
        CHECK(append_escaped(buffer, in) == count);
        CHECK(buffer.view() == out);
    };
    check("\xFF\xFE", r + r, 2);
    check("a\xE9", "a" + r, 1);
    check("\xC0\xAF", r + r, 2);                                           // overlong
    check("\xED\xA0\x80", r + r + r, 3);                                   // a surrogate
    check("\xF4\x91\x92\x93\xFF", r + r + r + r + r, 5);                   // beyond U+10FFFF
    check("\xF0\x80\x80\x41", r + r + r + "A", 3);                         // Unicode standard, table 3-8
    check("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", r + r + r + r + "A", 4); // table 3-11: truncated sequences
    check("\xF0\x9F\x98", r, 1);                                           // the end cuts a sequence
    check("\xE2\x82\"", r + "\\\"", 1);
}

TEST_CASE("a quoted field stands for undoubled quotes and LF line ends") {
    const std::string raw = "a \"\"b\"\"\r\nc\rd\n";
    Buffer out;
    append_escaped(out, Field{raw.data(), static_cast<std::uint32_t>(raw.size()), Field::quoted | Field::doubled | Field::special});
    CHECK(out.view() == "a \\\"b\\\"\\nc\\rd\\n");
    Buffer plain;
    append_escaped(plain, Field{raw.data() + 6, 4, Field::special});
    CHECK(plain.view() == "\\\"\\r\\nc");
}

TEST_CASE("a field of megabytes is written whole") {
    std::string big(3'000'000, 'x');
    for (std::size_t i = 0; i < big.size(); i += 1000)
        big[i] = '\n';
    const std::string out = escaped(big);
    CHECK(out.size() == big.size() + big.size() / 1000);
}
