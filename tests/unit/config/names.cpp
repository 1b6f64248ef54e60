#include "config/names.hpp"

#include "support/catch.hpp"

#include <string>

using namespace fluxgate::config;

TEST_CASE("the nearest name is found within a third of the length, letters without case") {
    const std::vector<std::string_view> known{"url", "port", "interval", "organization", "partitionCount", "expression", "type"};
    CHECK(nearest_name("uri", known) == "url");
    CHECK(nearest_name("URL", known) == "url");
    CHECK(nearest_name("prot", known) == "port"); // swapped neighbours count once
    CHECK(nearest_name("intervall", known) == "interval");
    CHECK(nearest_name("organisation", known) == "organization");
    CHECK(nearest_name("partition_count", known) == "partitionCount");
    CHECK(nearest_name("expresion", known) == "expression");
    CHECK(nearest_name("typ", known) == "type");
    CHECK(nearest_name("bucket", known).empty());
    CHECK(nearest_name("ab", known).empty());
    CHECK(nearest_name("", known).empty());
    CHECK(nearest_name("x", {"y"}).empty());
    CHECK(nearest_name(std::string(65, 'a'), {"aaaa"}).empty());
    CHECK(nearest_name("a1", {"a2", "a3"}) == "a2");
}

TEST_CASE("a hint names the near one, else all, else nothing") {
    CHECK(name_hint("uri", {"url", "port"}, "known") == "; did you mean \"url\"?");
    CHECK(name_hint("bucket", {"url", "port"}, "known") == "; known: \"url\", \"port\"");
    CHECK(name_hint("bucket", {}, "known").empty());
    CHECK(quoted_list({"a", "b", "c"}, 2) == "\"a\", \"b\", ...");
}
