// The books find each way in which a program can lose rows, repeat them or run ahead, and find nothing in a run that does neither.
#include "account.hpp"

#include "support/catch.hpp"

using namespace fluxgate::nothing_lost;

namespace {

constexpr Instant s = 1'000'000'000;

Row row(Instant t) {
    return {t * s, "row " + std::to_string(t)};
}

Message message(Instant t, const Edges& window) {
    return {"row " + std::to_string(t), "id " + std::to_string(t), {window.start * s, window.stop * s}, 0};
}

Snapshot state(Instant position, std::vector<Edges> planned = {}, std::vector<Edges> passed = {}) {
    for (std::vector<Edges>* list : {&planned, &passed})
        for (Edges& e : *list)
            e = {e.start * s, e.stop * s};
    return {true, position * s, std::move(planned), std::move(passed)};
}

// Ten rows, one a second, from 0 to 9.
struct Books {
    explicit Books(bool verified = true, Instant lookback = 0) : account({{0, 10 * s}, lookback * s, verified}, rows()) {}
    static std::vector<Row> rows() {
        std::vector<Row> out;
        for (Instant t = 0; t < 10; ++t)
            out.push_back(row(t));
        return out;
    }
    void deliver(Instant from, Instant to, const Edges& window) {
        for (Instant t = from; t < to; ++t)
            account.delivered(message(t, window), "here");
    }
    // Whether the only thing that was found is this.
    [[nodiscard]] bool found(const std::string& text) const {
        INFO(text);
        for (const std::string& v : account.violations())
            UNSCOPED_INFO(v);
        return account.violations().size() == 1 && account.violations()[0].find(text) != std::string::npos;
    }
    Account account;
};

} // namespace

TEST_CASE("a run that is killed and reads its planned window again has done nothing wrong") {
    Books b;
    b.account.begin_run();
    b.deliver(0, 5, {0, 5});
    b.deliver(5, 8, {5, 10});
    b.account.end_run(state(5, {{5, 10}}), {});
    b.account.begin_run();
    b.deliver(5, 10, {5, 10});
    b.account.end_run(state(10), {});
    b.account.finish();
    CHECK(b.account.violations().empty());
    const Totals t = b.account.totals();
    CHECK(t.rows == 10);
    CHECK(t.repeated == 3);
    CHECK(t.repeatable == 3);
    CHECK(t.lost + t.duplicates + t.cursor_ahead == 0);
}

TEST_CASE("a cursor that passes a row which was not delivered is found after that kill") {
    Books b;
    b.account.begin_run();
    b.deliver(0, 4, {0, 5});
    SECTION("by its position") {
        b.account.end_run(state(5), {});
        CHECK(b.found("is ahead of what is delivered: row 4, never delivered"));
    }
    SECTION("by a stretch beyond a gap") {
        b.account.end_run(state(0, {{0, 5}}, {{5, 6}}), {});
        CHECK(b.found("is ahead of what is delivered: row 5, never delivered"));
    }
    CHECK(b.account.totals().cursor_ahead == 1);
}

TEST_CASE("a row that never comes is lost") {
    Books b;
    b.account.begin_run();
    b.deliver(0, 10, {0, 10});
    b.account.end_run(state(10), {});
    Account other({{0, 11 * s}, 0, true}, [] {
        std::vector<Row> rows = Books::rows();
        rows.push_back(row(10));
        return rows;
    }());
    other.begin_run();
    for (Instant t = 0; t < 10; ++t)
        other.delivered(message(t, {0, 11}), "here");
    other.end_run(state(0, {{0, 11}}), {});
    CHECK(other.violations().empty()); // it may come yet
    other.finish();
    CHECK(other.violations().size() == 2); // it did not end at incremental.stop, either
    CHECK(other.totals().lost == 1);
}

TEST_CASE("a row that comes again though it was acknowledged is a duplicate") {
    Books b;
    b.account.begin_run();
    b.deliver(0, 5, {0, 5});
    b.account.end_run(state(5), {});
    b.account.begin_run();
    SECTION("in the window that was acknowledged") {
        b.deliver(4, 5, {0, 5});
        CHECK(b.account.violations().size() == 2);
        CHECK(b.account.totals().duplicates == 1);
    }
    SECTION("not where look-back found it, and a later run that did not look back had the window acknowledged") {
        Books late{true, 5};
        late.account.begin_run();
        late.deliver(0, 4, {0, 5});
        late.account.inserted(4 * s + 1, "late");
        late.deliver(4, 5, {0, 5});
        late.account.end_run(state(0, {{0, 5}}, {}), {});
        late.account.begin_run();
        late.deliver(0, 5, {0, 5});
        late.account.delivered({"late", "id late", {5 * s, 7 * s}, 0}, "here");
        late.account.end_run(state(5, {{5, 7}}), {});
        late.account.begin_run();
        late.deliver(5, 7, {5, 7});
        late.account.end_run(state(7), {});
        late.account.begin_run();
        late.account.delivered({"late", "id late", {7 * s, 10 * s}, 0}, "here");
        late.account.end_run(state(7, {{7, 10}}), {});
        CHECK(late.account.violations().empty());
    }
    SECTION("by look-back") {
        Books late{true, 5};
        late.account.begin_run();
        late.deliver(0, 5, {0, 5});
        late.account.end_run(state(5), {});
        late.account.begin_run();
        late.deliver(4, 5, {5, 10});
        CHECK(late.found("has a row again though the state"));
    }
}

