#include "fluxgate/source.hpp"

#include "scripted.hpp"

#include "support/catch.hpp"

#include <deque>

using namespace fluxgate;
using namespace fluxgate::test;

namespace {

// An executor: work waits until the test runs it.
struct Loop {
    std::mutex mutex;
    std::condition_variable cv;
    std::deque<std::function<void()>> work;
    bool run_one() {
        std::function<void()> next;
        {
            std::unique_lock lock{mutex};
            if (!cv.wait_for(lock, std::chrono::seconds{10}, [this] { return !work.empty(); })) return false;
            next = std::move(work.front());
            work.pop_front();
        }
        next();
        return true;
    }
    bool run_until(const bool& flag) {
        while (!flag)
            if (!run_one()) return false;
        return true;
    }
};

struct Seen {
    Loop loop;
    std::vector<Batch> kept;
    std::vector<std::string> payloads;
    bool acknowledge = true, keep = false, ended = false, closed = false;
    std::optional<Error> error;

    SourceOptions options() {
        SourceOptions out;
        out.post = [this](std::function<void()> work) {
            const std::scoped_lock lock{loop.mutex};
            loop.work.push_back(std::move(work));
            loop.cv.notify_all();
        };
        out.on_batch = [this](Batch batch) {
            for (const Message message : batch)
                payloads.emplace_back(message.payload);
            if (acknowledge) batch.acknowledge();
            if (keep) kept.push_back(std::move(batch));
        };
        out.on_end = [this](const Result<void>& how) {
            ended = true;
            if (!how.ok()) error = how.error();
        };
        out.on_closed = [this] { closed = true; };
        return out;
    }
};

const std::string document = R"({"type": "input/script@v1"})";

} // namespace

TEST_CASE("batches come on the caller's executor in order, are acknowledged, and the end is told") {
    Bench bench;
    bench.script->plan = {{0, {"a", "b"}}, {0, {"c"}}};
    Seen seen;
    auto source = Source::open(*bench.host, document, seen.options());
    REQUIRE(source.ok());
    CHECK(seen.loop.run_until(seen.closed));
    CHECK(seen.payloads == std::vector<std::string>{"a", "b", "c"});
    CHECK(seen.ended);
    CHECK_FALSE(seen.error.has_value());
    CHECK(bench.script->acked(1, FG_DELIVERED));
    CHECK(bench.script->acked(2, FG_DELIVERED));
    CHECK(bench.script->stopped);
    CHECK(source->outstanding_bytes() == 0);
}

TEST_CASE("a batch that is dropped without a word is abandoned") {
    Bench bench;
    bench.script->plan = {{0, {"a"}}};
    Seen seen;
    seen.acknowledge = false;
    auto source = Source::open(*bench.host, document, seen.options());
    REQUIRE(source.ok());
    CHECK(seen.loop.run_until(seen.closed));
    CHECK(bench.script->acked(1, FG_ABANDONED));
}

TEST_CASE("the source is not called while the batches that are out exceed the bound, acknowledged or not") {
    Bench bench;
    for (int i = 0; i < 10; ++i)
        bench.script->plan.push_back({0, {"0123456789"}});
    Seen seen;
    seen.keep = true;
    SourceOptions options = seen.options();
    options.max_outstanding_bytes = 2 * (11 + sizeof(fg_span));
    auto source = Source::open(*bench.host, document, std::move(options));
    REQUIRE(source.ok());
    REQUIRE(seen.loop.run_one());
    REQUIRE(seen.loop.run_one());
    REQUIRE(bench.script->until([&] { return bench.script->acks.size() == 2; }));
    bench.script->set([&] { CHECK(bench.script->handed == 2); });
    CHECK(source->outstanding_bytes() == 2 * (11 + sizeof(fg_span)));
    seen.keep = false;
    seen.kept.clear();
    CHECK(seen.loop.run_until(seen.closed));
    CHECK(seen.payloads.size() == 10);
}

TEST_CASE("stop abandons what is out, and settling it later does nothing") {
    Bench bench;
    bench.script->plan = {{0, {"a"}}};
    bench.script->endless = true;
    Seen seen;
    seen.acknowledge = false;
    seen.keep = true;
    auto source = Source::open(*bench.host, document, seen.options());
    REQUIRE(source.ok());
    REQUIRE(seen.loop.run_one());
    CHECK(source->stop(std::chrono::seconds{10}).ok());
    CHECK(bench.script->acked(1, FG_ABANDONED));
    seen.kept.front().acknowledge();
    seen.kept.clear();
    CHECK(bench.script->double_acks == 0);
    CHECK(seen.loop.run_until(seen.closed));
    CHECK_FALSE(seen.error.has_value());
}

TEST_CASE("an error of the source is the end, and tells why") {
    Bench bench;
    bench.script->errors["next"] = Error{Errc::query, "bad query"};
    Seen seen;
    auto source = Source::open(*bench.host, document, seen.options());
    REQUIRE(source.ok());
    CHECK(seen.loop.run_until(seen.closed));
    REQUIRE(seen.error.has_value());
    CHECK(seen.error->code == Errc::query);
}

TEST_CASE("no handler is called after the source is gone; batches in the executor are abandoned") {
    Bench bench;
    bench.script->plan = {{0, {"a"}}};
    bench.script->endless = true;
    Seen seen;
    {
        auto source = Source::open(*bench.host, document, seen.options());
        REQUIRE(source.ok());
        REQUIRE(bench.script->until([&] { return bench.script->handed == 1; }));
    }
    while (!seen.loop.work.empty())
        seen.loop.run_one();
    CHECK(seen.payloads.empty());
    CHECK_FALSE(seen.ended);
    CHECK(bench.script->acked(1, FG_ABANDONED));
}

TEST_CASE("a bad document is answered at once, with the known reason") {
    Bench bench;
    Seen seen;
    const auto nonsense = Source::open(*bench.host, "{", seen.options());
    REQUIRE_FALSE(nonsense.ok());
    CHECK(nonsense.error().code == Errc::configuration);
    const auto unknown = Source::open(*bench.host, R"({"type": "input/none@v1"})", seen.options());
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().code == Errc::unknown_stage);
    CHECK(unknown.error().message.find("input/script@v1") != std::string::npos);
    const auto no_handlers = Source::open(*bench.host, document, {});
    REQUIRE_FALSE(no_handlers.ok());
    CHECK(no_handlers.error().code == Errc::invalid_argument);
}
