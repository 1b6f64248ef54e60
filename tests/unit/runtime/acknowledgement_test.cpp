// Acknowledgements from outputs back to the source, whatever happens to a message on the way.
#include "scripted.hpp"

#include "support/catch.hpp"

#include <atomic>
#include <cstdlib>
#include <random>
#include <set>

using namespace fluxgate;
using test::Bench;

namespace {

std::uint32_t new_seed() {
    const char* given = std::getenv("FLUXGATE_SEED");
    return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
}

// Whether a held token belongs to the batch.
bool is_held(const test::Script& script, std::uint64_t sequence) {
    for (const auto& held : script.held)
        if (held.sequence == sequence) return true;
    return false;
}

} // namespace

TEST_CASE("a batch through processors and fan-out is acknowledged once, after the last output completed it") {
    Bench bench;
    bench.script->set([&] {
        bench.script->plan = {{0, {"twice", "plain"}}};
        bench.script->endless = true;
        bench.script->holds["out1"] = bench.script->holds["out2"] = bench.script->holds["out3"] = true;
    });
    auto engine = bench.engine("input>a,out3 a>b b>out1,out2");
    REQUIRE(engine->start().ok());
    REQUIRE(bench.script->until([&] { return bench.script->held.size() == 3; }));
    for (const char* out : {"out2/0", "out3/0"}) {
        CHECK(bench.script->acks.empty());
        bench.script->release_held(out, FG_DELIVERED);
    }
    {
        const std::scoped_lock lock{bench.script->mutex};
        CHECK(bench.script->acks.empty());
    }
    bench.script->release_held("out1/0", FG_DELIVERED);
    CHECK(bench.script->until([&] { return bench.script->acked(1, FG_DELIVERED); }));
    REQUIRE(engine->stop(std::chrono::seconds{5}).ok());
    CHECK(bench.script->double_acks == 0);
}

TEST_CASE("dropped everywhere, dead-lettered everywhere, and both in different branches all count as delivered") {
    Bench bench;
    const test::TempDir directory;
    bench.script->set([&] { bench.script->plan = {{0, {"drop"}}, {0, {"letter"}}, {0, {"drop", "letter"}}, {0, {"drop", "plain"}}}; });
    auto letters = std::make_unique<runtime::DeadLetterFile>(directory.path + "/letters");
    auto engine = bench.engine("input>a,b a>out1 b>out2", std::move(letters));
    REQUIRE(engine->start().ok());
    CHECK(test::end_of(*engine).how == Ending::ended);
    for (std::uint64_t sequence = 1; sequence <= 4; ++sequence)
        CHECK(bench.script->acked(sequence, FG_DELIVERED));
    CHECK(test::lines_of(directory.path + "/letters").size() == 4); // two messages in two branches
    CHECK(bench.script->written["out1"][0] == std::vector<std::string>{"plain"});
}

TEST_CASE("an output's dead letter is durable before the batch that it completes is acknowledged") {
    struct Watched final : runtime::DeadLetterFile {
        explicit Watched(const std::string& path) : runtime::DeadLetterFile(path) {}
        int sync_data(int fd) override {
            ++syncs;
            return runtime::DeadLetterFile::sync_data(fd);
        }
        std::atomic<int> syncs{0};
    };
    Bench bench;
    const test::TempDir directory;
    auto letters = std::make_unique<Watched>(directory.path + "/letters");
    Watched& watched = *letters;
    int syncs_at_ack = -1;
    bench.script->set([&] {
        bench.script->plan = {{0, {"plain"}}};
        bench.script->on_write = [](const stage::Host& host, std::uint64_t token) {
            const fg_dead_letter letter{stage::to_text("path-mismatch"), stage::to_text("text"), 0, 1, 0, stage::to_text("plain")};
            host.complete(token, host.dead_letter(letter).ok() ? FG_DELIVERED : FG_ABANDONED);
        };
        bench.script->on_ack = [&](std::uint64_t, int) { syncs_at_ack = watched.syncs; };
    });
    auto engine = bench.engine("input>out", std::move(letters));
    REQUIRE(engine->start().ok());
    CHECK(test::end_of(*engine).how == Ending::ended);
    CHECK(bench.script->acked(1, FG_DELIVERED));
    CHECK(syncs_at_ack == 1);
    CHECK(test::lines_of(directory.path + "/letters").size() == 1);
    const PipelineCounters counters = engine->counters();
    CHECK(counters.stages.at(1).in == counters.stages.at(1).out + counters.stages.at(1).dead_letters);
}

TEST_CASE("whatever a graph does with messages, a batch is acknowledged once, not before its outputs, and delivered only if all of them say so") {
    const std::uint32_t seed = new_seed();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    const std::vector<std::string> graphs{"input>out1", "input>a a>out1", "input>a,b a>out1,out2 b>out3", "input>a,b a>c b>c c>out1,out2",
                                          "input>a a>b,out3 b>out1,out2"};
    const std::vector<std::string> words{"plain", "drop", "twice", "letter"};
    for (int round = 0; round < 25; ++round) {
        Bench bench;
        const test::TempDir directory;
        test::Script& script = *bench.script;
        std::set<std::uint64_t> abandoned; // by some output; under the script's mutex
        std::size_t too_early = 0;
        const std::size_t batches = 1 + random() % 12;
        script.set([&] {
            script.partitions = 3;
            script.endless = true;
            for (std::size_t i = 0; i < batches; ++i) {
                std::vector<std::string> messages;
                for (std::size_t m = 0, count = 1 + random() % 4; m < count; ++m)
                    messages.push_back(words[random() % words.size()]);
                script.plan.push_back({static_cast<std::uint32_t>(random() % 3), messages});
            }
            script.holds["out1"] = script.holds["out2"] = script.holds["out3"] = true;
            script.on_ack = [&](std::uint64_t sequence, int outcome) {
                const bool wrong = is_held(script, sequence) || (outcome == FG_DELIVERED) == (abandoned.count(sequence) != 0);
                too_early += wrong ? 1 : 0;
            };
        });
        auto engine = bench.engine(graphs[random() % graphs.size()], std::make_unique<runtime::DeadLetterFile>(directory.path + "/letters"));
        REQUIRE(engine->start().ok());
        for (;;) {
            bool all = false;
            REQUIRE(script.until([&] {
                all = script.acks.size() == batches;
                return all || !script.held.empty();
            }));
            if (all) break;
            std::optional<test::Script::Held> one;
            bool give_up = false;
            script.set([&] {
                if (script.held.empty()) return;
                const auto at = script.held.begin() + static_cast<std::ptrdiff_t>(random() % script.held.size());
                one = *at;
                script.held.erase(at);
                give_up = random() % 6 == 0;
                if (give_up) abandoned.insert(one->sequence);
            });
            if (one) one->host.complete(one->token, give_up ? FG_ABANDONED : FG_DELIVERED);
        }
        REQUIRE(engine->stop(std::chrono::seconds{5}).ok());
        CHECK(script.double_acks == 0);
        CHECK(too_early == 0);
        CHECK(script.acks.size() == batches);
    }
}
