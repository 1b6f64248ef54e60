// What stages remember, through the host's table: a source that counts on from where it was, as a cursor does.
#include "scripted.hpp"

#include "fluxgate/source.hpp"
#include "fluxgate/state.hpp"
#include "state/store.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <unistd.h>

using namespace fluxgate;
using test::Bench;
using test::TempDir;

namespace {

std::uint32_t flags_seen = 0;
bool asks_for_state = true;
bool waits_for_state = false; // a commit that fails is tried again for ever, as a source that waits for room on the disk does
std::function<void(const stage::Host&)> before_third_commit;

// Emits the numbers that its state does not know as delivered yet, up to 5, one a batch.
class Counting final : public stage::Source {
public:
    explicit Counting(stage::Host host) : host_(host) {}
    static Result<std::unique_ptr<Counting>> create(const stage::Config& config, stage::Host host) {
        flags_seen = config.flags;
        return std::make_unique<Counting>(host);
    }
    [[nodiscard]] std::uint32_t partition_count() const override { return 1; }
    Result<stage::Next> next(std::int64_t, fg_batch& batch) override {
        if (!read_ && asks_for_state) {
            fg_blob value{};
            fg_error error{};
            const std::int32_t code = host_.table()->state_get(host_.table()->context, stage::to_text("cursor"), &value, &error);
            if (code != FG_OK) return taken(code, error);
            if (value.data != nullptr) done_ = std::stoull(std::string{value.data, value.size});
            if (value.release != nullptr) value.release(&value);
            sent_ = done_;
        }
        read_ = true;
        if (!failed_.empty()) {
            if (commit(failed_).ok()) failed_.clear();
            return stage::Next::nothing_yet;
        }
        if (sent_ == 5) return stage::Next::ended;
        ++sent_;
        batch = test::make_batch(sent_, 0, {std::to_string(sent_)});
        return stage::Next::batch;
    }
    Result<void> acknowledge(std::uint64_t sequence, fg_outcome outcome) override {
        if (outcome != FG_DELIVERED || !asks_for_state || sequence != done_ + 1) return {};
        done_ = sequence;
        if (sequence == 3 && before_third_commit) before_third_commit(host_);
        Result<void> kept = commit(std::to_string(done_));
        if (kept.ok() || !waits_for_state) return kept;
        failed_ = std::to_string(done_);
        return {};
    }
    void cancel() noexcept override {}
    void wake() noexcept override {}

private:
    Result<void> commit(const std::string& text) {
        const fg_state_change changes[] = {{stage::to_text("cursor"), stage::to_text(text), 0}, {stage::to_text("trace"), stage::to_text("x"), 0}};
        fg_error error{};
        const std::int32_t code = host_.table()->state_commit(host_.table()->context, changes, 2, &error);
        return code == FG_OK ? Result<void>{} : taken(code, error);
    }
    static Error taken(std::int32_t code, fg_error& error) {
        Error out{static_cast<Errc>(code), error.message == nullptr ? "" : error.message};
        if (error.release != nullptr) error.release(&error);
        return out;
    }
    stage::Host host_;
    std::uint64_t sent_ = 0, done_ = 0;
    std::string failed_; // what could not be committed
    bool read_ = false;
};

std::shared_ptr<runtime::Engine> engine(Bench& bench, const std::string& directory, bool accept = false, const std::string& letters = {}) {
    static const fg_stage_type type = stage::stage_type(FG_KIND_SOURCE, "input/count@v1", "1.0.0", "", stage::source_api<Counting>());
    if (bench.host->shared()->registry.find("input/count@v1") == nullptr) REQUIRE(bench.host->register_type(&type).ok());
    config::PipelineDocument counted = bench.graph("input>out");
    counted.input.type = "input/count@v1";
    PipelineOptions options;
    options.id = "bench";
    options.state_directory = directory;
    options.accept_changed_query = accept;
    options.dead_letter_file = letters;
    auto made = runtime::Engine::create(bench.host->shared(), std::move(counted), std::move(options));
    REQUIRE(made.ok());
    return std::move(*made);
}

std::vector<std::string> run(Bench& bench, const std::string& directory, Ending expected = Ending::ended) {
    bench.script->set([&] { bench.script->written.clear(); });
    auto running = engine(bench, directory);
    REQUIRE(running->start().ok());
    CHECK(test::end_of(*running).how == expected);
    const std::scoped_lock lock{bench.script->mutex};
    return bench.script->written["out"][0];
}

} // namespace

TEST_CASE("a source goes on where its last acknowledged batch ended, in the next run") {
    asks_for_state = true;
    Bench bench;
    const TempDir directory;
    CHECK(run(bench, directory.path).size() == 5);
    CHECK(run(bench, directory.path).empty());
    CHECK(std::filesystem::exists(directory.path + "/bench.db"));
}

