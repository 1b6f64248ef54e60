// What a pipeline shows of itself: the graph, what flows and waits, what went wrong.
#include "scripted.hpp"

#include "runtime/host_shared.hpp"
#include "runtime/recent.hpp"
#include "telemetry/redactor.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <cstdlib>

using namespace fluxgate;
using namespace fluxgate::test;

namespace {

const StageStatus& stage_of(const PipelineStatus& status, const std::string& id) {
    const auto at = std::find_if(status.stages.begin(), status.stages.end(), [&](const StageStatus& s) { return s.counters.stage == id; });
    REQUIRE(at != status.stages.end());
    return *at;
}

fg_dead_letter letter(const std::string& code, const std::string& raw) {
    return {stage::to_text(code), stage::to_text("why"), 2, 0, 0, stage::to_text(raw)};
}

} // namespace

TEST_CASE("the graph is shown as it stands in the document, with what each stage handed on") {
    Bench bench;
    TempDir dir;
    bench.script->partitions = 2;
    bench.script->plan = {{0, {"a", "drop", "twice"}}, {1, {"letter", "b"}}};
    auto engine = bench.engine("input>out1,p p>out2", std::make_unique<runtime::DeadLetterFile>(dir.path + "/letters"));
    CHECK(engine->status().state == PipelineState::created);
    CHECK(engine->status().started_wall_ns == 0);
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    const PipelineStatus s = engine->status();
    CHECK(s.state == PipelineState::finished);
    REQUIRE(s.outcome.has_value());
    CHECK(s.outcome->how == Ending::ended);
    CHECK(s.started_wall_ns > 0);
    REQUIRE(s.stages.size() == 4);
    CHECK(s.stages[0].kind == FG_KIND_SOURCE);
    CHECK(stage_of(s, "p").kind == FG_KIND_PROCESSOR);
    CHECK(stage_of(s, "out2").kind == FG_KIND_OUTPUT);
    std::vector<std::string> edges;
    for (const EdgeStatus& e : s.edges)
        edges.push_back(e.from + ">" + e.to + " " + std::to_string(e.messages));
    CHECK(edges == std::vector<std::string>{"input>out1 5", "input>p 5", "p>out2 4"});
    CHECK_FALSE(stage_of(s, "input").queued);
    CHECK(stage_of(s, "out1").queued);
    CHECK(stage_of(s, "p").queued);
    CHECK_FALSE(stage_of(s, "out2").queued); // it follows in the same branch
    REQUIRE(s.partitions.size() == 2);
    CHECK(s.partitions[0].delivered + s.partitions[1].delivered == 9);
    REQUIRE(s.examples.size() == 1);
    CHECK(s.examples[0].code == "unwanted");
    CHECK(s.examples[0].stage == "p");
    CHECK(s.examples[0].partition == 1);
    CHECK(s.examples[0].raw.find("letter") != std::string::npos);
}

TEST_CASE("what waits is shown by stage and by partition, and is gone when it was delivered") {
    Bench bench;
    bench.script->partitions = 2;
    bench.script->plan = {{1, {"a"}}, {1, {"b"}}, {1, {"c"}}};
    bench.script->endless = true;
    bench.script->blocked["out"] = true;
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->handed == 3; }));
    const auto begin = std::chrono::steady_clock::now();
    PipelineStatus s = engine->status();
    while (s.stages[1].queued_batches != 2 && std::chrono::steady_clock::now() - begin < std::chrono::seconds{10})
        s = engine->status(); // two wait, one is in hand
    CHECK(s.stages[1].queued_batches == 2);
    CHECK(s.stages[1].queued_bytes > 0);
    CHECK(s.partitions[0].queued_bytes == 0);
    CHECK(s.partitions[1].queued_batches == 2);
    CHECK(s.partitions[1].queued_bytes == s.stages[1].queued_bytes);
    CHECK(s.counters.queued_bytes == s.stages[1].queued_bytes);
    bench.script->set([&] { bench.script->blocked["out"] = false; });
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
    s = engine->status();
    CHECK(s.stages[1].queued_bytes == 0);
    CHECK(s.partitions[1].queued_batches == 0);
    CHECK(s.partitions[1].delivered == 3);
}

