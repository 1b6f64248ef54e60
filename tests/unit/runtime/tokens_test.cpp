#include "runtime/tokens.hpp"

#include "support/catch.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace fluxgate::runtime;

namespace {

struct Sink final : AckSink {
    std::vector<std::pair<std::uint64_t, int>> seen;
    void settled(std::uint64_t sequence, fg_outcome outcome) noexcept override { seen.emplace_back(sequence, outcome); }
};

} // namespace

TEST_CASE("a duty is settled once, when its last share is") {
    Sink sink;
    Token first{sink, 7};
    Token second = first.share();
    first.settle(FG_DELIVERED);
    first.settle(FG_DELIVERED);
    CHECK(sink.seen.empty());
    second.settle(FG_DELIVERED);
    REQUIRE(sink.seen.size() == 1);
    CHECK(sink.seen[0] == std::pair<std::uint64_t, int>{7, FG_DELIVERED});
}

TEST_CASE("one abandoned share abandons the duty, and a dropped share is abandoned") {
    Sink sink;
    {
        Token first{sink, 1};
        Token second = first.share();
        first.settle(FG_DELIVERED);
    }
    {
        Token first{sink, 2};
        Token second = first.share();
        second.settle(FG_ABANDONED);
        first.settle(FG_DELIVERED);
    }
    REQUIRE(sink.seen.size() == 2);
    CHECK(sink.seen[0].second == FG_ABANDONED);
    CHECK(sink.seen[1].second == FG_ABANDONED);
}

TEST_CASE("shares settled by many threads settle the duty once") {
    struct Counter final : AckSink {
        std::atomic<int> count{0};
        void settled(std::uint64_t, fg_outcome) noexcept override { ++count; }
    } counter;
    for (int round = 0; round < 200; ++round) {
        Token token{counter, 1};
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([share = token.share()]() mutable { share.settle(FG_DELIVERED); });
        token.settle(FG_DELIVERED);
        for (std::thread& thread : threads)
            thread.join();
    }
    CHECK(counter.count == 200);
}

TEST_CASE("an output's number is good once, for its owner only, and never again after its place is used anew") {
    Sink sink;
    OutputTokens tokens;
    const int mine = 0, other = 0;
    const std::uint64_t first = tokens.open({&mine, Token{sink, 1}, 1, 5, 0});
    CHECK(first != 0);
    CHECK_FALSE(tokens.close(first, &other).has_value());
    CHECK_FALSE(tokens.close(0, &mine).has_value());
    CHECK_FALSE(tokens.close(first + 1, &mine).has_value());
    CHECK(tokens.count_dead_letter(&mine, 1));
    CHECK_FALSE(tokens.count_dead_letter(&other, 1));
    auto entry = tokens.close(first, &mine);
    REQUIRE(entry.has_value());
    CHECK(entry->messages == 5);
    CHECK(entry->dead_letters == 1);
    CHECK_FALSE(tokens.close(first, &mine).has_value());
    const std::uint64_t second = tokens.open({&mine, Token{sink, 2}, 2, 1, 0});
    CHECK(second != first);
    CHECK_FALSE(tokens.close(first, &mine).has_value());
    CHECK(tokens.count(&mine) == 1);
    CHECK(tokens.close_all(&mine).size() == 1);
    CHECK(tokens.count(&mine) == 0);
}
