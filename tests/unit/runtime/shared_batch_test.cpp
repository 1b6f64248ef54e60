#include "runtime/shared_batch.hpp"

#include "scripted.hpp"

#include "support/catch.hpp"

using namespace fluxgate;
using namespace fluxgate::runtime;
using namespace fluxgate::test;

namespace {

struct Sample {
    std::vector<fg_span> spans{{0, 2, 1, 1}, {3, 3, 3, 0}};
    std::string text = "ab\ncde\n";
    fg_batch batch{};
    Sample() {
        batch.sequence = 1;
        refresh();
    }
    void refresh() {
        batch.count = static_cast<std::uint32_t>(spans.size());
        batch.messages = spans.data();
        batch.text = text.data();
        batch.text_size = text.size();
    }
    bool good() {
        refresh();
        return check_batch(batch, 2).ok();
    }
};

} // namespace

TEST_CASE("a well-formed batch passes, also an empty one") {
    CHECK(Sample{}.good());
    CHECK(check_batch(fg_batch{}, 1).ok());
}

TEST_CASE("whatever is wrong with a batch is found before anybody reads it") {
    const auto broken = [](const std::function<void(Sample&)>& change) {
        Sample sample;
        change(sample);
        return !sample.good();
    };
    CHECK(broken([](Sample& s) { s.batch.partition = 2; }));
    CHECK(broken([](Sample& s) { s.spans[0].offset = 1; }));
    CHECK(broken([](Sample& s) { s.spans[1].size = 4; }));
    CHECK(broken([](Sample& s) { s.spans[1].size = UINT32_MAX; }));
    CHECK(broken([](Sample& s) { s.spans[1].offset = UINT32_MAX; }));
    CHECK(broken([](Sample& s) { s.spans[1].payload_offset = 2; }));
    CHECK(broken([](Sample& s) { s.spans[1].payload_size = UINT32_MAX; }));
    CHECK(broken([](Sample& s) { s.text[2] = ' '; }));
    CHECK(broken([](Sample& s) { s.text += "x"; }));
    CHECK(broken([](Sample& s) { s.spans.pop_back(); }));
    Sample null_text;
    null_text.batch.text = nullptr;
    CHECK_FALSE(check_batch(null_text.batch, 2).ok());
    Sample null_spans;
    null_spans.batch.messages = nullptr;
    CHECK_FALSE(check_batch(null_spans.batch, 2).ok());
}

TEST_CASE("a shared batch is released with its last reader") {
    const std::uint64_t before = live_batches();
    {
        SharedBatch first{make_batch(1, 0, {"a"})};
        fg_batch lent = first.lend();
        {
            const SharedBatch second = first;
            first = SharedBatch{};
            CHECK(live_batches() == before + 1);
        }
        CHECK(std::string{lent.text, lent.text_size} == "a\n");
        lent.release(&lent);
        CHECK(live_batches() == before);
        CHECK(lent.release == nullptr);
    }
}
