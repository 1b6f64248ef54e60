// Rows that are read by what they share with the row before.
#include "flux/find.hpp"
#include "flux/reader.hpp"
#include "support/catch.hpp"
#include "support/reference_reader.hpp"
#include "support/similar_rows.hpp"

#include <string>
#include <vector>

using namespace fluxgate;
using flux::Event;
using test::ReferenceEvent;

namespace {

struct Shared {
    std::size_t rows = 0, fields = 0; // that were known without looking at them
};

// Reads `body` in pieces of random size and demands what the reference reader says; what a row is said to share with the one
// before has to be so.
void demand_reference(test::SimilarRows& random, const std::string& body, const flux::Limits& limits, std::size_t largest, Shared& shared) {
    const test::ReferenceAnswer wanted = test::read_reference(body, limits);
    flux::Reader reader{limits};
    std::size_t next = 0;
    bool failed = false;
    for (std::size_t at = 0; at < body.size() && !failed;) {
        const std::string piece = body.substr(at, 1 + random.below(largest)); // a place of its own: views into an old piece would show
        at += piece.size();
        reader.feed(piece);
        for (Event event = reader.next(); event != Event::need_more; event = reader.next()) {
            if (event == Event::failed) {
                failed = true;
                break;
            }
            REQUIRE(next < wanted.events.size());
            const ReferenceEvent& expected = wanted.events[next++];
            REQUIRE(event == expected.kind);
            if (event == Event::table) continue;
            const flux::Row& row = reader.row();
            REQUIRE(row.raw == expected.raw);
            REQUIRE(row.number == expected.number);
            REQUIRE(row.offset == expected.offset);
            REQUIRE(row.fields.size() == expected.fields.size());
            if (row.same_before > 0) ++shared.rows;
            for (std::size_t i = 0; i < row.fields.size(); ++i) {
                REQUIRE(row.fields[i].raw() == expected.fields[i].raw);
                REQUIRE(row.fields[i].flags == expected.fields[i].flags);
                if (i >= row.same_before && i < row.same_from) continue;
                ++shared.fields;
                REQUIRE(expected.fields[i] == wanted.events[next - 2].fields.at(i));
            }
        }
    }
    REQUIRE(next == wanted.events.size());
    REQUIRE(failed == wanted.failure.has_value());
    REQUIRE(reader.finish().empty() == wanted.finish.empty());
    REQUIRE(reader.bytes() == wanted.bytes);
    REQUIRE(reader.records() == wanted.records);
}

} // namespace

TEST_CASE("rows that resemble the row before are what the reference reader says, in any pieces") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    test::SimilarRows random{seed};
    Shared shared;
    for (int round = 0; round < 300; ++round) {
        const std::string body = random.body(80);
        demand_reference(random, body, {}, round % 3 == 0 ? 7 : round % 3 == 1 ? 500 : 1u << 20, shared);
    }
    CHECK(shared.rows > 3000);
    CHECK(shared.fields > 6000);
}

TEST_CASE("a row beyond the limit of bytes is a long row, also when it resembles the row before") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    test::SimilarRows random{seed};
    Shared shared;
    for (int round = 0; round < 100; ++round) {
        flux::Limits limits;
        limits.max_row_bytes = static_cast<std::uint32_t>(10 + random.below(120));
        demand_reference(random, random.body(40), limits, 400, shared);
    }
}

TEST_CASE("a defect in a row that resembles the row before is told like any other, with row, column and byte") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    test::SimilarRows random{seed};
    Shared shared;
    for (int round = 0; round < 600; ++round) {
        std::string body = random.body(30);
        static const std::string wrong = "\",\r\n#x\\";
        for (std::size_t k = 0, changes = 1 + random.below(2); k < changes; ++k) {
            const std::size_t at = random.below(body.size());
            if (random.below(3) == 0) {
                body.erase(at, 1 + random.below(3));
            } else {
                body.insert(at, 1, wrong[random.below(wrong.size())]);
            }
        }
        demand_reference(random, body, {}, 600, shared);
    }
}

TEST_CASE("the common beginning of two texts ends at their first different byte, and the vector code equals the portable one") {
    for (std::size_t size = 0; size < 70; ++size) {
        std::string a(size, 'a');
        CHECK(flux::find::common_prefix(a.data(), a.data(), size) == size);
        for (std::size_t at = 0; at < size; ++at) {
            std::string b = a;
            b[at] = 'b';
            REQUIRE(flux::find::common_prefix(a.data(), b.data(), size) == at);
            REQUIRE(flux::find::common_prefix_portable(a.data(), b.data(), size) == at);
            REQUIRE_FALSE(flux::find::equal(a.data(), b.data(), size));
        }
    }
}