TEST_CASE("troubles are what stages and the host warned of, with the server's words apart, without secrets") {
    Bench bench;
    ::setenv("FLUXGATE_TEST_TOKEN", "hunter2-hunter2", 1);
    REQUIRE(bench.host->shared()->resolve_secret("FLUXGATE_TEST_TOKEN").ok());
    ::unsetenv("FLUXGATE_TEST_TOKEN");
    bench.script->plan = {{0, {"a"}}};
    bench.script->on_write = [](const stage::Host& host, std::uint64_t token) {
        host.log(FG_LOG_INFO, "fine", "nothing to look at", {});
        host.log(FG_LOG_WARNING, "slow", "token hunter2-hunter2 is slow", {{"server_said", "no hunter2-hunter2 here"}, {"other", "x"}});
        host.complete(token, FG_DELIVERED);
    };
    bench.script->errors.emplace("acknowledge", Error{Errc::io, "cannot keep it", "the disk says no"});
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::failed);
    const PipelineStatus s = engine->status();
    REQUIRE(s.troubles.size() == 2);
    CHECK(s.troubles[0].event == "slow");
    CHECK(s.troubles[0].stage == "out");
    CHECK(s.troubles[0].level == LogLevel::warning);
    CHECK(s.troubles[0].message == "token *** is slow");
    CHECK(s.troubles[0].server_said == "no *** here");
    CHECK(s.troubles[1].event == "pipeline.failed");
    CHECK(s.troubles[1].level == LogLevel::error);
    CHECK(s.troubles[1].server_said == "the disk says no");
}

TEST_CASE("what is remembered is bounded in number and in size") {
    runtime::Recent recent;
    telemetry::Redactor redactor;
    redactor.add("hunter2-hunter2");
    for (int i = 0; i < 100; ++i)
        recent.add({i, LogLevel::error, "s", "e", std::string(100'000, 'x'), std::string(100'000, 'y')});
    for (int i = 0; i < 100; ++i) {
        const std::string code = "reason-" + std::to_string(i), text = std::to_string(i);
        recent.add(i, "s", letter(code, text), redactor);
    }
    for (int i = 0; i < 10; ++i)
        recent.add(1000 + i, "s", letter("reason-0", "again " + std::to_string(i)), redactor);
    PipelineStatus out;
    recent.copy_to(out);
    REQUIRE(out.troubles.size() == runtime::Recent::max_troubles);
    CHECK(out.troubles.back().wall_ns == 99);
    CHECK(out.troubles.back().message.size() == runtime::Recent::max_text);
    CHECK(out.examples.size() == runtime::Recent::max_reasons - 1 + runtime::Recent::max_of_a_reason);
    const auto first = std::find_if(out.examples.begin(), out.examples.end(), [](const LetterExample& e) { return e.code == "reason-0"; });
    REQUIRE(first != out.examples.end());
    CHECK(first->raw == "again 7"); // the last three
    CHECK((first + 2)->raw == "again 9");
    CHECK_FALSE(first->cut);
}

TEST_CASE("an example is cut between characters, made UTF-8, and holds no secret, not even at the cut") {
    telemetry::Redactor redactor;
    redactor.add("hunter2-hunter2");
    const auto example_of = [&redactor](const std::string& raw) {
        runtime::Recent recent;
        recent.add(1, "s", letter("c", raw), redactor);
        PipelineStatus out;
        recent.copy_to(out);
        return out.examples.at(0);
    };
    const LetterExample wide = example_of(std::string(399, 'x') + "\xc3\xa9 and more");
    CHECK(wide.raw == std::string(399, 'x'));
    CHECK(wide.cut);
    CHECK(example_of("a\xff").raw == "a\xef\xbf\xbd");
    const LetterExample secret = example_of(std::string(390, 'x') + "hunter2-hunter2");
    CHECK(secret.raw == std::string(390, 'x') + "***");
}
