#include "config/relationship.hpp"

#include "config/base64.hpp"
#include "support/catch.hpp"

#include <random>

using namespace fluxgate::config;

namespace {

const std::string token = "Q9-relationship-token==", password = "hunter2-password";

std::string base64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, text.size() - i);
        unsigned bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8u | (k < left ? static_cast<unsigned char>(text[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= left ? digits[bits >> (18 - 6 * k) & 63u] : '=';
    }
    return out;
}

// An endpoint as the platform's documentation shows it.
std::string endpoint(const std::string& host = "influxdb.internal", const std::string& more = {}) {
    return R"({"host":")" + host + R"(","hostname":"x.influxdb.service._.eu-1.platformsh.site","cluster":"c-main-bvxea6i","service":"influxdb",
        "type":"influxdb:2.7","rel":"influxdb","scheme":"http","username":"admin","password":")" +
           password + R"(","port":8086,"path":null,"query":{"org":"main","bucket":"data","api_token":")" + token +
           R"("},"fragment":null,"public":false,"host_mapped":false,"ip":"10.0.0.1")" + more + "}";
}

Environment platform(const std::string& json, const std::string& variable = "PLATFORM_RELATIONSHIPS") {
    return {{"HOME", "/app"}, {variable, base64(json)}, {"PORT", "8888"}};
}

const Environment properties{{"INFLUXDB_HOST", "influxdb.internal"},
                             {"INFLUXDB_PORT", "8086"},
                             {"INFLUXDB_SCHEME", "http"},
                             {"INFLUXDB_PATH", ""},
                             {"INFLUXDB_USERNAME", "a"},
                             {"INFLUXDB_PASSWORD", password},
                             {"INFLUXDB_QUERY", "{'org': 'main', 'bucket': 'data', 'api_token': '" + token + "'}"}};

Environment changed(Environment environment, const std::string& name, const std::string& value) {
    for (auto& variable : environment)
        if (variable.first == name) variable.second = value;
    return environment;
}

Relationship good(std::string_view wanted, const Environment& environment) {
    const auto found = read_relationship(wanted, environment);
    if (!found.ok()) FAIL(found.error().message);
    return *found;
}

// What is said; it never has a secret.
std::string problem(std::string_view wanted, const Environment& environment) {
    const auto found = read_relationship(wanted, environment);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().code == fluxgate::Errc::configuration);
    const std::string text = found.error().text();
    CHECK(text.find(token) == std::string::npos);
    CHECK(text.find(password) == std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
    return found.error().message;
}

bool contains(const std::string& text, const std::string& part) {
    UNSCOPED_INFO(text);
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the platform's base64 list gives address, organization and token") {
    const Relationship r = good("influxdb", platform("{\"database\":[{\"scheme\":\"mysql\"}],\"influxdb\":[" + endpoint() + "]}"));
    CHECK(r.name == "influxdb");
    CHECK(r.from == "PLATFORM_RELATIONSHIPS");
    CHECK_FALSE(r.https);
    CHECK(r.host == "influxdb.internal");
    CHECK(r.port == 8086);
    CHECK(r.path.empty());
    CHECK(r.organization == "main");
    CHECK(r.bucket == "data");
    CHECK(r.token == token);
    CHECK(secret_of(r) == "relationship.influxdb");
    const SourcePatch patch = patch_of(r);
    CHECK(patch.from == "the relationship \"influxdb\" (PLATFORM_RELATIONSHIPS)");
    CHECK(patch.type == "input/influxdbv2@v1");
    CHECK(patch.members == R"({"url":"http://influxdb.internal","port":8086,"organization":"main",)"
                           R"("authentication":{"type":"accessToken","accessToken":"relationship.influxdb"}})");
}

