// From one document to the next: what stays, what is replaced, and that nothing is lost or doubled on the way.
#include "scripted.hpp"

#include "support/catch.hpp"

#include <cstdlib>
#include <random>
#include <thread>

using namespace fluxgate;
using namespace fluxgate::test;
using namespace std::chrono_literals;

namespace {

// A source that is asked for more whenever `give` says so.
struct Running {
    explicit Running(const std::string& graph, std::uint32_t partitions = 1) {
        bench.script->partitions = partitions;
        bench.script->endless = true;
        engine = bench.engine(graph);
        REQUIRE(engine->start().ok());
    }
    void give(const std::string& message, std::uint32_t partition = 0) {
        bench.script->set([&] { bench.script->plan.push_back({partition, {message}}); });
    }
    [[nodiscard]] bool written(const std::string& stage, std::size_t count, std::uint32_t partition = 0) {
        return bench.script->until([&] { return bench.script->written[stage][partition].size() >= count; });
    }
    Result<ReloadReport> reload(const std::string& graph, std::chrono::nanoseconds timeout = 10s) {
        return engine->reload(bench.graph(graph), timeout);
    }
    [[nodiscard]] std::size_t count(const std::string& life) {
        const std::scoped_lock lock{bench.script->mutex};
        return bench.script->count_of(life);
    }
    // Stops, and checks that every batch that was given was acknowledged once, as delivered.
    void end() {
        REQUIRE(engine->stop(10s).ok());
        CHECK(bench.script->double_acks == 0);
        CHECK(bench.script->acks.size() == bench.script->handed);
        for (const auto& [sequence, outcome] : bench.script->acks)
            CHECK(outcome == FG_DELIVERED);
        engine.reset();
        CHECK(live_batches() == 0);
    }

    Bench bench;
    std::shared_ptr<runtime::Engine> engine;
};

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("a changed output is replaced, the source and the stages beside it live on untouched") {
    Running running{"input>a,out2 a>out1"};
    running.give("m1");
    REQUIRE(running.written("out1", 1));
    REQUIRE(running.written("out2", 1));
    const auto report = running.reload("input>a,out2 a>out1 out1=2");
    REQUIRE(report.ok());
    CHECK(report->kept == Words{"input", "a", "out2"});
    CHECK(report->replaced == Words{"out1"});
    CHECK(report->added.empty());
    CHECK(report->removed.empty());
    CHECK(running.count("-out1/0") == 1);
    running.give("m2");
    REQUIRE(running.written("out1", 2));
    REQUIRE(running.written("out2", 2));
    CHECK(running.count("+out1/0") == 2);
    for (const char* stays : {"input", "a/0", "out2/0"}) {
        INFO(stays);
        CHECK(running.count(std::string{"+"} + stays) == 1);
        CHECK(running.count(std::string{"-"} + stays) == 0);
    }
    CHECK_FALSE(running.bench.script->stopped);
    running.end();
}

TEST_CASE("a changed processor is replaced in the middle of its branch, its output stays") {
    Running running{"input>a a>b b>out1", 2};
    running.give("m1", 0);
    running.give("m1", 1);
    REQUIRE(running.written("out1", 1, 0));
    REQUIRE(running.written("out1", 1, 1));
    REQUIRE(running.reload("input>a a=2>b b>out1").ok());
    running.give("m2", 0);
    running.give("m2", 1);
    REQUIRE(running.written("out1", 2, 0));
    REQUIRE(running.written("out1", 2, 1));
    for (const char* p : {"/0", "/1"}) {
        CHECK(running.count(std::string{"+a"} + p) == 2);
        CHECK(running.count(std::string{"-a"} + p) == 1);
        CHECK(running.count(std::string{"+b"} + p) == 1);
        CHECK(running.count(std::string{"+out1"} + p) == 1);
    }
    // The output that stayed is still polled in its new lane.
    const auto polls = [&] { return running.bench.script->polls["out1"]; };
    std::size_t before = 0;
    running.bench.script->set([&] { before = polls(); });
    CHECK(running.bench.script->until([&] { return polls() > before; }));
    running.end();
}

TEST_CASE("what an output that goes had taken is flushed and acknowledged before it is released") {
    Running running{"input>out1,out2"};
    running.bench.script->set([&] { running.bench.script->holds["out1"] = true; });
    running.give("m1");
    REQUIRE(running.written("out1", 1));
    std::size_t acks_at_release = 99;
    REQUIRE(running.reload("input>out2").ok());
    running.bench.script->set([&] { acks_at_release = running.bench.script->acks.size(); });
    CHECK(acks_at_release == 1); // out1 held the batch; only its flush could complete it
    CHECK(running.count("-out1/0") == 1);
    running.give("m2");
    REQUIRE(running.written("out2", 2));
    CHECK(running.bench.script->written["out1"][0] == Words{"m1"});
    running.end();
}

TEST_CASE("an output that cannot deliver what it has refuses its replacement, and the old document goes on") {
    Running running{"input>out1,out2"};
    running.bench.script->set([&] { running.bench.script->blocked["out1"] = true; });
    running.give("m1");
    REQUIRE(running.written("out2", 1));
    const auto report = running.reload("input>out1,out2 out1=2", 200ms);
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().code == Errc::timeout);
    CHECK(report.error().message.find("\"out1\" has 1 batches before it") != std::string::npos);
    CHECK(running.count("-out1/0") == 0);
    // An unchanged stage that is blocked is no reason to wait: it goes on being blocked.
    REQUIRE(running.reload("input>out1,out2 out2=2").ok());
    running.bench.script->set([&] { running.bench.script->blocked["out1"] = false; });
    running.give("m2");
    REQUIRE(running.written("out1", 2));
    REQUIRE(running.written("out2", 2));
    CHECK(running.bench.script->written["out1"][0] == Words{"m1", "m2"});
    running.end();
}