TEST_CASE("a batch whose delivery was not acknowledged comes again in the next run, and no delivered one does") {
    asks_for_state = true;
    Bench bench;
    const TempDir directory;
    std::atomic<int> taken{0};
    bench.script->set([&] {
        bench.script->on_write = [&](const stage::Host& host, std::uint64_t token) {
            host.complete(token, ++taken <= 3 ? FG_DELIVERED : FG_ABANDONED);
        };
    });
    CHECK(run(bench, directory.path).size() == 5);
    bench.script->set([&] { bench.script->on_write = nullptr; });
    CHECK(run(bench, directory.path) == std::vector<std::string>{"4", "5"});
}

TEST_CASE("without a directory a stage that asks for state is told how to give one, and the pipeline fails with that") {
    asks_for_state = true;
    Bench bench;
    auto running = engine(bench, "");
    REQUIRE(running->start().ok());
    const Outcome outcome = test::end_of(*running);
    CHECK(outcome.how == Ending::failed);
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->code == Errc::state);
    INFO(outcome.error->message);
    CHECK(outcome.error->message.find("--state DIR") != std::string::npos);
}

TEST_CASE("a run that asks for no state makes none") {
    asks_for_state = false;
    Bench bench;
    const TempDir directory;
    CHECK(run(bench, directory.path + "/state").size() == 5);
    CHECK_FALSE(std::filesystem::exists(directory.path + "/state"));
}

TEST_CASE("the state is held from its first use until the pipeline is destroyed, and a second one is refused by name") {
    asks_for_state = true;
    Bench bench;
    const TempDir directory;
    auto first = engine(bench, directory.path);
    CHECK_FALSE(State::holder_of(directory.path, "bench").has_value());
    REQUIRE(first->start().ok());
    test::end_of(*first);
    REQUIRE(State::holder_of(directory.path, "bench").has_value());
    {
        auto second = engine(bench, directory.path);
        REQUIRE(second->start().ok());
        const Outcome outcome = test::end_of(*second);
        REQUIRE(outcome.error.has_value());
        CHECK(outcome.error->code == Errc::state);
        INFO(outcome.error->message);
        CHECK(outcome.error->message.find("in use by process " + std::to_string(::getpid())) != std::string::npos);
    }
    first.reset();
    CHECK_FALSE(State::holder_of(directory.path, "bench").has_value());
}

TEST_CASE("a state that is lost while the pipeline runs stops it, and the cursor stays behind") {
    asks_for_state = true;
    Bench bench;
    const TempDir directory;
    std::atomic<int> taken{0};
    bench.script->set([&] {
        bench.script->on_write = [&](const stage::Host& host, std::uint64_t token) {
            if (++taken == 3) std::filesystem::rename(directory.path + "/bench.db", directory.path + "/kept.db");
            host.complete(token, FG_DELIVERED);
        };
    });
    auto running = engine(bench, directory.path);
    REQUIRE(running->start().ok());
    const Outcome outcome = test::end_of(*running);
    CHECK(outcome.how == Ending::failed);
    REQUIRE(outcome.error.has_value());
    INFO(outcome.error->message);
    CHECK(outcome.error->message.find("removed or replaced") != std::string::npos);
    const std::scoped_lock lock{bench.script->mutex};
    CHECK(std::count_if(bench.log.begin(), bench.log.end(), [](const std::string& line) { return line.rfind("pipeline.failed", 0) == 0; }) == 1);
}

TEST_CASE("a state is not committed past a dead letter that could not be made durable") {
    asks_for_state = true;
    Bench bench;
    const TempDir directory;
    const std::string letters = directory.path + "/letters.jsonl";
    std::atomic<bool> kept{false};
    before_third_commit = [&](const stage::Host& host) {
        fg_dead_letter letter{};
        letter.code = stage::to_text("test");
        letter.partition = -1;
        kept = host.dead_letter(letter).ok();
        std::filesystem::remove(letters);
    };
    auto running = engine(bench, directory.path, false, letters);
    REQUIRE(running->start().ok());
    const Outcome outcome = test::end_of(*running);
    before_third_commit = nullptr;
    running.reset();
    CHECK(kept);
    CHECK(outcome.how == Ending::failed);
    REQUIRE(outcome.error.has_value());
    INFO(outcome.error->message);
    CHECK(outcome.error->message.find("letters.jsonl") != std::string::npos);
    CHECK(run(bench, directory.path) == std::vector<std::string>{"3", "4", "5"});
}

TEST_CASE("a state or dead letters that are lost for good stop the pipeline also where the source would wait for them") {
    asks_for_state = true;
    Bench bench;
    const TempDir directory;
    const std::string letters = directory.path + "/letters.jsonl";
    const bool state = GENERATE(true, false);
    before_third_commit = [&](const stage::Host& host) {
        fg_dead_letter letter{};
        letter.code = stage::to_text("test");
        letter.partition = -1;
        REQUIRE(host.dead_letter(letter).ok());
        std::filesystem::remove(state ? directory.path + "/bench.db" : letters);
    };
    waits_for_state = true;
    auto running = engine(bench, directory.path, false, letters);
    REQUIRE(running->start().ok());
    const Outcome outcome = test::end_of(*running);
    before_third_commit = nullptr;
    waits_for_state = false;
    CHECK(outcome.how == Ending::failed);
    REQUIRE(outcome.error.has_value());
    INFO(outcome.error->message);
    CHECK(outcome.error->message.find(state ? "bench.db" : "letters.jsonl") != std::string::npos);
}

