// Paths without libjq's compiler: what counts as one, and that it answers what libjq answers.
#include "jq/path.hpp"
#include "jq/program.hpp"
#include "seed.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate::jq;
using fluxgate::test::Random;

namespace {

std::string told(const Evaluation& e) {
    std::string out;
    for (const Value& value : e.outputs)
        out += value.dump() + " ";
    return out + (e.left ? "..." : "") + (e.failed ? "error: " + e.error : "");
}

std::string random_json(Random& random, int depth) {
    switch (random.below(depth > 0 ? 8 : 4)) {
    case 0: return "null";
    case 1: return "1e1000";
    case 2: return "\"\\u00e9\"";
    case 3: return random.below(2) == 0 ? "true" : "-0.5";
    case 4: return "[" + random_json(random, depth - 1) + "]";
    default: break;
    }
    std::string out = "{";
    for (const char* name : {"a", "b", "and", "_c1", "a"})
        if (random.below(3) != 0) out += (out.size() > 1 ? ",\"" : "\"") + std::string{name} + "\":" + random_json(random, depth - 1);
    return out + "}";
}

} // namespace

TEST_CASE("a plain path is names behind dots and nothing else") {
    CHECK(plain_path(".payload.host") == std::vector<std::string>{"payload", "host"});
    CHECK(plain_path(" \t.a._b1\r\n") == std::vector<std::string>{"a", "_b1"});
    CHECK(plain_path(".and.if") == std::vector<std::string>{"and", "if"});
    for (const char* other :
         {"", " ", ".", "..", ".a.", ".a .b", ".a..b", ".1", ".a-b", ".a?", ".a[]", ".a # x", "a", ".\"a\"", ".a\n.b", ".\xC3\xA9"})
        CHECK_FALSE(plain_path(other));
}

TEST_CASE("a plain path answers what libjq answers, errors and their words included") {
    Random random;
    INFO("FLUXGATE_SEED=" << random.seed());
    int failed = 0, found = 0;
    for (const std::string path : {".a", ".a.b", ".and", ".a.b._c1", "._c1.a.a"}) {
        auto plain = Program::compile(path, Use::partition);
        auto compiled = Program::compile("(" + path + ")", Use::partition);
        REQUIRE(plain);
        REQUIRE(compiled);
        for (int i = 0; i < 300; ++i) {
            const std::string json = random_json(random, 4);
            const std::size_t most = random.below(4);
            const std::string wanted = told((*compiled)->evaluate(json, most));
            INFO(path << " on " << json << ", " << most);
            REQUIRE(told((*plain)->evaluate(json, most)) == wanted);
            failed += wanted.find("error") != std::string::npos ? 1 : 0;
            found += wanted.find("null") == std::string::npos ? 1 : 0;
        }
    }
    CHECK(failed > 50);
    CHECK(found > 50);
}
