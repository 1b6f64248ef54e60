#include "prepared.hpp"
#include "support/catch.hpp"

#include <string>

using namespace fluxgate;
using influxdb::Settings;

namespace {

Settings with(const std::string& expression, influxdb::Strategy strategy = influxdb::Strategy::key, std::uint32_t count = 4) {
    Settings settings;
    settings.partition_expression = expression;
    settings.strategy = strategy;
    settings.partition_count = count;
    return settings;
}

std::unique_ptr<partition::Partitioner> prepared(const Settings& settings) {
    auto made = influxdb::prepared_partitioner(settings);
    REQUIRE(made.ok());
    return std::move(made).value();
}

} // namespace

TEST_CASE("what validation compiled is what the source gets, once, and only for the same expression, strategy and count") {
    auto compiled = prepared(with(".payload.a"));
    const partition::Partitioner* const first = compiled.get();
    influxdb::keep_prepared(with(".payload.a"), std::move(compiled));
    const auto other_count = prepared(with(".payload.a", influxdb::Strategy::key, 5));
    const auto other_strategy = prepared(with(".payload.a", influxdb::Strategy::id));
    const auto other_expression = prepared(with(".payload.b"));
    CHECK(other_count.get() != first);
    CHECK(other_strategy.get() != first);
    CHECK(other_expression.get() != first);
    const auto same = prepared(with(".payload.a"));
    CHECK(same.get() == first);
    const auto again = prepared(with(".payload.a"));
    CHECK(again.get() != first);
}

TEST_CASE("an expression that does not compile is an error in jq's own words, and nothing is kept of it") {
    const auto made = influxdb::prepared_partitioner(with(".payload.["));
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().message.find("syntax error") != std::string::npos);
}
