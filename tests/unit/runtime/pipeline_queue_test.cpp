#include "scripted.hpp"

#include "support/catch.hpp"

using namespace fluxgate;
using namespace fluxgate::test;

namespace {
// "xxxxxxxxx\n" and one span.
const std::string nine(9, 'x');
const std::uint64_t weight = 10 + sizeof(fg_span);
} // namespace

TEST_CASE("the source is not called while a partition's queue is full, and is called again when it has room") {
    Bench bench;
    bench.script->partitions = 2;
    bench.script->endless = true;
    bench.script->blocked["out"] = true;
    for (int i = 0; i < 50; ++i)
        bench.script->plan.push_back({0, {nine}});
    auto engine = bench.engine("input>out", nullptr, 3 * weight, 1000 * weight);
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->handed == 3 && bench.script->polls["out"] >= 3; }));
    std::size_t calls = 0;
    bench.script->set([&] {
        CHECK(bench.script->handed == 3);
        calls = bench.script->calls_of_next;
    });
    // The output is asked and asked again; all that while the source rests.
    REQUIRE(bench.script->until([&] { return bench.script->polls["out"] >= 6; }));
    bench.script->set([&] { CHECK(bench.script->calls_of_next == calls); });
    CHECK(engine->counters().queued_bytes == 3 * weight);
    bench.script->set([&] { bench.script->blocked["out"] = false; });
    CHECK(bench.script->until([&] { return bench.script->acks.size() == 50; }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
    CHECK(engine->counters().max_queue_bytes <= 3 * weight);
}

TEST_CASE("a queue that is just below its bound takes one batch more, and no other") {
    Bench bench;
    bench.script->endless = true;
    bench.script->blocked["out"] = true;
    for (int i = 0; i < 10; ++i)
        bench.script->plan.push_back({0, {nine}});
    auto engine = bench.engine("input>out", nullptr, 2 * weight + 1, 1000 * weight);
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->handed == 3 && bench.script->polls["out"] >= 3; }));
    bench.script->set([&] { CHECK(bench.script->handed == 3); });
    CHECK(engine->counters().max_queue_bytes == 3 * weight);
    bench.script->set([&] { bench.script->blocked["out"] = false; });
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
    CHECK(bench.script->acks.size() == 3);
}

TEST_CASE("the bound of a whole branch holds over all partitions together") {
    Bench bench;
    bench.script->partitions = 10;
    bench.script->endless = true;
    bench.script->blocked["out"] = true;
    for (std::uint32_t i = 0; i < 10; ++i)
        bench.script->plan.push_back({i, {nine}});
    auto engine = bench.engine("input>out", nullptr, 100 * weight, 4 * weight);
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->handed == 4 && bench.script->polls["out"] >= 12; }));
    bench.script->set([&] { CHECK(bench.script->handed == 4); });
    CHECK(engine->counters().queued_bytes == 4 * weight);
    bench.script->set([&] { bench.script->blocked["out"] = false; });
    CHECK(bench.script->until([&] { return bench.script->acks.size() == 10; }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
}

TEST_CASE("one slow branch holds the source back, and the other branch keeps only what it got") {
    Bench bench;
    bench.script->endless = true;
    bench.script->blocked["out2"] = true;
    for (int i = 0; i < 20; ++i)
        bench.script->plan.push_back({0, {nine}});
    auto engine = bench.engine("input>out1,out2", nullptr, 2 * weight, 100 * weight);
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->written["out1"][0].size() == 2 && bench.script->polls["out2"] >= 4; }));
    bench.script->set([&] {
        CHECK(bench.script->handed == 2);
        CHECK(bench.script->acks.empty());
        bench.script->blocked["out2"] = false;
    });
    CHECK(bench.script->until([&] { return bench.script->acks.size() == 20; }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
}

TEST_CASE("a full queue behind a fan-out holds its lane back, bounded at every place") {
    Bench bench;
    bench.script->endless = true;
    bench.script->blocked["out2"] = true;
    for (int i = 0; i < 40; ++i)
        bench.script->plan.push_back({0, {nine}});
    auto engine = bench.engine("input>a a>out1,out2", nullptr, 2 * weight, 100 * weight);
    REQUIRE(engine->start().ok());
    // Two in front of out2, one in the hand of a's lane and one behind it: that lane is then at its bound of two.
    REQUIRE(bench.script->until([&] { return bench.script->handed == 4 && bench.script->polls["out2"] >= 4; }));
    bench.script->set([&] {
        CHECK(bench.script->handed == 4);
        bench.script->blocked["out2"] = false;
    });
    CHECK(bench.script->until([&] { return bench.script->acks.size() == 40; }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
    CHECK(bench.script->written["out1"][0].size() == 40);
    CHECK(bench.script->written["out2"][0].size() == 40);
    // Waiting for room is no reason to read a batch again.
    for (const auto& [sequence, outcome] : bench.script->acks)
        if (outcome != FG_DELIVERED) FAIL_CHECK("batch " << sequence << " was abandoned");
}
