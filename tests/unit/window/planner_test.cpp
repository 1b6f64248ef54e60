// The planner's rules one by one, in seconds for readability.
#include "support/catch.hpp"
#include "window/planner.hpp"

#include <vector>

using namespace fluxgate::window;
using Kind = Planner::Step::Kind;

namespace {

constexpr std::int64_t s = 1'000'000'000;

Cursor at(std::int64_t seconds) {
    Cursor c;
    c.position = seconds * s;
    return c;
}

Policy policy(std::int64_t window_s) {
    Policy p;
    p.window = window_s * s;
    return p;
}

Edges edges(std::int64_t start_s, std::int64_t stop_s) {
    return {start_s * s, stop_s * s};
}

// Reads the next window; it must be this one.
WindowId read(Planner& planner, std::int64_t now_s, const Edges& wanted) {
    const Planner::Step step = planner.next(now_s * s);
    REQUIRE(step.kind == Kind::read);
    CHECK(step.edges.start / s == wanted.start / s);
    CHECK(step.edges.stop / s == wanted.stop / s);
    CHECK(step.edges == wanted);
    return step.id;
}

// Reads a window with rows, of which one batch leaves and is delivered.
void read_and_deliver(Planner& planner, std::int64_t now_s, const Edges& wanted) {
    const WindowId id = read(planner, now_s, wanted);
    planner.emitted(id);
    planner.complete(id, 1);
    planner.settled(id, true);
}

} // namespace

TEST_CASE("windows follow each other without waiting until reading has caught up with now - delay") {
    Policy p = policy(600);
    p.delay = 10 * s;
    Planner planner{p, at(0)};
    planner.begin_tick(1500 * s);
    read_and_deliver(planner, 1500, edges(0, 600));
    read_and_deliver(planner, 1500, edges(600, 1200));
    read_and_deliver(planner, 1501, edges(1200, 1490)); // the tick's now counts: what came in meanwhile is for the next tick
    CHECK(planner.next(1502 * s).kind == Kind::caught_up);
    CHECK(planner.position() == 1490 * s);
    CHECK(planner.next(5000 * s).kind == Kind::read); // but a whole window behind is behind
}

TEST_CASE("nothing is read before its time, and a clock that goes back or jumps changes no edge") {
    Planner planner{policy(600), at(1000)};
    planner.begin_tick(900 * s);
    CHECK(planner.next(900 * s).kind == Kind::caught_up);
    planner.begin_tick(1100 * s);
    read_and_deliver(planner, 1100, edges(1000, 1100));
    planner.begin_tick(400 * s);
    CHECK(planner.next(400 * s).kind == Kind::caught_up);
    CHECK(planner.position() == 1100 * s);
    planner.begin_tick(1200 * s);
    read_and_deliver(planner, 1200, edges(1100, 1200));
}

