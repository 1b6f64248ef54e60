// Remembered values against plain evaluation, on random expressions and rows that resemble the row before.
#include "flux/reader.hpp"
#include "router.hpp"
#include "support/catch.hpp"
#include "support/similar_rows.hpp"

#include <string>
#include <vector>

using namespace fluxgate;

namespace {

// A random expression of the kinds that people write: paths, defaults, conversions, conditions, interpolation.
std::string expression(test::SimilarRows& random, int depth) {
    const std::string path = std::string{".payload.c"} + std::to_string(random.below(7));
    switch (random.below(depth > 0 ? 12 : 4)) {
    case 0: return ".properties.table";
    case 1: return ".properties.result";
    case 2: return "\"constant\"";
    case 3: return path;
    case 4: return "(" + expression(random, depth - 1) + " // \"none\")";
    case 5: return "(" + expression(random, depth - 1) + " | tostring)";
    case 6: return "(" + expression(random, depth - 1) + " | ascii_downcase)";
    case 7: return "\"\\(" + expression(random, depth - 1) + ")-\\(" + path + ")\"";
    case 8: return "(if " + path + " == " + expression(random, depth - 1) + " then " + expression(random, depth - 1) + " else " + path + " end)";
    case 9: return "(.payload | " + path.substr(8) + " | tostring | .[0:3])";
    case 10: return "([" + path + ", " + expression(random, depth - 1) + "] | map(tostring) | join(\"/\"))";
    default: return "(. as $m | $m" + path + " | type)";
    }
}

std::string told(const influxdb::Target& target) {
    return target.dead_letter.empty() ? std::to_string(target.partition) + target.head_end : std::string{target.dead_letter} + ": " + target.text;
}

std::string told(const partition::Routed& routed) {
    if (!routed.dead_letter.empty()) return std::string{routed.dead_letter} + ": " + routed.text;
    message::Buffer end;
    message::append_head_end(end, routed.partition, &routed.key);
    return std::to_string(routed.partition) + std::string{end.view()};
}

} // namespace

TEST_CASE("what is remembered of a random expression equals evaluating it on every row") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    test::SimilarRows random{seed};
    std::uint64_t remembered = 0, evaluated = 0;
    for (int round = 0; round < 40; ++round) {
        const std::string text = expression(random, 3);
        INFO("expression " << text);
        auto first = partition::Partitioner::create(partition::Strategy::key, text, 16);
        auto second = partition::Partitioner::create(partition::Strategy::key, text, 16);
        REQUIRE(first.ok());
        REQUIRE(second.ok());
        influxdb::Router router{std::move(first).value(), partition::Strategy::key};
        flux::Reader reader;
        message::Renderer renderer{{}};
        const std::string body = random.body(60);
        reader.feed(body);
        for (flux::Event event = reader.next(); event != flux::Event::need_more; event = reader.next()) {
            REQUIRE(event != flux::Event::failed);
            if (event == flux::Event::table) {
                renderer.set_table(reader.table());
                router.set_table(reader.table(), renderer);
            }
            if (event != flux::Event::row) continue;
            message::Buffer message;
            message::append_probe_head(message, "2026-11-21T10:02:07.123Z");
            message::PayloadSpan span;
            message::RowFault fault;
            const influxdb::Target* target = router.find(reader.row());
            if (!renderer.append_tail(reader.row(), message, span, fault)) continue;
            if (target == nullptr) target = &router.ask(reader.row(), renderer, message.view());
            partition::Routed plain;
            (*second)->route(message.view(), plain);
            INFO(message.view());
            REQUIRE(told(*target) == told(plain));
        }
        remembered += router.hits();
        evaluated += router.evaluations();
    }
    CHECK(remembered > 500);
    CHECK(evaluated > 40);
}
