#include "support/catch.hpp"
#include "support/similar_rows.hpp"
#include "window/fingerprints.hpp"

#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::window;

namespace {

// A state store that takes changes.
struct Store {
    std::map<std::string, std::string> values;
    void take(Fingerprints& memory) {
        for (const Fingerprints::Change& c : memory.changes()) {
            if (c.value.empty()) {
                values.erase(c.name);
            } else {
                values[c.name] = c.value;
            }
        }
        memory.mark_stored();
    }
    void load(Fingerprints& memory) const {
        REQUIRE(memory.load(values.at("")).ok());
        const auto names = memory.chunk_names();
        CHECK(names.size() + 1 == values.size()); // nothing is left behind
        for (std::size_t i = 0; i < names.size(); ++i)
            REQUIRE(memory.load_chunk(i, values.at(names[i])).ok());
    }
};

void deliver(Fingerprints& memory, const Edges& window, std::vector<std::uint64_t> prints) {
    memory.expect(1, window, {std::move(prints)});
    memory.add(1);
}

} // namespace

TEST_CASE("what was delivered is known, over a restart, until its window lies too far back") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random{seed};
    Fingerprints memory{100'000, 64};
    Store store;
    std::map<std::int64_t, std::vector<std::uint64_t>> truth; // by window
    for (std::int64_t window = 0; window < 400; ++window) {
        std::vector<std::uint64_t> prints(1 + random() % 50); // at least one, for the last window is looked for
        for (std::uint64_t& print : prints) {
            print = random();
            REQUIRE_FALSE(memory.knows(print));
        }
        memory.expect(7, {window, window + 1}, {prints});
        for (const std::uint64_t print : prints)
            REQUIRE(memory.knows(print));
        memory.add(7);
        truth[window] = prints;
        memory.forget_before(window - 100);
        if (random() % 3 == 0) store.take(memory);
        if (random() % 20 == 0) {
            store.take(memory);
            memory = Fingerprints{100'000, 64};
            store.load(memory);
        }
        for (const auto& [w, list] : truth) {
            if (w < window - 100) continue;
            for (const std::uint64_t print : list)
                REQUIRE(memory.knows(print));
        }
    }
    CHECK(memory.size() < std::size_t{110} * 51);
    CHECK(memory.dropped() == 0);
    for (const std::uint64_t print : truth[0])
        CHECK_FALSE(memory.knows(print));
    CHECK(memory.floor() == 299);
    CHECK(memory.newest() == 400);
}

TEST_CASE("however seldom it is asked, it knows what is expected or delivered and not forgotten, and nothing else") {
    const unsigned seed = test::chosen_seed();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random{seed};
    Fingerprints memory{600, 32};
    std::map<std::uint64_t, std::vector<std::uint64_t>> expected; // by window
    std::deque<std::uint64_t> delivered;                          // in their order
    std::vector<std::uint64_t> forgotten;
    for (std::uint64_t window = 0; window < 3000; ++window) {
        std::vector<std::uint64_t>& prints = expected[window];
        prints.resize(random() % 20);
        for (std::uint64_t& print : prints)
            print = random();
        memory.expect(window, {static_cast<std::int64_t>(window), static_cast<std::int64_t>(window) + 1}, {prints});
        while (random() % 2 == 0 && !expected.empty()) { // in any order
            const auto next = std::next(expected.begin(), static_cast<std::ptrdiff_t>(random() % expected.size()));
            memory.add(next->first);
            delivered.insert(delivered.end(), next->second.begin(), next->second.end());
            expected.erase(next);
        }
        for (; delivered.size() > memory.size(); delivered.pop_front())
            forgotten.push_back(delivered.front());
        if (random() % 50 != 0) continue;
        for (const auto& [w, list] : expected)
            for (const std::uint64_t print : list)
                REQUIRE(memory.knows(print));
        for (const std::uint64_t print : delivered)
            REQUIRE(memory.knows(print));
        for (const std::uint64_t print : forgotten)
            REQUIRE_FALSE(memory.knows(print));
    }
    CHECK(forgotten.size() > 5000);
    CHECK(memory.size() <= 600);
}

TEST_CASE("a row that is later than all that are remembered is not searched for, unless some of their times are not known") {
    Fingerprints memory{100, 10};
    CHECK_FALSE(memory.may_know("2026-01-01T00:00:00"));
    CHECK(memory.may_know("")); // a row without a plain time
    memory.expect(1, {0, 1}, {{1, 2}, "2026-01-01T00:00:05"});
    CHECK(memory.may_know("2026-01-01T00:00:05"));
    CHECK(memory.may_know("2026-01-01T00:00:04"));
    CHECK_FALSE(memory.may_know("2026-01-01T00:00:05.1"));
    memory.add(1);
    CHECK(memory.may_know("2026-01-01T00:00:05"));
    CHECK_FALSE(memory.may_know("2026-01-01T00:00:06"));

    memory.expect(2, {1, 2}, {{3}, std::nullopt});
    CHECK(memory.may_know("2026-01-01T00:00:06"));
    memory.add(2);
    CHECK(memory.may_know("2026-01-01T00:00:06"));
    memory.forget_before(2);
    CHECK_FALSE(memory.may_know("2026-01-01T00:00:06"));

    memory.expect(3, {2, 3}, {{4}, "2026-01-01T00:00:05"});
    memory.add(3);
    Store store;
    store.take(memory);
    Fingerprints later{100, 10};
    store.load(later);
    CHECK(later.may_know("2026-01-01T00:00:06")); // what is stored has no times
    later.forget_before(3);
    CHECK_FALSE(later.may_know("2026-01-01T00:00:06"));
}

TEST_CASE("the parts of a window together are as late as the latest of them, if all are known") {
    Prints all;
    all.append({{1}, "2026-01-01T00:00:05"});
    all.append({{2, 3}, "2026-01-01T00:00:03"});
    CHECK(all.newest == "2026-01-01T00:00:05");
    all.append({{4}, std::nullopt});
    all.append({{5}, "2026-01-01T00:00:09"});
    CHECK(all.newest == std::nullopt);
    CHECK(all.list == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("when the memory is full the oldest go, it is counted, and what is not remembered is not read again") {
    Fingerprints memory{1000, 100};
    for (std::int64_t window = 0; window < 30; ++window) {
        std::vector<std::uint64_t> prints;
        for (std::uint64_t i = 0; i < 100; ++i)
            prints.push_back(static_cast<std::uint64_t>(window) * 1000 + i + 1);
        deliver(memory, {window * 10, window * 10 + 10}, prints);
        CHECK(memory.size() <= 1000);
    }
    CHECK(memory.dropped() == 2000);
    CHECK(memory.floor() == 200);
    CHECK(memory.cut());
    CHECK_FALSE(memory.knows(19'001));
    CHECK(memory.knows(20'001));
    CHECK(memory.knows(29'100));
}

TEST_CASE("a fingerprint of 0 is one like others, and identical rows have different ones") {
    Fingerprints memory;
    CHECK_FALSE(memory.knows(0));
    deliver(memory, {0, 1}, {0});
    CHECK(memory.knows(0));
    const Hash128 id = hash128("row");
    CHECK(fingerprint(id, 0) != fingerprint(id, 1));
}

TEST_CASE("stored bytes that this program did not write are refused") {
    Fingerprints memory;
    CHECK(memory.load("").error().code == Errc::state);
    CHECK_FALSE(memory.load("FGF2" + std::string(16, '\0')).ok());
    CHECK_FALSE(memory.load("FGF1" + std::string(17, '\0')).ok());
    CHECK_FALSE(memory.load("FGF1" + std::string(16, '\0') + std::string(32, '\xFF')).ok());
    const std::string chunk = std::string(24, '\0') + '\1' + std::string(7, '\0'); // 0, with one fingerprint
    CHECK(Fingerprints{}.load("FGF1" + std::string(16, '\0') + chunk).ok());
    CHECK_FALSE(Fingerprints{}.load("FGF1" + std::string(16, '\0') + chunk + chunk).ok());
    Fingerprints other;
    deliver(other, {0, 1}, {1, 2, 3});
    Store store;
    store.take(other);
    REQUIRE(memory.load(store.values.at("")).ok());
    CHECK_FALSE(memory.load_chunk(0, store.values.at("0").substr(8)).ok());
}

TEST_CASE("a restart knows that the memory reaches less far for lack of room, until it is not so any more") {
    Fingerprints memory{100, 10};
    for (std::int64_t window = 0; window < 12; ++window)
        deliver(memory, {window, window + 1}, std::vector<std::uint64_t>(10, static_cast<std::uint64_t>(window + 1)));
    REQUIRE(memory.cut());
    Store store;
    store.take(memory);
    Fingerprints later{100, 10};
    store.load(later);
    CHECK(later.dropped() == 0);
    CHECK(later.cut());
    CHECK(later.floor() == memory.floor());
    deliver(later, {12, 13}, {99}); // its name is the next one, whatever stands beside it in the list
    Store again = store;
    again.take(later);
    Fingerprints last{100, 10};
    again.load(last);
    CHECK(last.knows(99));
    CHECK(last.knows(5));
    last.forget_before(8);
    CHECK_FALSE(last.cut());
    again.take(last);
    Fingerprints well{100, 10};
    again.load(well);
    CHECK_FALSE(well.cut());
}

TEST_CASE("a list that was stored before it said so is read, and says that nothing was cut") {
    const std::string before = "FGF1" + std::string(8, '\x01') + "\x07" + std::string(7, '\0');
    Fingerprints memory;
    REQUIRE(memory.load(before).ok());
    CHECK_FALSE(memory.cut());
    for (const Fingerprints::Change& change : memory.changes())
        CHECK(change.value == before);
}