TEST_CASE("reading ends at stop, with a shorter window before it") {
    Policy p = policy(600);
    p.stop = 700 * s;
    Planner planner{p, at(0)};
    planner.begin_tick(100'000 * s);
    read_and_deliver(planner, 100'000, edges(0, 600));
    const WindowId last = read(planner, 100'000, edges(600, 700));
    CHECK(planner.next(100'000 * s).kind == Kind::wait);
    planner.complete(last, 0);
    CHECK(planner.next(100'000 * s).kind == Kind::ended);
    CHECK(planner.position() == 700 * s);
}

TEST_CASE("aligned windows begin and end at multiples, wait for their whole end, and are never cut below one") {
    Policy p = policy(900);
    p.align = 600 * s; // the window is made a multiple: 600
    p.stop = 3500 * s; // 3000
    Planner planner{p, at(700)};
    planner.begin_tick(1799 * s);
    const WindowId first = read(planner, 1799, edges(600, 1200));
    CHECK_FALSE(planner.halve(first)); // it is read again as it is
    read_and_deliver(planner, 1799, edges(600, 1200));
    CHECK(planner.next(1799 * s).kind == Kind::caught_up);
    planner.begin_tick(1800 * s);
    read_and_deliver(planner, 1800, edges(1200, 1800));
    planner.begin_tick(9999 * s);
    read_and_deliver(planner, 9999, edges(1800, 2400));
    read_and_deliver(planner, 9999, edges(2400, 3000));
    CHECK(planner.next(9999 * s).kind == Kind::ended);
}

TEST_CASE("a window that is too large is read in halves, down to a second, and later ones grow back") {
    Planner planner{policy(8), at(0)};
    planner.begin_tick(1000 * s);
    WindowId id = read(planner, 1000, edges(0, 8));
    REQUIRE(planner.halve(id));
    id = read(planner, 1000, edges(0, 4));
    REQUIRE(planner.halve(id));
    id = read(planner, 1000, edges(0, 2));
    REQUIRE(planner.halve(id));
    id = read(planner, 1000, edges(0, 1));
    CHECK_FALSE(planner.halve(id));
    read_and_deliver(planner, 1000, edges(0, 1));
    read_and_deliver(planner, 1000, edges(1, 2));
    read_and_deliver(planner, 1000, edges(2, 4)); // the other halves stay as they were planned
    read_and_deliver(planner, 1000, edges(4, 8)); // the fourth success: larger again
    read_and_deliver(planner, 1000, edges(8, 10));
    for (std::int64_t start = 10; start < 16; start += 2)
        read_and_deliver(planner, 1000, edges(start, start + 2));
    for (std::int64_t start = 16; start < 32; start += 4)
        read_and_deliver(planner, 1000, edges(start, start + 4));
    read_and_deliver(planner, 1000, edges(32, 40));
    read_and_deliver(planner, 1000, edges(40, 48)); // no larger than `window`
}

TEST_CASE("windows without rows grow while they stay empty, bounded, and the first row ends that") {
    Planner planner{policy(600), at(0)};
    planner.begin_tick(10'000'000 * s);
    std::int64_t start = 0, size = 600;
    for (int i = 0; i < 10; ++i) {
        planner.complete(read(planner, 10'000'000, edges(start, start + size)), 0);
        start += size;
        size = std::min<std::int64_t>(size * 2, 64 * 600);
    }
    CHECK(planner.position() == start * s);
    read_and_deliver(planner, 10'000'000, edges(start, start + 64 * 600));
    start += 64 * 600;
    read_and_deliver(planner, 10'000'000, edges(start, start + 600));

    Planner hourly{policy(3600), at(0)}; // 24 hours are the bound
    hourly.begin_tick(100'000'000 * s);
    for (start = 0, size = 3600; size < 86'400; start += size, size = std::min<std::int64_t>(size * 2, 86'400))
        hourly.complete(read(hourly, 100'000'000, edges(start, start + size)), 0);
    hourly.complete(read(hourly, 100'000'000, edges(start, start + 86'400)), 0);
    read(hourly, 100'000'000, edges(start + 86'400, start + 2 * 86'400));
}

TEST_CASE("the cursor moves only over windows that are complete and delivered, without gaps") {
    Policy p = policy(10);
    p.concurrency = 3;
    Planner planner{p, at(0)};
    planner.begin_tick(1000 * s);
    const WindowId a = read(planner, 1000, edges(0, 10)), b = read(planner, 1000, edges(10, 20)), c = read(planner, 1000, edges(20, 30));
    CHECK(planner.next(1000 * s).kind == Kind::wait);
    planner.emitted(c);
    planner.emitted(b);
    planner.emitted(a);
    planner.complete(c, 5);
    planner.settled(c, true);
    CHECK(planner.position() == 0);
    CHECK(planner.cursor().passed == std::vector<Edges>{edges(20, 30)});
    CHECK(planner.moved_past_rows()); // so that a restart does not read it again
    planner.mark_stored();
    planner.settled(b, true);
    CHECK(planner.position() == 0); // delivered so far, but not complete
    planner.complete(a, 5);
    CHECK(planner.position() == 0); // complete, but not delivered
    CHECK_FALSE(planner.moved());
    planner.settled(a, true);
    CHECK(planner.position() == 10 * s);
    planner.complete(b, 5);
    CHECK(planner.position() == 30 * s);
    CHECK(planner.all_passed());
}

TEST_CASE("a window with a batch that was abandoned is never passed in this run, even when it is read again") {
    Planner planner{policy(10), at(0)};
    planner.begin_tick(1000 * s);
    const WindowId id = read(planner, 1000, edges(0, 10));
    planner.emitted(id);
    planner.emitted(id);
    planner.failed(id);
    CHECK(read(planner, 1000, edges(0, 10)) == id);
    planner.settled(id, false);
    planner.complete(id, 3);
    planner.settled(id, true);
    read_and_deliver(planner, 1000, edges(10, 20));
    CHECK(planner.position() == 0);
    CHECK(planner.cursor().planned == std::vector<Edges>{edges(0, 10)});
    CHECK(planner.cursor().passed == std::vector<Edges>{edges(10, 20)});
}

TEST_CASE("batches of a try that failed count until they are acknowledged") {
    Planner planner{policy(10), at(0)};
    planner.begin_tick(1000 * s);
    const WindowId id = read(planner, 1000, edges(0, 10));
    planner.emitted(id);
    REQUIRE(planner.halve(id));
    planner.complete(read(planner, 1000, edges(0, 5)), 0);
    planner.complete(read(planner, 1000, edges(5, 10)), 0);
    CHECK(planner.position() == 0);
    planner.settled(id, true);
    CHECK(planner.position() == 10 * s);
}

TEST_CASE("a restart reads exactly the planned edges again, skips what is passed, and fills what is left out") {
    Cursor stored = at(100);
    stored.planned = {edges(100, 117), edges(140, 150)};
    stored.passed = {edges(117, 130)};
    Planner planner{policy(60), stored};
    planner.begin_tick(1000 * s);
    CHECK(planner.cursor().planned == std::vector<Edges>{edges(100, 117), edges(130, 140), edges(140, 150)});
    const WindowId first = read(planner, 1000, edges(100, 117));
    CHECK(planner.stored(first));
    planner.complete(first, 0);
    CHECK(planner.position() == 130 * s);
    read_and_deliver(planner, 1000, edges(130, 140));
    read_and_deliver(planner, 1000, edges(140, 150));
    const WindowId next = read(planner, 1000, edges(150, 210));
    CHECK_FALSE(planner.stored(next));
    planner.mark_stored();
    CHECK(planner.stored(next));
}

TEST_CASE("planned windows whose end is not past, for the clock went back, are not read before it is") {
    Cursor stored = at(100);
    stored.planned = {edges(100, 160)};
    Planner planner{policy(60), stored};
    planner.begin_tick(120 * s);
    CHECK(planner.next(120 * s).kind == Kind::caught_up);
    planner.begin_tick(160 * s);
    read(planner, 160, edges(100, 160));
}

TEST_CASE("a window that was planned by a clock which was ahead is planned anew, unless a batch of it left") {
    Planner planner{policy(600), at(0)};
    planner.begin_tick(500 * s);
    planner.failed(read(planner, 500, edges(0, 500)));
    const WindowId id = read(planner, 400, edges(0, 400)); // the clock was put right
    planner.emitted(id);
    planner.failed(id);
    CHECK(planner.next(300 * s).kind == Kind::caught_up);
    planner.begin_tick(450 * s);
    read(planner, 450, edges(0, 400));
}

TEST_CASE("only so many windows wait for acknowledgement") {
    Policy p = policy(10);
    p.max_waiting = 3;
    Planner planner{p, at(0)};
    planner.begin_tick(1000 * s);
    std::vector<WindowId> ids;
    for (std::int64_t start = 0; start < 30; start += 10) {
        ids.push_back(read(planner, 1000, edges(start, start + 10)));
        planner.emitted(ids.back());
        planner.complete(ids.back(), 1);
    }
    CHECK(planner.next(1000 * s).kind == Kind::wait);
    CHECK(planner.reading() == 0);
    planner.settled(ids[1], true); // beyond a gap: kept until the gap closes
    CHECK(planner.next(1000 * s).kind == Kind::wait);
    planner.settled(ids[0], true);
    CHECK(planner.waiting() == 1);
    read(planner, 1000, edges(30, 40));
}

TEST_CASE("only so many rows wait for acknowledgement, and go on being read when they are acknowledged, beyond a gap as well") {
    Policy p = policy(10);
    p.max_waiting_rows = 100;
    p.concurrency = 2;
    Planner planner{p, at(0)};
    planner.begin_tick(1000 * s);
    const WindowId first = read(planner, 1000, edges(0, 10)), second = read(planner, 1000, edges(10, 20));
    planner.emitted(first);
    planner.emitted(second);
    planner.complete(first, 60);
    const WindowId third = read(planner, 1000, edges(20, 30));
    planner.complete(second, 60); // on top
    CHECK(planner.next(1000 * s).kind == Kind::wait);
    planner.failed(third); // what was planned waits as well
    CHECK(planner.next(1000 * s).kind == Kind::wait);
    CHECK(planner.reading() == 0);
    planner.settled(second, true);
    CHECK(read(planner, 1000, edges(20, 30)) == third);
    planner.complete(third, 1000); // no batch of it left: nothing has to be acknowledged
    read(planner, 1000, edges(30, 40));
    planner.settled(first, true);
    CHECK(planner.position() == 30 * s);
}

TEST_CASE("look-back is asked for by a tick's first window and near now, and such a window is read alone") {
    Policy p = policy(100);
    p.lookback = 150 * s;
    p.concurrency = 4;
    Planner planner{p, at(0)};
    planner.begin_tick(1000 * s);
    const auto step = [&] { return planner.next(1000 * s); };
    const Planner::Step first = step();
    CHECK(first.look_back);
    CHECK(step().kind == Kind::wait);
    planner.complete(first.id, 1);
    std::vector<WindowId> ids;
    for (int i = 0; i < 4; ++i) { // far behind: side by side
        const Planner::Step far = step();
        REQUIRE(far.kind == Kind::read);
        CHECK_FALSE(far.look_back);
        ids.push_back(far.id);
    }
    CHECK(step().kind == Kind::wait);
    for (const WindowId id : ids)
        planner.complete(id, 1);
    ids.clear();
    for (int i = 0; i < 3; ++i) { // 500-600, 600-700, 700-800
        const Planner::Step far = step();
        CHECK_FALSE(far.look_back);
        ids.push_back(far.id);
    }
    CHECK(step().kind == Kind::wait); // 800-900 is near: a row of 750 may still come 150 s late
    for (const WindowId id : ids)
        planner.complete(id, 1);
    const Planner::Step near = step();
    CHECK(near.look_back);
    CHECK(step().kind == Kind::wait);
    planner.failed(near.id);
    CHECK(step().look_back);
}

TEST_CASE("edges at the ends of time do not overflow") {
    Policy p;
    p.window = INT64_MAX;
    Cursor c;
    c.position = INT64_MIN;
    Planner planner{p, c};
    planner.begin_tick(INT64_MAX);
    const Planner::Step step = planner.next(INT64_MAX);
    REQUIRE(step.kind == Kind::read);
    CHECK(step.edges.start == INT64_MIN);
    CHECK(step.edges.stop > step.edges.start);
    planner.complete(step.id, 0);
    CHECK(planner.position() == step.edges.stop);
}
