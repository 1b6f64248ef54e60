#include "batcher.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate;
using influxdb::Batcher;
using influxdb::BatchLimits;

namespace {

void put(Batcher& batcher, std::uint32_t partition, const std::string& message, std::int64_t now_ns) {
    auto& text = batcher.block(partition).text;
    const auto begin = static_cast<std::uint32_t>(text.size());
    text.append(message);
    const auto size = static_cast<std::uint32_t>(message.size());
    batcher.added(partition, {begin, size, begin, size}, 1000 + now_ns, now_ns);
}

struct Taken {
    std::uint64_t sequence;
    std::uint32_t partition, count;
    std::string text;
};

std::vector<Taken> take_all(Batcher& batcher) {
    std::vector<Taken> out;
    while (auto batch = batcher.take()) {
        out.push_back({batch->sequence, batch->partition, batch->count, {batch->text, batch->text_size}});
        batch->release(&*batch);
    }
    return out;
}

} // namespace

TEST_CASE("a batch leaves when it has maxRows messages, and its text is JSON lines") {
    BatchLimits limits;
    limits.max_rows = 2;
    Batcher batcher{3, limits};
    put(batcher, 1, "{}", 0);
    CHECK_FALSE(batcher.has_ready());
    put(batcher, 2, "{\"a\":1}", 0);
    put(batcher, 1, "{\"b\":2}", 0);
    const auto taken = take_all(batcher);
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].partition == 1);
    CHECK(taken[0].count == 2);
    CHECK(taken[0].text == "{}\n{\"b\":2}\n");
    CHECK(batcher.has_open());
}

TEST_CASE("a batch leaves when its text reaches maxBytes") {
    BatchLimits limits;
    limits.max_bytes = 10;
    Batcher batcher{1, limits};
    put(batcher, 0, "12345", 0);
    CHECK_FALSE(batcher.has_ready());
    put(batcher, 0, "678", 0);
    CHECK(take_all(batcher).size() == 1);
}

TEST_CASE("open blocks leave maxDelay after their first message, oldest first, whatever came later") {
    BatchLimits limits;
    limits.max_delay = std::chrono::nanoseconds{100};
    Batcher batcher{4, limits};
    put(batcher, 3, "a", 10);
    put(batcher, 0, "b", 50);
    put(batcher, 3, "c", 90);
    CHECK(batcher.due_ns() == 110);
    batcher.flush_due(109);
    CHECK_FALSE(batcher.has_ready());
    batcher.flush_due(110);
    auto taken = take_all(batcher);
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].partition == 3);
    CHECK(taken[0].count == 2);
    CHECK(batcher.due_ns() == 150);
    batcher.flush();
    CHECK(take_all(batcher).size() == 1);
    CHECK_FALSE(batcher.has_open());
}

TEST_CASE("sequence numbers rise over all partitions in the order in which batches leave") {
    Batcher batcher{8, BatchLimits{}};
    for (std::uint32_t p = 0; p < 8; ++p)
        put(batcher, p, "x", 0);
    batcher.flush();
    std::uint64_t last = 0;
    for (const Taken& t : take_all(batcher)) {
        CHECK(t.sequence > last);
        last = t.sequence;
    }
    CHECK(last == 8);
}

TEST_CASE("all open blocks together hold at most 32 MiB: beyond that the fullest leaves") {
    BatchLimits limits;
    limits.max_bytes = 32u << 20;
    limits.max_rows = 1'000'000;
    Batcher batcher{64, limits};
    const std::string message(1u << 20, 'x');
    for (std::uint32_t p = 0; p < 31; ++p)
        put(batcher, p, message, 0);
    CHECK_FALSE(batcher.has_ready());
    put(batcher, 5, message, 0);
    const auto taken = take_all(batcher);
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].partition == 5);
    CHECK(taken[0].count == 2);
}

TEST_CASE("batches that nobody took are released with the batcher") {
    Batcher batcher{1, BatchLimits{}};
    put(batcher, 0, "x", 0);
    batcher.flush();
    CHECK(batcher.has_ready()); // the sanitizer sees a leak if the destructor forgets it
}