TEST_CASE("another source is made after everything of the old one is acknowledged and the old one is stopped") {
    Running running{"input>a a>out1"};
    running.bench.script->set([&] { running.bench.script->holds["out1"] = true; });
    running.give("m1");
    REQUIRE(running.written("out1", 1));
    const auto report = running.reload("input=2>a a>out1");
    REQUIRE(report.ok());
    CHECK(report->replaced == Words{"input"});
    CHECK(report->kept == Words{"a", "out1"});
    {
        const std::scoped_lock lock{running.bench.script->mutex};
        CHECK(running.bench.script->stopped);
        CHECK_FALSE(running.bench.script->cancelled);
        CHECK(running.bench.script->acked(1, FG_DELIVERED));
        running.bench.script->holds["out1"] = false;
    }
    running.give("m2");
    REQUIRE(running.written("out1", 2));
    CHECK(running.count("+out1/0") == 1);
    CHECK(running.count("+a/0") == 1);
    running.end();
    // The first one, the one that was asked for its plan, and the one that runs now.
    CHECK(running.count("+input") == 3);
    CHECK(running.count("-input") == 3);
}

TEST_CASE("a source that may not go on is refused with its words, and the old one is not disturbed") {
    Running running{"input>out1"};
    running.give("m1");
    REQUIRE(running.written("out1", 1));
    running.bench.script->set([&] { running.bench.script->errors["plan"] = Error{Errc::state, "the cursor is of another query"}; });
    const auto report = running.reload("input=2>out1");
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().code == Errc::state);
    CHECK(report.error().message == "the cursor is of another query");
    CHECK(running.count("+input") == running.count("-input") + 1);
    running.give("m2");
    REQUIRE(running.written("out1", 2));
    running.end();
}

