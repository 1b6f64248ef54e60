#include "observe/progress.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::observe;

namespace {

constexpr std::int64_t ms = 1'000'000, second = 1000 * ms;
constexpr std::int64_t epoch = 1'700'000'000; // seconds

Sample at(double seconds, std::uint64_t rows) {
    Sample out;
    out.at_ns = static_cast<std::int64_t>(seconds * 1e9);
    out.wall_ns = epoch * second + out.at_ns;
    out.numbers.rows = rows;
    return out;
}

History history_of(const std::vector<Sample>& samples) {
    History out;
    for (const Sample& s : samples)
        remember(out, s);
    return out;
}

Sample with_cursor(double seconds, std::uint64_t rows, double cursor, double start, double stop) {
    Sample out = at(seconds, rows);
    out.numbers.cursor = epoch + cursor;
    out.numbers.start = epoch + start;
    out.numbers.stop = epoch + stop;
    return out;
}

} // namespace

TEST_CASE("what the line says for which numbers at what time") {
    Sample lagging = at(10, 1234567);
    lagging.numbers.cursor = epoch - 75;
    lagging.numbers.queued_bytes = 1572864;
    lagging.numbers.dead_letters = 3;
    Sample bytes = at(5, 100);
    bytes.numbers.body_bytes = 10u << 20;
    Sample retrying = at(5, 100), person = at(5, 100);
    retrying.numbers.health = FG_HEALTH_RETRYING;
    person.numbers.health = FG_HEALTH_NEEDS_ATTENTION;

    struct Row {
        const char* what;
        std::vector<Sample> samples;
        std::string line;
    };
    const std::vector<Row> table{
        {"nothing is known of the rate yet", {at(0, 0)}, "p  - rows/s  0 rows  queue 0 B  dead letters 0"},
        {"one row", {at(0, 0), at(1, 1)}, "p  1 rows/s  1 row  queue 0 B  dead letters 0"},
        {"the rate is over five seconds, not over all",
         {at(0, 0), at(5, 1000000), at(10, 1234567)},
         "p  46,913 rows/s  1,234,567 rows  queue 0 B  dead letters 0"},
        {"plain reading has no lag, incremental reading has",
         {at(5, 1234567), lagging},
         "p  0 rows/s  1,234,567 rows  lag 1m25s  queue 1.5 MiB  dead letters 3"},
        {"a long pause ends in zero", {at(0, 5), at(6, 5)}, "p  0 rows/s  5 rows  queue 0 B  dead letters 0"},
        {"an answer that is kept until it is whole", {at(0, 100), bytes}, "p  receiving 2.0 MiB/s  100 rows  queue 0 B  dead letters 0"},
        {"the server is in trouble", {at(0, 100), retrying}, "p  0 rows/s  100 rows  queue 0 B  dead letters 0  retrying"},
        {"a person is needed", {at(0, 100), person}, "p  0 rows/s  100 rows  queue 0 B  dead letters 0  needs attention"},
        {"percent and time left once there is a stop",
         {with_cursor(0, 0, 0, 0, 1000), with_cursor(10, 500, 250, 0, 1000)},
         "p  50 rows/s  500 rows  25.0 %  30s left  queue 0 B  dead letters 0"},
        {"the share counts from the start, also when a run goes on in the middle",
         {with_cursor(0, 0, 500, 0, 1000), with_cursor(10, 500, 600, 0, 1000)},
         "p  50 rows/s  500 rows  60.0 %  40s left  queue 0 B  dead letters 0"},
        {"a cursor that stands still says no time",
         {with_cursor(0, 0, 500, 0, 1000), with_cursor(10, 0, 500, 0, 1000)},
         "p  0 rows/s  0 rows  50.0 %  queue 0 B  dead letters 0"},
        {"almost done is not done",
         {with_cursor(0, 0, 0, 0, 100000), with_cursor(1, 1, 99999, 0, 100000)},
         "p  1 rows/s  1 row  99.9 %  0s left  queue 0 B  dead letters 0"},
        {"done", {with_cursor(0, 0, 0, 0, 1000), with_cursor(10, 500, 1000, 0, 1000)}, "p  50 rows/s  500 rows  100.0 %  queue 0 B  dead letters 0"},
        {"numbers that went back (another run) are no rate", {at(0, 100), at(1, 50)}, "p  0 rows/s  50 rows  queue 0 B  dead letters 0"},
    };
    for (const Row& row : table) {
        INFO(row.what);
        CHECK(progress_line("p", history_of(row.samples), 200) == row.line);
    }
}

TEST_CASE("a narrow terminal loses the less important parts first, and the line never is wider than it") {
    Sample now = with_cursor(10, 500, 250, 0, 1000);
    now.numbers.health = FG_HEALTH_RETRYING;
    const History history = history_of({with_cursor(0, 0, 0, 0, 1000), now});
    const std::string whole = progress_line("plant-4", history, 200);
    CHECK(whole == "plant-4  50 rows/s  500 rows  25.0 %  30s left  queue 0 B  dead letters 0  retrying");
    CHECK(progress_line("plant-4", history, whole.size()) == whole);
    CHECK(progress_line("plant-4", history, whole.size() - 1) == "plant-4  50 rows/s  500 rows  25.0 %  30s left  queue 0 B  retrying");
    CHECK(progress_line("plant-4", history, 50) == "50 rows/s  500 rows  25.0 %  30s left  retrying");
    CHECK(progress_line("plant-4", history, 20) == "50 rows/s  retrying");
    for (std::size_t width = 0; width < 100; ++width)
        CHECK(progress_line("plant-4", history, width).size() <= width);
    now.numbers.dead_letters = 2; // what is lost matters more than what waits
    CHECK(progress_line("plant-4", history_of({with_cursor(0, 0, 0, 0, 1000), now}), 64) ==
          "50 rows/s  500 rows  25.0 %  30s left  dead letters 2  retrying");
}

TEST_CASE("the history is a minute and bounded, however often it is looked") {
    History history;
    for (int i = 0; i < 100'000; ++i)
        remember(history, at(i * 0.001, static_cast<std::uint64_t>(i)));
    CHECK(history.size() <= 620);
    CHECK(history.back().numbers.rows == 99'999);
    CHECK(history.back().at_ns - history.front().at_ns >= 60 * second);
    CHECK(history.back().at_ns - history.front().at_ns < 61 * second);
    CHECK(pace_of(history).rows_per_second.value() == Approx(1000).epsilon(0.01));
}

TEST_CASE("numbers, bytes and times are written as people read them") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(18446744073709551615u) == "18,446,744,073,709,551,615");
    CHECK(brief_bytes(0) == "0 B");
    CHECK(brief_bytes(1023) == "1023 B");
    CHECK(brief_bytes(1024) == "1.0 KiB");
    CHECK(brief_bytes(1048575) == "1.0 MiB");
    CHECK(brief_bytes(16.0 * 1048576) == "16.0 MiB");
    CHECK(brief_time(0.4) == "0s");
    CHECK(brief_time(59.7) == "1m00s");
    CHECK(brief_time(80) == "1m20s");
    CHECK(brief_time(11100) == "3h05m");
    CHECK(brief_time(187200) == "2d04h");
    CHECK(brief_time(1e300) == "36500d00h");
}
