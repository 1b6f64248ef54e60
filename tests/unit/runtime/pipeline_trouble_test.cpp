#include "scripted.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <cerrno>

using namespace fluxgate;
using namespace fluxgate::test;

namespace {

void plan(Script& script, int batches) {
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(batches); ++i)
        script.plan.push_back({i % script.partitions, {numbered("m", i)}});
}

// Every batch that was handed out was acknowledged exactly once.
void check_acks(Script& script) {
    script.set([&] {
        CHECK(script.acks.size() == script.handed);
        CHECK(script.double_acks == 0);
    });
}

class BrokenLetters final : public runtime::DeadLetterFile {
public:
    BrokenLetters(std::string path, bool write, bool sync) : DeadLetterFile(std::move(path)), write_(write), sync_(sync) {}

protected:
    int write_all(int fd, std::string_view bytes) override { return write_ ? ENOSPC : DeadLetterFile::write_all(fd, bytes); }
    int sync_data(int fd) override { return sync_ ? EIO : DeadLetterFile::sync_data(fd); }

private:
    bool write_, sync_;
};

// Notes what was durable when.
class WatchedLetters final : public runtime::DeadLetterFile {
public:
    explicit WatchedLetters(std::string path) : DeadLetterFile(std::move(path)) {}
    std::atomic<int> lines{0}, durable{0};

protected:
    int write_all(int fd, std::string_view bytes) override {
        ++lines;
        return DeadLetterFile::write_all(fd, bytes);
    }
    int sync_data(int fd) override {
        durable = lines.load();
        return DeadLetterFile::sync_data(fd);
    }
};

} // namespace

TEST_CASE("an exception in any entry ends the pipeline as failed, names the stage, and abandons what was not delivered") {
    const std::vector<std::pair<std::string, std::string>> cases{{"next", "input"}, {"acknowledge", "input"},  {"process", "p"},
                                                                 {"write", "out"},  {"poll", "out"},           {"flush", "out"},
                                                                 {"stop", "input"}, {"create:processor", "p"}, {"create:output", "out"}};
    for (const auto& [entry, stage] : cases) {
        INFO(entry);
        Bench bench;
        bench.script->partitions = 3;
        bench.script->throws_in = entry;
        plan(*bench.script, 30);
        auto engine = bench.engine("input>p p>out");
        REQUIRE(engine->start().ok());
        const Outcome outcome = end_of(*engine);
        CHECK(outcome.how == Ending::failed);
        CHECK(outcome.stage == stage);
        REQUIRE(outcome.error.has_value());
        CHECK(outcome.error->message.find("thrown in " + entry) != std::string::npos);
        check_acks(*bench.script);
    }
    CHECK(live_batches() == 0);
}

TEST_CASE("an error of the source ends the pipeline as failed after what was read is delivered") {
    Bench bench;
    plan(*bench.script, 3);
    bench.script->endless = true;
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->handed == 3; }));
    bench.script->set([&] { bench.script->errors["next"] = Error{Errc::query, "the query is wrong", "server text"}; });
    const Outcome outcome = end_of(*engine);
    CHECK(outcome.how == Ending::failed);
    CHECK(outcome.stage == "input");
    CHECK(outcome.error->code == Errc::query);
    CHECK(outcome.error->server_text == "server text");
    for (std::uint64_t i = 1; i <= 3; ++i)
        CHECK(bench.script->acked(i, FG_DELIVERED));
}

TEST_CASE("an output whose reader went away ends the run quietly, and what was not written is not delivered") {
    Bench bench;
    plan(*bench.script, 5);
    bench.script->errors["write"] = Error{Errc::output_closed, "the pipe is closed"};
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    const Outcome outcome = end_of(*engine);
    CHECK(outcome.how == Ending::output_closed);
    CHECK(outcome.stage == "out");
    check_acks(*bench.script);
    for (const auto& [sequence, how] : bench.script->acks)
        CHECK(how == FG_ABANDONED);
}

TEST_CASE("a token completed twice, never given or with nonsense is logged and harms nothing") {
    Bench bench;
    plan(*bench.script, 2);
    bench.script->on_write = [](const stage::Host& host, std::uint64_t token) {
        host.complete(token, FG_DELIVERED);
        host.complete(token, FG_DELIVERED);
        host.complete(0, FG_DELIVERED);
        host.complete(~std::uint64_t{0}, FG_ABANDONED);
        host.complete(token + 1, FG_ABANDONED);
    };
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    CHECK(bench.logged("output.token"));
    CHECK(bench.script->acked(1, FG_DELIVERED));
    CHECK(bench.script->acked(2, FG_DELIVERED));
    check_acks(*bench.script);
}

TEST_CASE("an outcome that does not exist counts as abandoned") {
    Bench bench;
    plan(*bench.script, 1);
    bench.script->on_write = [](const stage::Host& host, std::uint64_t token) { host.complete(token, static_cast<fg_outcome>(3)); };
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    CHECK(bench.script->acked(1, FG_ABANDONED));
}

TEST_CASE("a flush that leaves batches open is a broken contract, not a wait for ever") {
    Bench bench;
    plan(*bench.script, 1);
    bench.script->on_write = [](const stage::Host&, std::uint64_t) {};
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    const Outcome outcome = end_of(*engine);
    CHECK(outcome.how == Ending::failed);
    CHECK(outcome.error->message.find("not completed") != std::string::npos);
    CHECK(bench.script->acked(1, FG_ABANDONED));
}

