#include "support/catch.hpp"
#include "window/planner.hpp"
#include "window/split.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace fluxgate::window;

namespace {

constexpr std::int64_t s = 1'000'000'000;
const Edges second{100 * s, 101 * s};

ReadSpec spec(std::vector<std::string> measurements, std::vector<std::string> columns = {}) {
    return {"plant", std::move(measurements), {}, std::move(columns), {}};
}

bool reads(const Ask& ask, const std::string& measurement) {
    return ask.kind == Ask::Kind::part && ask.measurement == measurement;
}

// Reads the rest of a window that is read in parts; how many queries that took.
int read_all(Split& split, WindowId id) {
    int parts = 1;
    while (split.read(id))
        ++parts;
    return parts;
}

} // namespace

TEST_CASE("a window that is too large and cannot be cut is read measurement by measurement, and is complete behind the last") {
    Split split{spec({"a", "b", "a", "c"})};
    Ask ask = split.begin(1, second, true);
    CHECK(ask.kind == Ask::Kind::whole);
    CHECK(ask.query.empty());
    CHECK(split.whole(1));
    REQUIRE(split.too_much(1, false));
    CHECK_FALSE(split.whole(1));
    ask = split.begin(1, second, true);
    CHECK(reads(ask, "a"));
    CHECK(ask.begins);
    CHECK(ask.query == flux_of(spec({"a"})));
    const auto b = split.read(1);
    REQUIRE(b);
    CHECK(reads(*b, "b"));
    CHECK_FALSE(b->begins);
    const auto c = split.read(1);
    REQUIRE(c);
    CHECK(reads(*c, "c")); // "a" is named twice and read once
    CHECK_FALSE(split.read(1));
}

TEST_CASE("without measurements the server is asked for them, and one part more takes the rows of all others") {
    Split split{spec({})};
    (void)split.begin(1, second, true);
    REQUIRE(split.too_much(1, true));
    const Ask names = split.begin(1, second, true);
    CHECK(names.kind == Ask::Kind::names);
    CHECK(names.query == "from(bucket: \"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> keep(columns: "
                         "[\"_measurement\"]) |> group() |> distinct(column: \"_measurement\")");
    CHECK(reads(split.names_read(1, {"x", "y", "x"}), "x"));
    REQUIRE(reads(*split.read(1), "y"));
    const auto rest = split.read(1);
    REQUIRE(rest);
    CHECK(rest->kind == Ask::Kind::part);
    CHECK(rest->measurement.empty());
    CHECK(rest->query == "from(bucket: \"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> filter(fn: (r) => "
                         "r._measurement != \"x\" and r._measurement != \"y\") |> drop(columns: [\"_start\", \"_stop\"])");
    CHECK_FALSE(split.read(1));
}

