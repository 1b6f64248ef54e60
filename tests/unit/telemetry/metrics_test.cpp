#include "telemetry/metrics.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <limits>
#include <string>

using namespace fluxgate;
using fluxgate::telemetry::Metrics;

TEST_CASE("counters add, gauges set, histograms observe; the order of labels does not matter") {
    Metrics metrics;
    CHECK(metrics.add(FG_METRIC_COUNTER, "rows", {{"b", "2"}, {"a", "1"}}, 3));
    CHECK(metrics.add(FG_METRIC_COUNTER, "rows", {{"a", "1"}, {"b", "2"}}, 4));
    CHECK(metrics.add(FG_METRIC_GAUGE, "lag", {}, 3));
    CHECK(metrics.add(FG_METRIC_GAUGE, "lag", {}, 2));
    CHECK(metrics.add(FG_METRIC_HISTOGRAM, "seconds", {}, 0.5));
    CHECK(metrics.add(FG_METRIC_HISTOGRAM, "seconds", {}, 1.5));
    const auto all = metrics.snapshot();
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "lag");
    CHECK(all[0].value == 2);
    CHECK(all[1].name == "rows");
    CHECK(all[1].value == 7);
    CHECK(all[1].labels.front().first == "a");
    CHECK(all[2].value == 2);
    CHECK(all[2].count == 2);
}

TEST_CASE("buckets of a histogram are cumulative, an observation on a bound is in its bucket, and one above all is in the count only") {
    Metrics metrics;
    for (const double seconds : {0.0005, 0.001, 0.3, 7200.0})
        CHECK(metrics.add(FG_METRIC_HISTOGRAM, "query_seconds", {}, seconds));
    const auto all = metrics.snapshot();
    REQUIRE(all.size() == 1);
    CHECK(all[0].count == 4);
    const auto& buckets = all[0].buckets;
    REQUIRE(buckets.size() == fluxgate::telemetry::bounds_of("query_seconds").size());
    CHECK(buckets.front().upper == 0.001);
    CHECK(buckets.front().count == 2);
    CHECK(buckets.back().upper == 3600);
    CHECK(buckets.back().count == 3);
    for (std::size_t i = 1; i < buckets.size(); ++i) {
        CHECK(buckets[i].upper > buckets[i - 1].upper);
        CHECK(buckets[i].count >= buckets[i - 1].count);
    }
}

TEST_CASE("the bounds of a histogram follow from its unit") {
    for (const char* name : {"query_seconds", "body_bytes", "rows"}) {
        const auto bounds = fluxgate::telemetry::bounds_of(name);
        CHECK(std::is_sorted(bounds.begin(), bounds.end()));
    }
    CHECK(fluxgate::telemetry::bounds_of("body_bytes").front() == 256);
    CHECK(fluxgate::telemetry::bounds_of("rows").back() == 1e9);
}

TEST_CASE("what makes no sense is refused: other kind, negative counter, not a number, no name") {
    Metrics metrics;
    CHECK(metrics.add(FG_METRIC_COUNTER, "rows", {}, 1));
    CHECK_FALSE(metrics.add(FG_METRIC_GAUGE, "rows", {}, 1));
    CHECK_FALSE(metrics.add(FG_METRIC_COUNTER, "rows", {}, -1));
    CHECK_FALSE(metrics.add(FG_METRIC_GAUGE, "g", {}, std::numeric_limits<double>::quiet_NaN()));
    CHECK_FALSE(metrics.add(FG_METRIC_GAUGE, "", {}, 1));
    CHECK_FALSE(metrics.add(9, "x", {}, 1));
    CHECK(metrics.snapshot().size() == 1);
}

TEST_CASE("label sets are bounded, and nothing is lost from the sum") {
    Metrics metrics;
    const int total = static_cast<int>(Metrics::max_series) + 10;
    for (int i = 0; i < total; ++i)
        CHECK(metrics.add(FG_METRIC_COUNTER, "rows", {{"key", std::to_string(i)}}, 1));
    const auto all = metrics.snapshot();
    CHECK(all.size() == Metrics::max_series + 1);
    double sum = 0, overflow = 0;
    for (const MetricSample& sample : all) {
        sum += sample.value;
        if (sample.labels.front().first == "overflow") overflow = sample.value;
    }
    CHECK(sum == total);
    CHECK(overflow == 10);
}