TEST_CASE("stopped while outputs are busy: what cannot be delivered in time is abandoned, and stop returns") {
    Bench bench;
    plan(*bench.script, 10);
    bench.script->endless = true;
    bench.script->blocked["out"] = true;
    auto engine = bench.engine("input>p p>out");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->handed == 10; }));
    CHECK(engine->stop(std::chrono::milliseconds{1500}).ok());
    const Outcome outcome = *engine->outcome();
    CHECK(outcome.how == Ending::stopped);
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->code == Errc::timeout);
    check_acks(*bench.script);
    CHECK(bench.script->acked(10, FG_ABANDONED));
    CHECK(bench.script->stopped);
}

TEST_CASE("an orderly stop delivers what is in flight, held batches too, before the source is stopped") {
    Bench bench;
    plan(*bench.script, 10);
    bench.script->endless = true;
    bench.script->holds["out"] = true;
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->held.size() == 10; }));
    CHECK(engine->stop(std::chrono::seconds{10}).ok());
    CHECK(engine->outcome()->how == Ending::stopped);
    CHECK_FALSE(engine->outcome()->error.has_value());
    check_acks(*bench.script);
    for (const auto& [sequence, how] : bench.script->acks)
        CHECK(how == FG_DELIVERED);
}

TEST_CASE("a source that does not return is reported by name, and the caller can leave") {
    Bench bench;
    bench.script->stuck = true;
    auto engine = bench.engine("input>out");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->calls_of_next == 1; }));
    const auto stopped = engine->stop(std::chrono::milliseconds{200});
    REQUIRE_FALSE(stopped.ok());
    CHECK(stopped.error().code == Errc::timeout);
    CHECK(stopped.error().message.find("the stage \"input\" has not returned from next") != std::string::npos);
    REQUIRE(engine->outcome().has_value());
    CHECK(engine->outcome()->how == Ending::failed);
    CHECK_FALSE(engine->stop(std::chrono::seconds{10}).ok()); // at once
    // Let the thread that was left behind end, for the sake of the leak checker.
    bench.script->set([&] { bench.script->stuck = false; });
    CHECK(engine->wait_until(std::chrono::steady_clock::now() + std::chrono::seconds{10}));
}

TEST_CASE("a pipeline that never started is stopped and releases its source; starting it then is refused") {
    Bench bench;
    auto engine = bench.engine("input>out");
    CHECK(engine->stop(std::chrono::seconds{1}).ok());
    CHECK(engine->outcome()->how == Ending::stopped);
    CHECK(bench.script->stopped);
    CHECK_FALSE(engine->start().ok());
}

TEST_CASE("a dead letter is durable before the acknowledgement that covers it") {
    Bench bench;
    TempDir dir;
    auto letters = std::make_unique<WatchedLetters>(dir.path + "/letters");
    WatchedLetters* watched = letters.get();
    for (int i = 0; i < 20; ++i)
        bench.script->plan.push_back({0, {"letter", "m"}});
    bench.script->letters_before_each = 1;
    // Each batch stands for one letter of the source and one of the processor.
    bench.script->on_ack = [&](std::uint64_t sequence, int) { CHECK(watched->durable >= static_cast<int>(2 * sequence)); };
    auto engine = bench.engine("input>p p>out", std::move(letters));
    REQUIRE(engine->start().ok());
    CHECK(end_of(*engine).how == Ending::ended);
    CHECK(bench.script->acks.size() == 20);
    CHECK(engine->counters().dead_letters == 40);
    CHECK(lines_of(dir.path + "/letters").size() == 40);
}

TEST_CASE("a dead letter that cannot be written stops the pipeline, and nothing it covers is delivered") {
    for (const bool at_sync : {false, true}) {
        INFO((at_sync ? "sync" : "write"));
        Bench bench;
        TempDir dir;
        for (int i = 0; i < 20; ++i)
            bench.script->plan.push_back({0, {"letter"}});
        auto engine = bench.engine("input>p p>out", std::make_unique<BrokenLetters>(dir.path + "/letters", !at_sync, at_sync));
        REQUIRE(engine->start().ok());
        const Outcome outcome = end_of(*engine);
        CHECK(outcome.how == Ending::failed);
        REQUIRE(outcome.error.has_value());
        CHECK(outcome.error->code == Errc::dead_letter);
        CHECK(outcome.error->message.find(dir.path) != std::string::npos);
        check_acks(*bench.script);
        for (const auto& [sequence, how] : bench.script->acks)
            CHECK(how == FG_ABANDONED);
    }
}

TEST_CASE("without a file for dead letters the first one stops the pipeline with the remedy") {
    Bench bench;
    bench.script->plan = {{0, {"letter"}}};
    auto engine = bench.engine("input>p p>out");
    REQUIRE(engine->start().ok());
    const Outcome outcome = end_of(*engine);
    CHECK(outcome.how == Ending::failed);
    CHECK(outcome.error->message.find("--dead-letter") != std::string::npos);
}

TEST_CASE("a document that is switched off does not start") {
    Bench bench;
    config::PipelineDocument document = bench.graph("input>out");
    document.enabled = false;
    auto made = runtime::Engine::create(bench.host->shared(), document, {});
    REQUIRE(made.ok());
    const auto started = (*made)->start();
    REQUIRE_FALSE(started.ok());
    CHECK(started.error().message.find("\"enabled\": false") != std::string::npos);
}
