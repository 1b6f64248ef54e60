#include "jq/lexer.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate::jq;

namespace {

// "kind:text" of every token but the end.
std::vector<std::string> cut(std::string_view expression) {
    static constexpr std::string_view kinds[] = {"end", "invalid", "word", "field", "number", "format", "start", "text", "(", ")", "stop", "op"};
    std::vector<std::string> out;
    for (const Token& t : tokenize(expression).list)
        if (t.kind != Token::Kind::end) out.push_back(std::string{kinds[static_cast<std::size_t>(t.kind)]} + ":" + std::string{t.text});
    return out;
}

using Strings = std::vector<std::string>;

} // namespace

TEST_CASE("the lexer cuts fields, words, numbers, operators and formats like jq's") {
    CHECK(cut(".payload.a_1") == Strings{"field:payload", "field:a_1"});
    CHECK(cut(". payload") == Strings{"op:.", "word:payload"});
    CHECK(cut("a::b(1;.5e-3)") == Strings{"word:a::b", "op:(", "number:1", "op:;", "number:.5e-3", "op:)"});
    CHECK(cut(".a//.b?//1") == Strings{"field:a", "op://", "field:b", "op:?//", "number:1"});
    CHECK(cut(".a|=1//=2") == Strings{"field:a", "op:|=", "number:1", "op://=", "number:2"});
    CHECK(cut("..|$x") == Strings{"op:..", "op:|", "op:$", "word:x"});
    CHECK(cut("@base64") == Strings{"format:base64"});
    CHECK(cut("1e") == Strings{"number:1", "word:e"});
    CHECK(cut("1.2.3") == Strings{"invalid:1"});
    CHECK(cut("a ~ b") == Strings{"word:a", "invalid:~"});
}

TEST_CASE("the lexer knows strings, interpolation inside them, and comments") {
    CHECK(cut(R"("a\"b")") == Strings{"start:\"", "text:a\\\"b", "stop:\""});
    CHECK(cut(R"x("\(.a)-\("\(1)")")x") ==
          Strings{"start:\"", "(:\\(", "field:a", "):)", "text:-", "(:\\(", "start:\"", "(:\\(", "number:1", "):)", "stop:\"", "):)", "stop:\""});
    CHECK(cut(R"x("\((1))")x") == Strings{"start:\"", "(:\\(", "op:(", "number:1", "op:)", "):)", "stop:\""});
    CHECK(cut("1 # \"$ENV\n2") == Strings{"number:1", "number:2"});
    CHECK(cut("\"# no comment\"") == Strings{"start:\"", "text:# no comment", "stop:\""});
    CHECK(cut("(]") == Strings{"op:(", "invalid:]"});
    CHECK(cut(")") == Strings{"invalid:)"});
    CHECK_FALSE(tokenize("1 # fine").ambiguous_comment);
    CHECK(tokenize("1 # one \\\n 2").ambiguous_comment);
    CHECK(tokenize("1 # one \r 2").ambiguous_comment);
}

TEST_CASE("string pieces are unescaped as libjq does") {
    std::string out;
    CHECK(unescape(R"(a\n\u00e9\ud83d\ude00 \\)", out));
    CHECK(out == "a\n\xC3\xA9\xF0\x9F\x98\x80 \\");
    CHECK_FALSE(unescape(R"(\x)", out));
}

TEST_CASE("places are lines and columns in characters") {
    const std::string text = "a\n\xC3\xA9x";
    CHECK(place_of(text, 0).line == 1);
    CHECK(place_of(text, 4).line == 2);
    CHECK(place_of(text, 4).column == 2);
    CHECK(place_of(text, 99).column == 3);
}
