// Messages that enter a pipeline at one of its stages, as replayed dead letters do.
#include "scripted.hpp"

#include "runtime/feed.hpp"

#include "fluxgate/pipeline.hpp"
#include "support/catch.hpp"

using namespace fluxgate;
using test::Bench;

namespace {

const std::string document = R"({"displayName": "d", "input": {"type": "input/script@v1", "next": ["first"]}, "stages": {
    "first": {"type": "processor/script@v1", "next": ["second", "out0"]},
    "second": {"type": "processor/script@v1", "next": ["out1", "out2"]},
    "out0": {"type": "output/script@v1"}, "out1": {"type": "output/script@v1"}, "out2": {"type": "output/script@v1"}}})";

std::string message(const std::string& payload) {
    return R"({"properties":{},"payload":")" + payload + "\"}";
}

// Gives its messages in order, numbered from 100, and remembers what became of each.
struct Given {
    std::vector<FedMessage> messages;
    std::size_t at = 0;
    std::map<std::uint64_t, bool> settled;
    std::size_t twice = 0;
    std::optional<Error> refuses;

    void add(const std::string& payload, std::uint32_t partition = 0) { messages.push_back({100 + messages.size(), partition, message(payload)}); }
    Feed feed() {
        return {[this]() -> std::optional<FedMessage> {
                    if (at == messages.size()) return std::nullopt;
                    return messages[at++];
                },
                [this](std::uint64_t number, bool delivered) -> Result<void> {
                    twice += settled.emplace(number, delivered).second ? 0 : 1;
                    if (refuses) return *refuses;
                    return {};
                }};
    }
};

Outcome run(Bench& bench, Given& given, const std::string& stage, const std::string& letters = {}) {
    PipelineOptions options;
    options.dead_letter_file = letters;
    auto made = Pipeline::create_feeding(*bench.host, document, stage, given.feed(), options);
    INFO((made.ok() ? "" : made.error().text()));
    REQUIRE(made.ok());
    REQUIRE(made->start().ok());
    REQUIRE(made->wait_for(std::chrono::seconds{10}));
    return *made->outcome();
}

} // namespace

TEST_CASE("a message enters at its stage: the stages before and beside it see nothing, and no query is made") {
    Bench bench;
    bench.script->partitions = 3;
    Given given;
    given.add("a", 2);
    given.add("b", 0);
    CHECK(run(bench, given, "second").how == Ending::ended);
    const std::scoped_lock lock{bench.script->mutex};
    for (const char* out : {"out1", "out2"}) {
        CHECK(bench.script->written[out][2] == std::vector<std::string>{message("a")});
        CHECK(bench.script->written[out][0] == std::vector<std::string>{message("b")});
    }
    CHECK(bench.script->written["out0"].empty());
    CHECK(bench.script->calls_of_next == 0);
    CHECK(given.settled == std::map<std::uint64_t, bool>{{100, true}, {101, true}});
    CHECK(given.twice == 0);
    CHECK(test::live_batches() == 0);
}

TEST_CASE("an output can be fed directly") {
    Bench bench;
    Given given;
    given.add("a");
    CHECK(run(bench, given, "out0").how == Ending::ended);
    const std::scoped_lock lock{bench.script->mutex};
    CHECK(bench.script->written["out0"][0].size() == 1);
    CHECK(bench.script->written["out1"].empty());
}

TEST_CASE("dropped, multiplied and again dead-lettered messages are settled as delivered, once each") {
    Bench bench;
    const test::TempDir directory;
    Given given;
    for (const char* payload : {"drop", "twice", "letter", "plain"})
        given.add(payload);
    CHECK(run(bench, given, "first", directory.path + "/letters").how == Ending::ended);
    CHECK(given.settled == std::map<std::uint64_t, bool>{{100, true}, {101, true}, {102, true}, {103, true}});
    CHECK(test::lines_of(directory.path + "/letters").size() == 1);
    const std::scoped_lock lock{bench.script->mutex};
    CHECK(bench.script->written["out0"][0].size() == 3);
    CHECK(bench.script->written["out1"][0].size() == 5); // "twice" passes two processors
}

TEST_CASE("a message is not settled as delivered when one of several outputs abandons it") {
    Bench bench;
    Given given;
    given.add("a");
    bench.script->set([&] {
        bench.script->holds["out1"] = true;
        bench.script->errors["flush"] = Error{Errc::io, "the disk is full"};
    });
    CHECK(run(bench, given, "second").how == Ending::failed);
    CHECK(given.settled == std::map<std::uint64_t, bool>{{100, false}});
}

TEST_CASE("a dead letter of a fed message that cannot be written leaves the message undelivered") {
    Bench bench;
    Given given;
    given.add("letter");
    const Outcome outcome = run(bench, given, "first");
    CHECK(outcome.how == Ending::failed);
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->code == Errc::dead_letter);
    CHECK(given.settled == std::map<std::uint64_t, bool>{{100, false}});
}

TEST_CASE("a settled message that cannot be noted stops the pipeline with that error") {
    Bench bench;
    Given given;
    given.add("a");
    given.refuses = Error{Errc::io, "cannot be noted"};
    const Outcome outcome = run(bench, given, "out0");
    CHECK(outcome.how == Ending::failed);
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->message == "cannot be noted");
}

TEST_CASE("what is no message, or of a partition that is not there, is refused by its number") {
    for (const FedMessage& bad : {FedMessage{7, 5, message("a")}, FedMessage{7, 0, ""}, FedMessage{7, 0, "{\n}"}, FedMessage{7, 0, "{\"a\":"}}) {
        Bench bench;
        Given given;
        given.messages.push_back(bad);
        INFO(bad.text);
        const Outcome outcome = run(bench, given, "out0");
        CHECK(outcome.how == Ending::failed);
        REQUIRE(outcome.error.has_value());
        INFO(outcome.error->message);
        CHECK(outcome.error->message.find("message 7 cannot be fed") != std::string::npos);
    }
}

TEST_CASE("a stage that is not there, the source, and a feed without its functions are refused") {
    Bench bench;
    Given given;
    for (const char* stage : {"input", "thrid", ""}) {
        const auto made = Pipeline::create_feeding(*bench.host, document, stage, given.feed());
        REQUIRE_FALSE(made.ok());
        CHECK(made.error().code == Errc::configuration);
    }
    CHECK_FALSE(Pipeline::create_feeding(*bench.host, document, "out0", {}).ok());
}

TEST_CASE("the payload of a fed message is found, so that outputs need not look for it") {
    Bench bench;
    struct Owner final : runtime::StageOwner {
        Result<void> dead_letter(runtime::StageContext&, const fg_dead_letter&) override { return {}; }
        void complete(runtime::StageContext&, std::uint64_t, std::int32_t) override {}
        void health_changed() override {}
    } owner;
    runtime::StageContext context{bench.host->shared(), owner, "p", "input", std::nullopt};
    Given given;
    given.messages.push_back({1, 0, R"({"payload":{"a":[1,2]},"z":1})"});
    given.messages.push_back({2, 0, R"({"z":1})"});
    auto source = runtime::feeding(given.feed(), 1)(context);
    REQUIRE(source.ok());
    fg_batch batch{};
    REQUIRE((*source)->next(0, batch).ok());
    CHECK(std::string(batch.text + batch.messages[0].payload_offset, batch.messages[0].payload_size) == R"({"a":[1,2]})");
    batch.release(&batch);
    REQUIRE((*source)->next(0, batch).ok());
    CHECK(batch.messages[0].payload_size == 0);
    batch.release(&batch);
}
