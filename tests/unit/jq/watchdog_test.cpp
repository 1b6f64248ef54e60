#include "jq/program.hpp"
#include "seed.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace fluxgate::jq;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

std::unique_ptr<Program> compiled(std::string_view expression, std::chrono::nanoseconds limit) {
    auto program = Program::compile(expression, Use::partition, limit);
    REQUIRE(program);
    return std::move(program).value();
}

} // namespace

TEST_CASE("an evaluation that does not end is halted at its limit and the program works afterwards") {
    for (const char* endless : {"def f: f; f", "[range(1e9)] | length", "last(repeat(1))", "try (def f: f; f) catch 2"}) {
        INFO(endless);
        const auto program = compiled("if . == 1 then 7 else (" + std::string{endless} + ") end", 50ms);
        for (int round = 0; round < 3; ++round) {
            const auto begin = Clock::now();
            const Evaluation& late = program->evaluate("0", 2);
            const auto took = Clock::now() - begin;
            CHECK(late.timed_out);
            CHECK_FALSE(late.failed);
            CHECK(took >= 50ms);
            CHECK(took < 5s); // generous: the machine may be busy
            const Evaluation& good = program->evaluate("1", 2);
            CHECK_FALSE(good.timed_out);
            REQUIRE(good.outputs.size() == 1);
            CHECK(good.outputs[0].number() == 7);
        }
    }
}

TEST_CASE("each of several late evaluations is halted, in other threads too") {
    std::vector<std::thread> threads;
    std::vector<int> halted(3);
    for (std::size_t t = 0; t < halted.size(); ++t)
        threads.emplace_back([t, &halted] {
            auto program = Program::compile("def f: f; f", Use::partition, std::chrono::milliseconds{10 + 10 * t});
            if (!program) return;
            for (int i = 0; i < 5; ++i)
                halted[t] += (*program)->evaluate("null", 2).timed_out ? 1 : 0;
        });
    for (std::thread& t : threads)
        t.join();
    CHECK(halted == std::vector<int>{5, 5, 5});
}

TEST_CASE("an evaluation that ends around its deadline gives its result or is timed out, nothing else") {
    fluxgate::test::Random random;
    INFO("FLUXGATE_SEED=" << random.seed());
    const auto program = compiled("[range(.)] | length", 300us);
    int in_time = 0;
    int late = 0;
    int n = 1000;
    for (int i = 0; i < 3000; ++i) {
        const int asked = static_cast<int>(random.below(static_cast<std::uint64_t>(n) / 4)) + n;
        const Evaluation& e = program->evaluate(std::to_string(asked), 2);
        REQUIRE_FALSE(e.failed);
        if (e.timed_out) {
            ++late;
            n = n * 15 / 16; // stay around the deadline
            if (n < 8) n = 8;
        } else {
            ++in_time;
            REQUIRE(e.outputs.size() == 1);
            REQUIRE(e.outputs[0].number() == asked);
            n = n * 17 / 16;
        }
    }
    CHECK(in_time > 0);
    CHECK(late > 0);
}
