#include "sample_server/faults.hpp"
#include "support/catch.hpp"

using namespace fluxgate::sample;

TEST_CASE("faults are read with their values and the requests they apply to") {
    const auto busy = parse_fault("status=429,retry-after=2,requests=1-3");
    REQUIRE(busy.ok());
    CHECK(busy->kind == Fault::Kind::status);
    CHECK(busy->status == 429);
    CHECK(busy->retry_after == "2");
    CHECK(busy->applies(3));
    CHECK(!busy->applies(4));
    const auto dated = parse_fault("status=503,retry-after=Sat, 21 Nov 2026 11:26:43 GMT,requests=2");
    REQUIRE(dated.ok());
    CHECK(dated->retry_after == "Sat, 21 Nov 2026 11:26:43 GMT");
    CHECK(!dated->applies(1));
    CHECK(dated->applies(2));
    CHECK(!dated->applies(3));
    const auto slow = parse_fault("delay-rows=100:50ms,requests=2-");
    REQUIRE(slow.ok());
    CHECK(slow->count == 100);
    CHECK(slow->delay == std::chrono::milliseconds{50});
    CHECK(slow->applies(1'000'000));
    CHECK(parse_fault("delay-first-byte=3s")->delay == std::chrono::seconds{3});
    CHECK(parse_fault("cut-after=4096")->count == 4096);
    CHECK(parse_fault("queue-full").ok());
}

TEST_CASE("a fault that cannot be read is named with what is allowed") {
    CHECK(parse_fault("statu=5").error().message ==
          "fault \"statu=5\": statu is no fault; there are status, queue-full, delay-first-byte, delay-rows, "
          "cut-after, reset-after, error-table-after, gzip-no-trailer, garbage-after-gzip");
    for (const char* text : {"", "status", "status=200", "status=abc", "queue-full=1", "delay-rows=50ms", "delay-rows=0:1s", "delay-first-byte=3",
                             "cut-after=", "cut-after=1,requests=0", "cut-after=1,requests=3-2", "cut-after=1,retry-after=2", "status=503,other=1"}) {
        INFO(text);
        CHECK(!parse_fault(text).ok());
    }
}

TEST_CASE("of several faults of one kind the first that applies counts") {
    const std::vector<Fault> all{*parse_fault("status=503,requests=1"), *parse_fault("status=429,requests=1-2"),
                                 *parse_fault("queue-full,requests=3")};
    CHECK(FaultsOfRequest(all, 1).find(Fault::Kind::status)->status == 503);
    CHECK(FaultsOfRequest(all, 2).find(Fault::Kind::status)->status == 429);
    CHECK(FaultsOfRequest(all, 3).find(Fault::Kind::status) == nullptr);
    CHECK(FaultsOfRequest(all, 3).find(Fault::Kind::queue_full) != nullptr);
}
