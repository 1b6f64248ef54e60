#include "runtime/dead_letters.hpp"

#include "scripted.hpp"

#include "support/catch.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace fluxgate;
using namespace fluxgate::test;
using fluxgate::runtime::DeadLetterFile;

namespace {

fg_dead_letter letter(std::string_view raw) {
    return {stage::to_text("type-mismatch"), stage::to_text("row 3"), -1, 0, 0, stage::to_text(raw)};
}

} // namespace

TEST_CASE("a line says only what is known") {
    CHECK(runtime::dead_letter_line(0, "p", "s", letter("a\"b")) ==
          R"({"time":"1970-01-01T00:00:00.000Z","pipeline":"p","stage":"s","reason":{"code":"type-mismatch","text":"row 3"},"raw":"a\"b"})");
    fg_dead_letter full = letter("x");
    full.partition = 2;
    full.sequence = 7;
    full.truncated = 1;
    CHECK(runtime::dead_letter_line(0, "p", "s", full) ==
          R"({"time":"1970-01-01T00:00:00.000Z","pipeline":"p","stage":"s","reason":{"code":"type-mismatch","text":"row 3"},)"
          R"("partition":2,"sequence":7,"raw":"x","truncated":true})");
}

TEST_CASE("bytes that are not UTF-8 are kept exactly beside their readable form") {
    const std::string line = runtime::dead_letter_line(0, "p", "s", letter("a\xff"));
    CHECK(line.find("\"raw\":\"a\xEF\xBF\xBD\",\"rawBase64\":\"Yf8=\"") != std::string::npos);
}

TEST_CASE("the file is made when first needed, appended to, and an unfinished last line is closed first") {
    TempDir dir;
    const std::string path = dir.path + "/letters";
    {
        DeadLetterFile file{path};
        CHECK(file.sync().ok());
        CHECK_FALSE(std::filesystem::exists(path));
        CHECK(file.append("one").ok());
        CHECK(file.sync().ok());
    }
    std::ofstream{path, std::ios::app} << "torn";
    DeadLetterFile file{path};
    CHECK(file.append("two").ok());
    CHECK(file.sync().ok());
    CHECK(lines_of(path) == std::vector<std::string>{"one", "torn", "two"});
}

TEST_CASE("after an error every call answers it, with the file's name") {
    DeadLetterFile nowhere{"/nonexistent/letters"};
    const auto first = nowhere.append("x");
    REQUIRE_FALSE(first.ok());
    CHECK(first.error().code == Errc::dead_letter);
    CHECK(first.error().message.find("/nonexistent/letters") != std::string::npos);
    CHECK_FALSE(nowhere.sync().ok());
    CHECK_FALSE(nowhere.append("y").ok());
}

TEST_CASE("a file that is removed between a letter and its sync is an error, one that is moved away keeps its letters") {
    TempDir dir;
    const std::string path = dir.path + "/letters";
    DeadLetterFile file{path};
    REQUIRE(file.append("one").ok());
    std::filesystem::rename(path, path + ".1");
    CHECK(file.sync().ok());
    REQUIRE(file.append("two").ok());
    CHECK(file.sync().ok());
    CHECK(lines_of(path + ".1") == std::vector<std::string>{"one", "two"});
    REQUIRE(file.append("three").ok());
    std::filesystem::remove(path + ".1");
    const auto lost = file.sync();
    REQUIRE_FALSE(lost.ok());
    CHECK(lost.error().code == Errc::dead_letter);
    CHECK(lost.error().message.find("it was removed") != std::string::npos);
    CHECK_FALSE(file.append("four").ok());
}