TEST_CASE("another number of partitions replaces every stage") {
    Running running{"input>a a>out1", 1};
    running.give("m1");
    REQUIRE(running.written("out1", 1));
    running.bench.script->set([&] { running.bench.script->partitions = 3; });
    const auto report = running.reload("input=2>a a>out1");
    REQUIRE(report.ok());
    CHECK(report->replaced == Words{"input", "a", "out1"});
    CHECK(running.engine->partition_count() == 3);
    running.give("m2", 2);
    REQUIRE(running.written("out1", 1, 2));
    CHECK(running.count("-out1/0") == 1);
    REQUIRE(running.bench.script->until([&] { return running.bench.script->acks.size() == 2; }));
    CHECK(running.engine->counters().delivered == std::vector<std::uint64_t>{1, 0, 1});
    running.end();
}

TEST_CASE("stages come and go, counters of those that stay go on, and health of those that went is forgotten") {
    Running running{"input>out1"};
    running.give("m1");
    REQUIRE(running.written("out1", 1));
    const auto report = running.reload("input>out1,b b>out2");
    REQUIRE(report.ok());
    CHECK(report->added == Words{"b", "out2"});
    running.give("m2");
    REQUIRE(running.written("out2", 1));
    REQUIRE(running.written("out1", 2));
    REQUIRE(running.reload("input>b b>out2").ok());
    running.give("m3");
    REQUIRE(running.written("out2", 2));
    CHECK(running.bench.script->until([&] { return running.bench.script->acks.size() == 3; }));
    const PipelineCounters counters = running.engine->counters();
    REQUIRE(counters.stages.size() == 3);
    CHECK(counters.stages[0].stage == "input");
    CHECK(counters.stages[0].out == 3);
    CHECK(counters.stages[2].stage == "out2");
    CHECK(counters.stages[2].out == 2);
    CHECK(running.engine->health().size() == 3);
    running.end();
}

TEST_CASE("a reload is refused when it cannot be: not started, ending, disabled, unknown type") {
    Bench bench;
    bench.script->endless = true;
    auto engine = bench.engine("input>out1");
    const auto early = engine->reload(bench.graph("input>out2"), 1s);
    REQUIRE_FALSE(early.ok());
    CHECK(early.error().code == Errc::cancelled);
    REQUIRE(engine->start().ok());
    config::PipelineDocument document = bench.graph("input>out2");
    document.enabled = false;
    CHECK(engine->reload(document, 1s).error().code == Errc::configuration);
    document = bench.graph("input>out2");
    document.stages[0].type = "output/unknown@v1";
    CHECK(engine->reload(document, 1s).error().code == Errc::unknown_stage);
    REQUIRE(engine->stop(5s).ok());
    CHECK(engine->reload(bench.graph("input>out2"), 1s).error().code == Errc::cancelled);
}

TEST_CASE("a stop ends a reload that waits, and everything is still acknowledged") {
    Running running{"input>out1"};
    running.bench.script->set([&] { running.bench.script->blocked["out1"] = true; });
    running.give("m1");
    REQUIRE(running.bench.script->until([&] { return running.bench.script->handed == 1; }));
    Result<ReloadReport> report{Error{}};
    std::thread caller{[&] { report = running.reload("input>out2", 1h); }};
    running.engine->request_stop();
    caller.join();
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().code == Errc::cancelled);
    running.bench.script->set([&] { running.bench.script->blocked["out1"] = false; });
    running.end();
}

