#include "telemetry/log_writer.hpp"

#include "support/catch.hpp"

#include <array>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::telemetry;

namespace {

constexpr std::int64_t when = 1'795'255'327'123'456'789; // 2026-11-21T10:02:07.123456789Z

LogEntry entry(std::string_view event, std::string_view message, const std::vector<LogField>& fields) {
    return {LogLevel::info, when, event, message, fields.data(), fields.size()};
}

std::string drain(int fd) {
    std::string out;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(fd, part.data(), part.size())) > 0;)
        out.append(part.data(), static_cast<std::size_t>(n));
    return out;
}

} // namespace

TEST_CASE("a text line names time, level, event, message and fields in this order") {
    const std::vector<LogField> fields{{"path", "/usr/lib/x.so"}, {"text", "two words"}, {"none", ""}};
    CHECK(format_text(entry("plugin.loaded", "loaded it", fields)) ==
          R"(2026-11-21T10:02:07.123Z info plugin.loaded "loaded it" path=/usr/lib/x.so text="two words" none="")");
}

TEST_CASE("a JSON line has stable names, and fields cannot take them") {
    const std::vector<LogField> fields{{"path", "a\"b"}, {"level", "9"}};
    CHECK(format_json(entry("e", "m", fields)) ==
          R"({"time":"2026-11-21T10:02:07.123Z","level":"info","event":"e","message":"m","path":"a\"b","field_level":"9"})");
}

TEST_CASE("control characters and broken UTF-8 cannot break a line or steer a terminal") {
    const std::vector<LogField> fields{{"server", "a\x1b[31m\nb\x7f\xc2\x9b\xff"}};
    const std::string expected = R"("a\u001B[31m\nb\u007F\u009B)"
                                 "\xEF\xBF\xBD\"";
    for (const std::string& line : {format_text(entry("e", "m", fields)), format_json(entry("e", "m", fields))}) {
        INFO(line);
        CHECK(line.find(expected) != std::string::npos);
        CHECK(line.find('\n') == std::string::npos);
    }
}

TEST_CASE("levels and formats are found by their names only") {
    CHECK(level_of("warning") == LogLevel::warning);
    CHECK_FALSE(level_of("WARN").has_value());
    CHECK(format_of("json") == LogFormat::json);
    CHECK_FALSE(format_of("xml").has_value());
}

TEST_CASE("a writer keeps lines whole with many threads and leaves out lower levels") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    {
        LogWriter writer{ends[1], LogFormat::text, LogLevel::info};
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&writer] {
                for (int i = 0; i < 50; ++i) {
                    writer({LogLevel::info, when, "e", "m", nullptr, 0});
                    writer({LogLevel::debug, when, "never", "m", nullptr, 0});
                }
            });
        for (std::thread& t : threads)
            t.join();
    }
    ::close(ends[1]);
    const std::string all = drain(ends[0]);
    ::close(ends[0]);
    std::string expected;
    for (int i = 0; i < 200; ++i)
        expected += "2026-11-21T10:02:07.123Z info e \"m\"\n";
    CHECK(all == expected);
}
