#include "telemetry/redactor.hpp"

#include "support/catch.hpp"

using fluxgate::telemetry::Redactor;

TEST_CASE("every occurrence of a secret becomes stars, the longer of two that begin alike") {
    Redactor redactor;
    redactor.add("secret");
    redactor.add("secret-token");
    CHECK(redactor.apply("Token secret-token, secret; secret") == "Token ***, ***; ***");
    CHECK(redactor.apply("nothing here") == "nothing here");
    CHECK(redactor.apply("").empty());
}

TEST_CASE("values too short to be a secret leave text alone") {
    Redactor redactor;
    redactor.add("abcde");
    CHECK(redactor.apply("abcde") == "abcde");
}

TEST_CASE("the list is bounded and keeps the values that were used last") {
    Redactor redactor;
    redactor.add("first-secret");
    for (std::size_t i = 0; i + 1 < Redactor::max_values; ++i)
        redactor.add("secret-" + std::to_string(1000 + i));
    redactor.add("first-secret");
    redactor.add("one-more-secret");
    CHECK(redactor.apply("first-secret") == "***");
    CHECK(redactor.apply("one-more-secret") == "***");
    CHECK(redactor.apply("secret-1000") == "secret-1000");
}
