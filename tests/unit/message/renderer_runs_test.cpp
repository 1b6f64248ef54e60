// Messages that are put together from the text that rows have in common.
#include "flux/reader.hpp"
#include "message/renderer.hpp"
#include "support/catch.hpp"
#include "support/similar_rows.hpp"

#include <string>
#include <vector>

using namespace fluxgate;

namespace {

struct Rendered {
    bool good = false;
    std::string tail, payload, fault;
    bool operator==(const Rendered&) const = default;
};

Rendered render(message::Renderer& renderer, const flux::Row& row) {
    message::Buffer out;
    out.append("before");
    message::PayloadSpan span;
    message::RowFault fault;
    Rendered r;
    r.good = renderer.append_tail(row, out, span, fault);
    r.tail = out.view();
    if (r.good) r.payload = out.view().substr(span.begin, span.end - span.begin);
    if (!r.good) r.fault = fault.text;
    return r;
}

} // namespace

TEST_CASE("a row's message does not depend on the rows before it") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    test::SimilarRows random{seed};
    std::size_t rows = 0, known = 0;
    for (int round = 0; round < 200; ++round) {
        message::Options options;
        options.nulls = random.below(2) == 0 ? message::Nulls::omit : message::Nulls::include;
        options.non_finite = static_cast<message::NonFinite>(random.below(3));
        options.types = random.below(3) == 0;
        // Now and then enough rows for what is kept of them to grow.
        const std::string body = random.body(round % 20 == 0 ? 2000 : 100);
        flux::Reader reader;
        message::Renderer renderer{options};
        const std::size_t largest = round % 2 == 0 ? 3000 : 1u << 20;
        for (std::size_t at = 0; at < body.size();) {
            const std::string piece = body.substr(at, 1 + random.below(largest));
            at += piece.size();
            reader.feed(piece);
            for (flux::Event event = reader.next(); event != flux::Event::need_more; event = reader.next()) {
                REQUIRE(event != flux::Event::failed);
                if (event == flux::Event::table) renderer.set_table(reader.table());
                if (event != flux::Event::row) continue;
                if (random.below(round % 4 < 2 ? 500 : 12) == 0) continue; // a row that is not rendered breaks the chain
                message::Renderer fresh{options};
                fresh.set_table(reader.table());
                const std::uint64_t before = renderer.replaced_sequences();
                const Rendered got = render(renderer, reader.row());
                REQUIRE(got == render(fresh, reader.row()));
                if (got.good) REQUIRE(renderer.replaced_sequences() - before == fresh.replaced_sequences());
                ++rows;
                if (reader.row().same_before > 1) ++known;
            }
        }
    }
    CHECK(rows > 10000);
    CHECK(known > rows / 2);
}