TEST_CASE("under load and many random reloads no batch is lost, doubled or out of order") {
    const char* given = std::getenv("FLUXGATE_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    constexpr std::uint32_t partitions = 5;
    Bench bench;
    bench.script->partitions = partitions;
    bench.script->endless = true;
    bench.script->holds["out2"] = true; // completes with flushes only, as files do
    auto engine = bench.engine("input>a a>out1", nullptr, 200, 1000);
    REQUIRE(engine->start().ok());

    // out1 gets every message in every one of these.
    const std::vector<std::string> graphs{"input>a a>out1",      "input>a a=2>out1",     "input>a a>out1 out1=2", "input>out1",
                                          "input>a a>out1,out2", "input>out1,b b>out2",  "input=2>a a>b b>out1",  "input>a a>b b=3>out1,out2 out2=2",
                                          "input>a,out2 a>out1", "input=3>a,out2 a>out1"};
    std::map<std::uint32_t, std::vector<std::string>> expected;
    std::uint64_t number = 0;
    std::size_t taken = 0;
    for (int round = 0; round < 60; ++round) {
        bench.script->set([&] {
            for (int i = 0; i < 40; ++i) {
                const auto p = static_cast<std::uint32_t>(random() % partitions);
                bench.script->plan.push_back({p, {numbered("m", number++)}});
                expected[p].push_back(bench.script->plan.back().messages.front());
            }
        });
        config::PipelineDocument document = bench.graph(graphs[random() % graphs.size()]);
        document.queue_max_bytes = 100 + random() % 400;
        document.queue_total_bytes = 1000;
        const auto report = engine->reload(std::move(document), 10s);
        INFO((report.ok() ? "" : report.error().text()));
        REQUIRE(report.ok());
        ++taken;
    }
    CHECK(taken == 60);
    REQUIRE(bench.script->until([&] { return bench.script->handed == bench.script->plan.size(); }));
    REQUIRE(engine->stop(10s).ok());
    CHECK(bench.script->written["out1"] == expected);
    CHECK(bench.script->acks.size() == number);
    CHECK(bench.script->double_acks == 0);
    for (const auto& [sequence, outcome] : bench.script->acks)
        if (outcome != FG_DELIVERED) FAIL_CHECK("batch " << sequence << " was abandoned");
    const PipelineCounters counters = engine->counters();
    CHECK(counters.batches_delivered == number);
    CHECK(counters.queued_bytes == 0);
    engine.reset();
    CHECK(live_batches() == 0);
    std::map<std::string, int> balance;
    for (const std::string& life : bench.script->lives)
        balance[life.substr(1)] += life.front() == '+' ? 1 : -1;
    for (const auto& [name, left] : balance)
        if (left != 0) FAIL_CHECK(name << " has " << left << " instances too many");
}

TEST_CASE("a stage that does not return is told of after the limit, one that waits by design is not") {
    std::atomic<std::int64_t> now{1'000'000'000'000};
    Bench bench;
    HostOptions options;
    options.monotonic_ns = [&] { return now.load(); };
    Host host{std::move(options)};
    for (const fg_stage_type* type : Bench::types())
        REQUIRE(host.register_type(type).ok());
    bench.script->endless = true;
    PipelineOptions settings;
    settings.id = "bench";
    auto made = runtime::Engine::create(host.shared(), bench.graph("input>out1"), settings);
    REQUIRE(made.ok());
    runtime::Engine& engine = **made;
    CHECK_FALSE(engine.stalled(60s));
    REQUIRE(engine.start().ok());
    bench.script->set([&] { bench.script->stuck = true; });
    std::size_t calls = 0;
    bench.script->set([&] { calls = bench.script->calls_of_next; });
    REQUIRE(bench.script->until([&] { return bench.script->calls_of_next > calls; })); // this call is stuck
    CHECK_FALSE(engine.stalled(60s));
    now += 61'000'000'000;
    const auto stuck = engine.stalled(60s);
    REQUIRE(stuck);
    CHECK(*stuck == "the stage \"input\" has not returned from next for 61 s");
    bench.script->set([&] { bench.script->stuck = false; });
    REQUIRE(bench.script->until([&] { return bench.script->calls_of_next > calls + 2; }));
    // The source goes on; time that passes between its calls is nobody's fault.
    CHECK_FALSE(engine.stalled(60s));
    REQUIRE(engine.stop(5s).ok());
    now += 61'000'000'000;
    CHECK_FALSE(engine.stalled(60s));
}
