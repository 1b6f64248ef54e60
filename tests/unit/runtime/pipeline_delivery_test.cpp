#include "scripted.hpp"

#include "support/catch.hpp"

#include <cstdlib>
#include <random>

using namespace fluxgate;
using namespace fluxgate::test;

namespace {

const StageCounters& counters_of(const PipelineCounters& all, const std::string& stage) {
    for (const StageCounters& one : all.stages)
        if (one.stage == stage) return one;
    throw std::runtime_error("no stage " + stage);
}

} // namespace

TEST_CASE("every message reaches the output in order within its partition, and every batch is acknowledged once") {
    const char* given = std::getenv("FLUXGATE_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    Bench bench;
    bench.script->partitions = 7;
    std::map<std::uint32_t, std::vector<std::string>> expected;
    std::uint64_t total = 0;
    for (int i = 0; i < 400; ++i) {
        Planned planned{static_cast<std::uint32_t>(random() % 7), {}};
        for (unsigned k = 0; k <= random() % 5; ++k)
            planned.messages.push_back(numbered("m", total++));
        auto& all = expected[planned.partition];
        all.insert(all.end(), planned.messages.begin(), planned.messages.end());
        bench.script->plan.push_back(std::move(planned));
    }
    auto engine = bench.engine("input>a a>out", nullptr, 64, 256);
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    CHECK(bench.script->written["out"] == expected);
    CHECK(bench.script->acks.size() == 400);
    CHECK(bench.script->double_acks == 0);
    for (const auto& [sequence, outcome] : bench.script->acks)
        CHECK(outcome == FG_DELIVERED);
    CHECK(bench.script->stopped);

    const PipelineCounters counters = engine->counters();
    CHECK(counters.batches == 400);
    CHECK(counters.messages == total);
    CHECK(counters.batches_delivered == 400);
    CHECK(counters.queued_bytes == 0);
    std::uint64_t delivered = 0;
    for (std::uint32_t p = 0; p < 7; ++p) {
        CHECK(counters.delivered[p] == expected[p].size());
        delivered += counters.delivered[p];
    }
    CHECK(delivered == total);
    engine.reset();
    CHECK(live_batches() == 0);
}

TEST_CASE("the equations hold: in + made = out + dropped + dead letters, and an output's in = out") {
    Bench bench;
    TempDir dir;
    bench.script->plan = {{0, {"a", "drop", "letter", "twice", "b"}}, {0, {"drop", "drop"}}, {0, {"letter"}}, {0, {"twice", "c"}}};
    auto engine = bench.engine("input>p p>out", std::make_unique<runtime::DeadLetterFile>(dir.path + "/letters"));
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    const PipelineCounters all = engine->counters();
    const StageCounters& p = counters_of(all, "p");
    CHECK(p.in == 10);
    CHECK(p.out == 7);
    CHECK(p.dead_letters == 2);
    CHECK(p.in + p.made == p.out + p.dropped + p.dead_letters);
    const StageCounters& out = counters_of(all, "out");
    CHECK(out.in == 7);
    CHECK(out.out == 7);
    CHECK(all.dead_letters == 2);
    CHECK(all.dead_letters_by_reason.at("unwanted") == 2);
    CHECK(bench.script->acks.size() == 4);
    CHECK(lines_of(dir.path + "/letters").size() == 2);
}

TEST_CASE("a batch of which nothing is left is delivered without the output") {
    Bench bench;
    bench.script->plan = {{0, {"drop"}}};
    auto engine = bench.engine("input>p p>out");
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    CHECK(bench.script->acked(1, FG_DELIVERED));
    CHECK(bench.script->written.empty());
}

TEST_CASE("fan-out: each branch gets everything, and the slowest holds the acknowledgement") {
    Bench bench;
    bench.script->plan = {{0, {"a"}}, {0, {"b"}}};
    bench.script->endless = true;
    bench.script->holds["out2"] = true;
    auto engine = bench.engine("input>out1,p p>out2");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->held.size() == 2 && bench.script->written["out1"][0].size() == 2; }));
    bench.script->set([&] { CHECK(bench.script->acks.empty()); });
    bench.script->release_held("out2/0", FG_DELIVERED);
    CHECK(bench.script->until([&] { return bench.script->acked(1, FG_DELIVERED) && bench.script->acked(2, FG_DELIVERED); }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
    CHECK(engine->outcome()->how == Ending::stopped);
    CHECK(bench.script->written["out1"][0] == std::vector<std::string>{"a", "b"});
    CHECK(bench.script->written["out2"][0] == std::vector<std::string>{"a", "b"});
    CHECK(bench.script->double_acks == 0);
}

TEST_CASE("branches that split and meet again deliver each message once a path") {
    Bench bench;
    bench.script->partitions = 3;
    for (std::uint32_t i = 0; i < 60; ++i)
        bench.script->plan.push_back({i % 3, {numbered("a", i), numbered("b", i)}});
    auto engine = bench.engine("input>a a>b,c b>d c>d d>out", nullptr, 20, 40);
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    CHECK(bench.script->acks.size() == 60);
    std::size_t total = 0;
    for (const auto& [partition, messages] : bench.script->written["out"])
        total += messages.size();
    CHECK(total == 240);
}

TEST_CASE("abandoned by one output is abandoned for the source, whatever the others say") {
    Bench bench;
    bench.script->plan = {{0, {"a"}}};
    bench.script->endless = true;
    bench.script->holds["out2"] = true;
    auto engine = bench.engine("input>out1,out2");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->held.size() == 1; }));
    bench.script->release_held("out2/0", FG_ABANDONED);
    CHECK(bench.script->until([&] { return bench.script->acked(1, FG_ABANDONED); }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
    const PipelineCounters all = engine->counters();
    CHECK(counters_of(all, "out2").abandoned == 1);
    CHECK(counters_of(all, "out1").out == 1);
    CHECK(all.batches_abandoned == 1);
}

TEST_CASE("at the source's end outputs are flushed and held batches delivered") {
    Bench bench;
    bench.script->partitions = 2;
    bench.script->plan = {{0, {"a"}}, {1, {"b"}}};
    bench.script->holds["out"] = true;
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    CHECK(bench.script->acked(1, FG_DELIVERED));
    CHECK(bench.script->acked(2, FG_DELIVERED));
}

TEST_CASE("an output is polled while it has something outstanding although no data comes") {
    Bench bench;
    bench.script->plan = {{0, {"a"}}};
    bench.script->endless = true;
    bench.script->holds["out"] = true;
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    CHECK(bench.script->until([&] { return bench.script->polls["out"] >= 3; }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
}

TEST_CASE("a change of state is told, and the outcome is there when the end is") {
    Bench bench;
    bench.script->plan = {{0, {"a"}}};
    PipelineOptions options;
    options.id = "bench";
    std::mutex mutex;
    std::vector<PipelineState> seen;
    std::weak_ptr<runtime::Engine> engine_then;
    options.on_change = [&] {
        if (const auto engine = engine_then.lock()) {
            const std::scoped_lock lock{mutex};
            seen.push_back(engine->state());
        }
    };
    auto made = runtime::Engine::create(bench.host->shared(), bench.graph("input>out"), options);
    REQUIRE(made.ok());
    engine_then = *made;
    REQUIRE((*made)->start().ok());
    CHECK(end_of(**made).how == Ending::ended);
    REQUIRE(seen.size() >= 2);
    CHECK(seen.back() == PipelineState::finished);
}