TEST_CASE("a list of names without end makes a bounded number of parts, and the last one still takes what is in none") {
    std::vector<std::string> names;
    for (int i = 0; i < 5000; ++i)
        names.push_back("m" + std::to_string(i));
    Split split{spec({})};
    (void)split.begin(1, second, true);
    REQUIRE(split.too_much(1, true));
    (void)split.begin(1, second, true);
    (void)split.names_read(1, names);
    CHECK(read_all(split, 1) == static_cast<int>(Split::most_names) + 1);
    const auto parts = parts_of(spec({}), {"a", "b"});
    REQUIRE(parts.size() == 3);
    CHECK(parts.back().others_than == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what cannot be split is not: a query of one's own, one measurement, a list that has one, a part, the list itself") {
    Split plain{std::nullopt};
    (void)plain.begin(1, second, true);
    CHECK_FALSE(plain.too_much(1, false));
    Split one{spec({"a", "a"})};
    (void)one.begin(1, second, true);
    CHECK_FALSE(one.too_much(1, false));

    Split listed{spec({})};
    (void)listed.begin(1, second, true);
    REQUIRE(listed.too_much(1, false));
    CHECK(listed.begin(1, second, true).kind == Ask::Kind::names);
    CHECK_FALSE(listed.too_much(1, false)); // the list took too long
    CHECK(listed.begin(1, second, true).kind == Ask::Kind::names);
    CHECK(listed.names_read(1, {"only"}).kind == Ask::Kind::whole);
    CHECK_FALSE(listed.too_much(1, false));
    CHECK(listed.begin(1, second, true).kind == Ask::Kind::whole); // not asked for names again
    CHECK_FALSE(listed.read(1));

    Split parts{spec({"a", "b"})};
    (void)parts.begin(1, second, true);
    REQUIRE(parts.too_much(1, false));
    (void)parts.begin(1, second, true);
    CHECK_FALSE(parts.too_much(1, false)); // "a" alone
    CHECK(reads(parts.begin(1, second, true), "a"));
}

TEST_CASE("a window is taken up at the part that failed, for rows of different measurements are never identical") {
    for (const std::vector<std::string>& columns : {std::vector<std::string>{}, {"_time", "_measurement"}}) {
        Split split{spec({"a", "b", "c"}, columns)};
        (void)split.begin(1, second, true);
        REQUIRE(split.too_much(1, true)); // fewer distinct rows in each part
        (void)split.begin(1, second, true);
        const auto b = split.read(1);
        REQUIRE(b);
        CHECK_FALSE(b->counts_on);
        split.failed(1);
        const Ask again = split.begin(1, second, true);
        CHECK(reads(again, "b"));
        CHECK_FALSE(again.begins);
        CHECK(read_all(split, 1) == 2);
    }
}

TEST_CASE("where rows of several measurements may be identical they are counted on, and a failure begins the window anew") {
    Split split{spec({"a", "b", "c"}, {"_time", "_value"})};
    (void)split.begin(1, second, true);
    CHECK_FALSE(split.too_much(1, true)); // their distinct rows are counted together, so parts are no help
    (void)split.begin(1, second, true);
    REQUIRE(split.too_much(1, false));
    CHECK_FALSE(split.begin(1, second, true).counts_on);
    const auto b = split.read(1);
    REQUIRE(b);
    CHECK(b->counts_on);
    split.failed(1);
    const Ask again = split.begin(1, second, true);
    CHECK(reads(again, "a"));
    CHECK(again.begins);
    CHECK_FALSE(again.counts_on);
}

TEST_CASE("another range of a window, as look-back gives it, begins it anew") {
    Split split{spec({"a", "b"})};
    (void)split.begin(1, second, true);
    REQUIRE(split.too_much(1, false));
    (void)split.begin(1, second, true);
    REQUIRE(split.read(1));
    split.failed(1);
    const Ask wider = split.begin(1, {second.start - 60 * s, second.stop}, true);
    CHECK(wider.begins);
    CHECK_FALSE(reads(wider, "b"));
}

TEST_CASE("windows behind one that was split are read in parts, and more and more seldom one is tried whole again") {
    Split split{spec({"a", "b"})};
    (void)split.begin(1, second, true);
    REQUIRE(split.too_much(1, false));
    (void)split.begin(1, second, true);
    read_all(split, 1);
    std::vector<int> pauses;
    int pause = 1;
    for (WindowId id = 2; pauses.size() < 9; ++id) {
        if (split.begin(id, second, true).kind == Ask::Kind::whole) {
            pauses.push_back(pause);
            pause = 0;
            REQUIRE(split.too_much(id, false));
            CHECK(reads(split.begin(id, second, true), "a"));
        }
        read_all(split, id);
        ++pause;
    }
    CHECK(pauses == std::vector<int>{4, 8, 16, 32, 64, 128, 256, 256, 256});
    // One that can still be cut in time is read whole, whatever was before.
    CHECK(split.begin(10'000, {0, 60 * s}, false).kind == Ask::Kind::whole);
    split.failed(10'000);
}

TEST_CASE("when a window can be read whole again, that is the rule again") {
    Split split{spec({"a", "b"})};
    (void)split.begin(1, second, true);
    REQUIRE(split.too_much(1, false));
    for (WindowId id = 1; id <= 4; ++id) {
        CHECK(split.begin(id, second, true).kind == Ask::Kind::part);
        read_all(split, id);
    }
    CHECK(split.begin(5, second, true).kind == Ask::Kind::whole);
    CHECK_FALSE(split.read(5));
    CHECK(split.begin(6, second, true).kind == Ask::Kind::whole);
    CHECK_FALSE(split.read(6));
}

TEST_CASE("windows that are read in parts do not make later ones grow") {
    Policy policy;
    policy.window = 16 * s;
    Cursor cursor;
    cursor.position = 0;
    Planner planner{policy, cursor};
    planner.begin_tick(1000 * s);
    Planner::Step step = planner.next(1000 * s);
    while (planner.halve(step.id))
        step = planner.next(1000 * s);
    CHECK(planner.is_smallest(step.id));
    CHECK(planner.size() == s);
    for (int i = 0; i < 20; ++i) {
        step = planner.next(1000 * s);
        REQUIRE(step.kind == Planner::Step::Kind::read);
        planner.complete(step.id, 5, false);
    }
    CHECK(planner.size() == s);
    for (int i = 0; i < 20; ++i) {
        step = planner.next(1000 * s);
        planner.complete(step.id, 5);
    }
    CHECK(planner.size() > s);
}
