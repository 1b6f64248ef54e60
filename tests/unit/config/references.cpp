#include "config/references.hpp"

#include "support/catch.hpp"

#include <cstdlib>
#include <map>
#include <random>

using namespace fluxgate::config;

namespace {

const std::map<std::string, std::string, std::less<>> set{{"HOST", "influx.internal"},     {"PORT", "8086"},    {"EMPTY", ""},
                                                          {"DOLLARS", "$${HOST} ${HOST}"}, {"BYTES", "a\xFFz"}, {"_x1", "under"},
                                                          {"SURROGATE", "\xED\xA0\x80"}};

std::optional<std::string> look_up(std::string_view name) {
    const auto found = set.find(name);
    return found == set.end() ? std::nullopt : std::optional{found->second};
}

std::string expanded(std::string_view text, std::size_t most = 1000) {
    const Expansion made = expand_references(text, look_up, most);
    CHECK(made.text.empty() == (!made.problem.empty() || text == "${EMPTY}" || text == "${EMPTY:-}" || text.empty()));
    return made.problem.empty() ? made.text : "PROBLEM " + made.problem;
}

} // namespace

TEST_CASE("a reference becomes its variable's value, wherever in a text it stands") {
    CHECK(expanded("${HOST}") == "influx.internal");
    CHECK(expanded("http://${HOST}:${PORT}/x") == "http://influx.internal:8086/x");
    CHECK(expanded("${_x1}") == "under");
    CHECK(expanded("${EMPTY}").empty());
}

TEST_CASE("a default stands in for a variable that is not set or empty, and for no other") {
    CHECK(expanded("${NOT_SET:-http://localhost:8086}") == "http://localhost:8086");
    CHECK(expanded("${EMPTY:-there}") == "there");
    CHECK(expanded("${HOST:-there}") == "influx.internal");
    CHECK(expanded("${NOT_SET:-}x") == "x");
    CHECK(expanded("${START:--24h}") == "-24h");
    CHECK(expanded("${NOT_SET:-a:-b}") == "a:-b");
}

TEST_CASE("two dollars write a literal reference, other dollars are text, and values are not searched again") {
    CHECK(expanded("$${HOST}") == "${HOST}");
    CHECK(expanded("$$${HOST}") == "$${HOST}");
    CHECK(expanded("5 $ or $5, $HOST $(HOST) {HOST} $") == "5 $ or $5, $HOST $(HOST) {HOST} $");
    CHECK(expanded("${DOLLARS}") == "$${HOST} ${HOST}");
}

TEST_CASE("what is no reference, or has no value, is a problem that names the variable and the way out") {
    CHECK(expanded("a ${NOT_SET} b") == "PROBLEM the environment variable NOT_SET is not set; set it, or give a default here: ${NOT_SET:-default}");
    CHECK(expanded("${HOST").find("no closing brace") != std::string::npos);
    for (const char* text : {"${}", "${1A}", "${A B}", "${A-b}", "${A:b}", "${A:=b}", "${:-x}", "${ HOST }"}) {
        INFO(text);
        CHECK(expanded(text).find("is no reference to an environment variable; write ${NAME}") != std::string::npos);
    }
    CHECK(expanded("${A:-${HOST}}").find("holds a reference itself") != std::string::npos);
    CHECK(expanded("${BYTES}") == "PROBLEM the value of the environment variable BYTES is not UTF-8 text");
    CHECK(expanded("${SURROGATE}").find("is not UTF-8") != std::string::npos);
    CHECK(expanded("${HOST}${HOST}", 20).find("longer than 16 MiB") != std::string::npos);
}

TEST_CASE("a variable whose name says credential is refused, set or not, and its value is not asked for") {
    bool asked = false;
    const Variables variables = [&asked](std::string_view) {
        asked = true;
        return std::optional<std::string>{"Q9-token"};
    };
    for (const char* name : {"INFLUX_TOKEN", "token", "DB_PASSWORD", "SECRET", "AWS_SECRET_ACCESS_KEY", "API_KEY", "MY_APIKEY", "DB_PASS", "DB_PWD",
                             "GOOGLE_APPLICATION_CREDENTIALS", "TOKEN_"}) {
        INFO(name);
        CHECK(names_credential(name));
        const Expansion made = expand_references("x${" + std::string{name} + ":-d}", variables, 1000);
        CHECK(made.text.empty());
        CHECK(made.problem.find(std::string{name} + " looks like a credential") != std::string::npos);
        CHECK(made.problem.find("Q9-token") == std::string::npos);
    }
    CHECK_FALSE(asked);
    for (const char* name : {"PWD", "PASS", "TOKEN_FILE", "TLS_KEY_FILE", "PARTITION_KEY", "KEY", "SECRETS_DIR", "TOKENIZER", "INFLUX_URL", "_"}) {
        INFO(name);
        CHECK_FALSE(names_credential(name));
    }
}

TEST_CASE("a reference that is all of the text is told from one that is a part of it") {
    const auto whole = [](std::string_view text) { return expand_references(text, look_up, 1000).whole; };
    CHECK(whole("${PORT}"));
    CHECK(whole("${NOT_SET:-1}"));
    CHECK_FALSE(whole("${PORT} "));
    CHECK_FALSE(whole("1${PORT}"));
    CHECK_FALSE(whole("${PORT}${PORT}"));
    CHECK_FALSE(whole("$${PORT}"));
    const Expansion made = expand_references("${PORT}${NOT_SET:-x}", look_up, 1000);
    REQUIRE(made.references.size() == 2);
    CHECK((made.references[0].name == "PORT" && !made.references[0].defaulted));
    CHECK((made.references[1].name == "NOT_SET" && made.references[1].defaulted && made.references[1].default_text == "x"));
}

TEST_CASE("an escaped text expands to itself, whatever it is") {
    const char* replay = std::getenv("FLUXGATE_SEED");
    const unsigned seed = replay != nullptr ? static_cast<unsigned>(std::strtoul(replay, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    const Variables none = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (auto n = random() % 12; n > 0; --n)
            text += "$${}:-A"[random() % 7];
        INFO(text);
        const Expansion made = expand_references(escape_references(text), none, 1000);
        CHECK(made.problem.empty());
        CHECK(made.text == text);
    }
}