TEST_CASE("a row that comes twice in one run is a duplicate unless an answer failed and delivery is streaming") {
    for (const bool verified : {true, false})
        for (const bool failed : {true, false}) {
            INFO(verified << failed);
            Books b{verified};
            b.account.begin_run();
            b.deliver(0, 3, {0, 5});
            b.deliver(0, 5, {0, 5});
            b.account.end_run(state(5), {failed});
            CHECK(b.account.violations().empty() == (failed && !verified));
        }
}

TEST_CASE("rows of a window whose edges are not in the state are found, and windows that are read with other edges than planned") {
    Books b;
    b.account.begin_run();
    b.deliver(0, 5, {0, 5});
    SECTION("nothing was stored") {
        b.account.end_run(state(0), {});
        CHECK(b.found("rows of the window [1970-01-01T00:00:00Z, 1970-01-01T00:00:05Z) were delivered"));
    }
    SECTION("it is cut in another place") {
        b.account.end_run(state(0, {{0, 5}, {5, 10}}), {});
        b.account.begin_run();
        b.deliver(4, 5, {4, 6});
        CHECK(b.found("said that [1970-01-01T00:00:00Z, 1970-01-01T00:00:05Z) is to be read again"));
    }
    SECTION("halves of it are good") {
        b.account.end_run(state(0, {{0, 5}, {5, 10}}), {});
        b.account.begin_run();
        b.deliver(0, 3, {0, 3});
        b.deliver(3, 5, {3, 5});
        b.account.end_run(state(3, {{3, 5}, {5, 10}}), {});
        CHECK(b.account.violations().empty());
    }
}

TEST_CASE("a state that goes back, forgets or leaves a hole is found") {
    Books b;
    b.account.begin_run();
    b.deliver(0, 5, {0, 5});
    b.deliver(8, 9, {8, 9});
    b.account.end_run(state(5, {{5, 8}}, {{8, 9}}), {});
    CHECK(b.account.violations().empty());
    b.account.begin_run();
    SECTION("back") {
        b.account.end_run(state(3, {{3, 8}}, {{8, 9}}), {});
        CHECK(b.found("the cursor went back"));
    }
    SECTION("forgets") {
        b.account.end_run(state(5, {{5, 9}}), {});
        CHECK(b.found("and has it so no more"));
    }
    SECTION("a hole") {
        b.account.end_run(state(5, {{6, 8}}, {{8, 9}}), {});
        CHECK(b.found("the state leaves out [1970-01-01T00:00:05Z, 1970-01-01T00:00:06Z)"));
    }
    SECTION("gone") {
        b.account.end_run({}, {});
        CHECK(b.found("the state is gone"));
    }
}

TEST_CASE("rowIds that two rows share, that change, rows nobody had and rows that change their partition are found") {
    Books b;
    b.account.begin_run();
    b.deliver(0, 1, {0, 5});
    Message m = message(1, {0, 5});
    SECTION("shared") {
        m.row_id = "id 0";
        b.account.delivered(m, "here");
        CHECK(b.found("two rows have the rowId id 0"));
    }
    SECTION("changed") {
        m = message(0, {0, 5});
        m.row_id = "another";
        b.account.delivered(m, "here");
        CHECK(b.found("again with another rowId"));
    }
    SECTION("not the server's") {
        m.payload = "row 77";
        b.account.delivered(m, "here");
        CHECK(b.found("the server never had"));
    }
    SECTION("elsewhere") {
        m = message(0, {0, 5});
        m.partition = 3;
        b.account.delivered(m, "here");
        CHECK(b.found("in another partition"));
    }
    SECTION("at another time") {
        b.account.delivered(message(7, {0, 5}), "here");
        CHECK(b.found("of another time than its window"));
    }
}

TEST_CASE("late rows are owed when look-back had to find them, and only then") {
    Books b{true, 3};
    b.account.begin_run();
    b.deliver(0, 5, {0, 5});
    b.account.inserted(1 * s + 1, "too late");
    b.account.inserted(3 * s + 1, "late");
    b.account.inserted(7 * s + 1, "in time");
    b.account.end_run(state(5, {{5, 10}}), {});
    b.account.begin_run();
    b.deliver(5, 10, {5, 10});
    SECTION("found") {
        for (const auto& [t, payload] : {std::pair{3 * s + 1, "late"}, std::pair{7 * s + 1, "in time"}})
            b.account.delivered({payload, "id " + std::to_string(t), {5 * s, 10 * s}, 0}, "here");
        b.account.end_run(state(10), {});
        b.account.finish();
        CHECK(b.account.violations().empty());
        CHECK(b.account.totals().late_owed == 2);
        CHECK(b.account.totals().late_rows == 3);
    }
    SECTION("not found") {
        b.account.end_run(state(10), {});
        CHECK(b.account.violations().size() == 2);
        CHECK(b.account.totals().cursor_ahead == 2);
    }
    SECTION("not found yet") {
        b.account.end_run(state(5, {{5, 10}}), {});
        CHECK(b.account.violations().empty());
    }
}