TEST_CASE("an embedded source ends with an error when its state is lost for good, though it would wait for it") {
    asks_for_state = true;
    Bench bench;
    const TempDir directory;
    static const fg_stage_type type = stage::stage_type(FG_KIND_SOURCE, "input/count@v1", "1.0.0", "", stage::source_api<Counting>());
    REQUIRE(bench.host->register_type(&type).ok());
    before_third_commit = [&](const stage::Host&) { std::filesystem::remove(directory.path + "/bench.db"); };
    waits_for_state = true;
    std::promise<Result<void>> end;
    SourceOptions options;
    options.id = "bench";
    options.state_directory = directory.path;
    options.post = [](const std::function<void()>& work) { work(); };
    options.on_batch = [](Batch batch) { batch.acknowledge(); };
    options.on_end = [&](const Result<void>& how) { end.set_value(how); };
    auto source = Source::open(*bench.host, R"({"type": "input/count@v1"})", std::move(options));
    REQUIRE(source.ok());
    auto how = end.get_future();
    REQUIRE(how.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
    before_third_commit = nullptr;
    waits_for_state = false;
    const Result<void> ended = how.get();
    REQUIRE_FALSE(ended.ok());
    INFO(ended.error().message);
    CHECK(ended.error().message.find("removed or replaced") != std::string::npos);
}

TEST_CASE("a run says to its source whether a changed query is accepted") {
    asks_for_state = false;
    Bench bench;
    engine(bench, "", false);
    CHECK((flags_seen & FG_ACCEPT_CHANGED_QUERY) == 0);
    engine(bench, "", true);
    CHECK((flags_seen & FG_ACCEPT_CHANGED_QUERY) != 0);
}

TEST_CASE("a cursor is shown, set, rewound, exported and imported") {
    const TempDir directory;
    const std::string position = "2026-11-21T10:00:00Z";
    auto state = State::open(directory.path, "plant", State::Access::write);
    REQUIRE(state.ok());
    CHECK_FALSE(state->cursor()->has_value());
    CHECK_FALSE(state->rewind_cursor(std::chrono::hours{1}).ok());
    REQUIRE(state->set_cursor(*State::parse_time(position)).ok());
    REQUIRE(state->cursor()->has_value());
    CHECK((*state->cursor())->position == position);
    CHECK((*state->cursor())->identity.empty());
    const std::string exported = **state->export_cursor();
    REQUIRE(state->rewind_cursor(std::chrono::hours{1}).ok());
    CHECK((*state->cursor())->position == "2026-11-21T09:00:00Z");
    REQUIRE(state->import_cursor(exported).ok());
    CHECK((*state->cursor())->position == position);
    CHECK_FALSE(state->import_cursor("{}").ok());
    CHECK((*state->cursor())->position == position);
}

TEST_CASE("moving a cursor erases the fingerprints with it, importing it where it stands keeps them") {
    const TempDir directory;
    const auto put = [&] {
        auto store = state::Store::open(directory.path, "plant", state::Access::write);
        REQUIRE(store.ok());
        REQUIRE(
            (*store)->commit({"input"}, {{"fingerprints", "123"}, {"fingerprints.0", "4"}, {"fingerprints.17", "5"}, {"fingerprints2", "6"}}).ok());
    };
    const auto memory = [](const State& state) { return (*state.cursor())->memory_of_late; };
    const auto opened = [&] {
        auto state = State::open(directory.path, "plant", State::Access::write);
        REQUIRE(state.ok());
        return std::move(*state);
    };
    put();
    {
        State state = opened();
        REQUIRE(state.set_cursor(1'000'000'000'000).ok());
        CHECK(memory(state) == 0); // look-back must not deliver what lies before it
    }
    put();
    std::string here;
    {
        State state = opened();
        here = **state.export_cursor();
        REQUIRE(state.import_cursor(here).ok());
        CHECK(memory(state) == 5);
        REQUIRE(state.rewind_cursor(std::chrono::seconds{1}).ok());
        CHECK(memory(state) == 0);
    }
    put();
    {
        State state = opened();
        REQUIRE(state.import_cursor(here).ok()); // forth
        CHECK(memory(state) == 0);
        REQUIRE(state.set_cursor(2'000'000'000'000).ok());
    }
    put();
    State state = opened();
    REQUIRE(state.import_cursor(here).ok()); // and back
    CHECK(memory(state) == 0);
}