TEST_CASE("one variable a property gives the same, with the query as JSON or in single quotation marks") {
    const Relationship r = good("influxdb", properties);
    CHECK(r.from == "INFLUXDB_HOST and others");
    CHECK(patch_of(r).members == patch_of(good("influxdb", platform("{\"influxdb\":[" + endpoint() + "]}"))).members);
    CHECK(r.token == token);
    CHECK(good("influxdb", changed(properties, "INFLUXDB_QUERY", R"({"org":"o'x","api_token":"t"})")).organization == "o'x");
    CHECK(good("influxdb", changed(properties, "INFLUXDB_QUERY", R"({'org': 'o\'x"y', 'api_token': 't'})")).organization == "o'x\"y");
    Environment named;
    for (const auto& [name, value] : properties)
        named.emplace_back("TIME_SERIES_2" + name.substr(8), value);
    CHECK(good("time-series.2", named).host == "influxdb.internal");
    Environment old = changed(properties, "INFLUXDB_QUERY", "");
    old.emplace_back("INFLUXDB_ORG", "main");
    old.emplace_back("INFLUXDB_API_TOKEN", token);
    CHECK(good("influxdb", old).token == token);
}

TEST_CASE("https, a path, a port as text, an IPv6 host and the older place of the token are understood") {
    const std::string entry = R"({"scheme":"https","host":"fd00::5","port":"443","path":"some/path","org":"o","api_token":"t","query":{}})";
    const Relationship r = good("db", platform("{\"db\":[" + entry + "]}", "MY_RELATIONSHIPS"));
    CHECK(r.https);
    CHECK(patch_of(r).members.find(R"("url":"https://[fd00::5]/some/path","port":443,"organization":"o")") != std::string::npos);
}

TEST_CASE("a relationship that is not there is answered with those that are, and the nearest name") {
    CHECK(problem("influxdb", {}) ==
          "there is no relationship \"influxdb\" in the environment: no variable ends in _RELATIONSHIPS, and there is no variable INFLUXDB_HOST; "
          "give the application a relationship of this name, or run without --relationship");
    const std::string near = problem("influxd", platform("{\"influxdb\":[" + endpoint() + "],\"cache\":[]}"));
    CHECK(contains(near, "\"PLATFORM_RELATIONSHIPS\" has \"influxdb\", \"cache\" (is \"influxdb\" meant?)"));
    CHECK(contains(problem("x", platform("{}")), "\"PLATFORM_RELATIONSHIPS\" has none"));
}

TEST_CASE("a variable that cannot be read is named with its kind of fault and its size, not its content") {
    CHECK(contains(problem("influxdb", {{"PLATFORM_RELATIONSHIPS", "{\"" + token + "\":1}"}}), "PLATFORM_RELATIONSHIPS is not base64 ("));
    CHECK(contains(problem("influxdb", platform("[" + endpoint() + "]")), "is base64 of something else than a JSON object"));
    CHECK(contains(problem("influxdb", platform("{\"influxdb\":[" + endpoint())), "is base64 of something else than a JSON object"));
    CHECK(contains(problem("influxdb", platform("{\"influxdb\":" + endpoint() + "}")), "is no list of endpoints"));
    CHECK(contains(problem("influxdb", platform("{\"influxdb\":[]}")), "is no list of endpoints"));
    CHECK(contains(problem("influxdb", platform("{\"influxdb\":[\"x\"]}")), "is no list of endpoints"));
    CHECK(contains(problem("influxdb", changed(properties, "INFLUXDB_QUERY", "org=main&api_token=" + token)), "INFLUXDB_QUERY is no JSON object ("));
    // Somebody else's variable does not stand in the way.
    Environment others = platform("{\"influxdb\":[" + endpoint() + "]}");
    others.emplace_back("FAMILY_RELATIONSHIPS", "it's complicated");
    CHECK(good("influxdb", others).host == "influxdb.internal");
}

TEST_CASE("what is ambiguous is an error that says how to choose") {
    const std::string two = "{\"influxdb\":[" + endpoint("first.internal") + "," + endpoint("second.internal") + "]}";
    CHECK(contains(problem("influxdb", platform(two)), "has 2 endpoints; say which one: --relationship influxdb:0 is the first, first.internal"));
    CHECK(good("influxdb:0", platform(two)).host == "first.internal");
    CHECK(good("influxdb:1", platform(two)).host == "second.internal");
    CHECK(contains(problem("influxdb:2", platform(two)), "has 2 endpoints, counted from 0; there is no 2"));
    CHECK(contains(problem("influxdb:1", properties), "has one endpoint; write it without :INDEX"));

    Environment both = platform("{\"influxdb\":[" + endpoint("a.internal") + "]}");
    both.emplace_back("OTHER_RELATIONSHIPS", base64("{\"influxdb\":[" + endpoint("b.internal") + "]}"));
    CHECK(contains(problem("influxdb", both), "and they differ; leave one of them out, as in: env -u PLATFORM_RELATIONSHIPS fluxgate"));
    both.back().second = both[1].second;
    CHECK(good("influxdb", both).host == "a.internal");

    Environment forms = properties;
    forms.emplace_back("PLATFORM_RELATIONSHIPS", base64("{\"influxdb\":[" + endpoint() + "]}"));
    CHECK(good("influxdb", forms).from == "PLATFORM_RELATIONSHIPS");
    CHECK(contains(problem("influxdb", changed(forms, "INFLUXDB_HOST", "old.internal")), "but old.internal:8086 in INFLUXDB_HOST and others"));
}

TEST_CASE("a relationship of another kind of service, or one that lacks something, is refused for that") {
    const auto said = [](const std::string& entry) { return problem("db", platform("{\"db\":[" + entry + "]}")); };
    CHECK(contains(said(R"({"scheme":"mysql","host":"h","port":3306,"password":")" + password + "\"}"),
                   "has the scheme \"mysql\"; an InfluxDB v2 service has http or https"));
    CHECK(
        contains(said(R"({"scheme":"http","host":"h","port":8086,"query":{"org":"o"}})"), "has no query.api_token, so it is no InfluxDB v2 service"));
    CHECK(contains(said(R"({"scheme":"http","host":"h","port":8086,"query":{"api_token":")" + token + "\"}}"), "has no query.org"));
    CHECK(contains(said(R"({"scheme":"http","port":8086})"), "has no host"));
    CHECK(contains(said(R"({"scheme":"http","host":"h","port":70000})"), "has the port \"70000\"; a number from 1 to 65535 is needed"));
    CHECK(contains(said(R"({"scheme":"http","host":"h"})"), "has the port \"\""));
    for (const char* name : {"", ":", ":0", "a b", "a/b", "a:x", "a:", "a:-1", "a\nb"}) {
        INFO(name);
        CHECK(contains(problem(name, properties), "names no relationship; write NAME"));
    }
}

TEST_CASE("base64 is read as it is written, and refused when it is damaged") {
    CHECK(decode_base64("") == std::string{});
    CHECK(decode_base64("Zg==") == "f");
    CHECK(decode_base64("Zm8") == "fo");
    CHECK(decode_base64("Zm9v\nYmFy\r\n") == "foobar");
    for (const char* text : {"Z", "Zg=", "Zg===", "Zg==Zg==", "Zm9v=", "=", "Zh==", "Zm9-", "{}", "Zm9vY"}) {
        INFO(text);
        CHECK_FALSE(decode_base64(text));
    }
    std::mt19937 random{1};
    for (int i = 0; i < 300; ++i) {
        std::string bytes(random() % 40, '\0');
        for (char& c : bytes)
            c = static_cast<char>(random());
        CHECK(decode_base64(base64(bytes)) == bytes);
    }
}
