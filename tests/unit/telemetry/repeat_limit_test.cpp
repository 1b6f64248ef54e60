#include "telemetry/limited_log.hpp"
#include "telemetry/repeat_limit.hpp"

#include "support/catch.hpp"

#include <string>
#include <unistd.h>

using namespace fluxgate;
using namespace fluxgate::telemetry;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000'000;

RepeatLimit three_a_minute(std::size_t max_keys = 256) {
    return RepeatLimit{{3, 60s, max_keys}};
}

} // namespace

TEST_CASE("the first lines of a window are written, the rest are counted and told once when it has passed") {
    RepeatLimit limit = three_a_minute();
    for (int i = 0; i < 3; ++i)
        CHECK(limit.admit(LogLevel::warning, "output.token", "files", i * second));
    for (int i = 3; i < 10; ++i)
        CHECK_FALSE(limit.admit(i == 5 ? LogLevel::error : LogLevel::warning, "output.token", "files", i * second));
    CHECK(limit.due(60 * second - 1).empty());
    const auto held = limit.due(60 * second);
    REQUIRE(held.size() == 1);
    CHECK(held[0].event == "output.token");
    CHECK(held[0].stage == "files");
    CHECK(held[0].count == 7);
    CHECK(held[0].level == LogLevel::error);
    CHECK(limit.due(61 * second).empty());
    CHECK(limit.admit(LogLevel::warning, "output.token", "files", 61 * second)); // a new window
}

TEST_CASE("another event and another stage have their own count, debug lines have none") {
    RepeatLimit limit = three_a_minute();
    for (int i = 0; i < 4; ++i) {
        CHECK(limit.admit(LogLevel::info, "a", "s", 0) == (i < 3));
        CHECK(limit.admit(LogLevel::info, "b", "s", 0) == (i < 3));
        CHECK(limit.admit(LogLevel::info, "a", "t", 0) == (i < 3));
        CHECK(limit.admit(LogLevel::debug, "a", "s", 0));
    }
    CHECK(limit.rest().size() == 3);
    CHECK(limit.rest().empty());
}

TEST_CASE("a line that comes slowly is always written") {
    RepeatLimit limit = three_a_minute();
    for (int i = 0; i < 100; ++i) {
        CHECK(limit.admit(LogLevel::info, "query.failed", "input", i * 21 * second));
        CHECK(limit.due(i * 21 * second).empty());
    }
}

TEST_CASE("what is held and not yet told is not forgotten when its window has passed") {
    RepeatLimit limit = three_a_minute();
    for (int i = 0; i < 5; ++i)
        (void)limit.admit(LogLevel::info, "a", "", 0);
    CHECK_FALSE(limit.admit(LogLevel::info, "a", "", 100 * second)); // nobody asked for due() meanwhile
    const auto held = limit.due(100 * second);
    REQUIRE(held.size() == 1);
    CHECK(held[0].count == 3);
}

TEST_CASE("memory is bounded: beyond the bound different lines share one count") {
    RepeatLimit limit = three_a_minute(4);
    for (int i = 0; i < 1000; ++i)
        (void)limit.admit(LogLevel::info, "event" + std::to_string(i), "", 0);
    const auto held = limit.rest();
    REQUIRE(held.size() == 1);
    CHECK(held[0].event.empty());
    CHECK(held[0].count == 1000 - 4 - 3);
}

TEST_CASE("the log tells what was left out in the level, event and fields that the manual names") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::int64_t now = 0;
    LimitedLog log{ends[1], LogFormat::json, LogLevel::info, {2, 60s, 16}, [&] { return now; }};
    const LogField fields[] = {{"pipeline", "plant"}, {"stage", "files"}};
    for (int i = 0; i < 5; ++i)
        log({LogLevel::warning, 0, "output.token", "again", fields, 2});
    log({LogLevel::debug, 0, "output.token", "not wanted", fields, 2});
    now = 60 * second;
    log({LogLevel::info, 0, "other", "x", nullptr, 0});
    log.tell_repeated(true);
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    std::size_t lines = 0;
    for (const char c : text)
        lines += c == '\n' ? 1u : 0u;
    INFO(text);
    CHECK(lines == 4);
    CHECK(text.find(R"("level":"warning","event":"log.repeated","message":"output.token repeated 3 times; the lines were left out")"
                    R"(,"of":"output.token","stage":"files","count":"3"})") != std::string::npos);
}
