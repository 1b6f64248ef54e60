#include "message/block.hpp"
#include "support/catch.hpp"

#include <string>

using namespace fluxgate::message;

TEST_CASE("a batch shows the block's messages and gives the block back on release") {
    const auto pool = BlockPool::make(1 << 20);
    auto block = pool->take();
    block->text.append("{\"payload\":{}}\n");
    block->spans.push_back({0, 14, 11, 2});
    const Block* address = block.get();
    fg_batch batch{};
    pool->to_batch(std::move(block), 7, 3, 99, batch);
    CHECK(batch.sequence == 7);
    CHECK(batch.partition == 3);
    CHECK(batch.count == 1);
    CHECK(batch.received_ns == 99);
    CHECK(std::string(batch.text, batch.text_size) == "{\"payload\":{}}\n");
    CHECK(batch.messages[0].payload_size == 2);
    batch.release(&batch);
    const auto again = pool->take();
    CHECK(again.get() == address);
    CHECK(again->text.size() == 0);
    CHECK(again->spans.empty());
}

TEST_CASE("a batch outlives the pool's owner") {
    fg_batch batch{};
    {
        const auto pool = BlockPool::make(1 << 20);
        auto block = pool->take();
        block->text.append("{}\n");
        block->spans.push_back({0, 2, 0, 2});
        pool->to_batch(std::move(block), 1, 0, 0, batch);
    }
    CHECK(std::string(batch.text, batch.text_size) == "{}\n");
    batch.release(&batch);
    CHECK(batch.release == nullptr);
}

TEST_CASE("what is kept idle stays below its bound") {
    const auto pool = BlockPool::make(1000);
    auto big = pool->take();
    big->text.reserve(4096);
    const Block* address = big.get();
    pool->give_back(std::move(big));
    auto next = pool->take();
    CHECK(next->text.capacity() == 0);
    (void)address;
}
