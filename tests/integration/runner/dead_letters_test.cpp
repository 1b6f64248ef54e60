// `fluxgate dead-letters` as a user sees it, on a file that a run might have left.
#include "runner.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/file.h>
#include <unistd.h>

using namespace fluxgate;
using test::Finished;
using test::run_fluxgate;

namespace {

std::string text_of(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text)
        out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return out;
}

std::string letter(const std::string& stage, const std::string& code, const std::string& raw, const std::string& more = {}) {
    return R"({"time":"2026-11-21T10:02:07.123Z","pipeline":"plant","stage":")" + stage + R"(","reason":{"code":")" + code +
           R"(","text":"a sentence"})" + more + R"(,"raw":")" + escaped(raw) + "\"}";
}

std::string message(const std::string& id) {
    return R"({"systemProperties":{"partitionId":2},"properties":{"rowId":")" + id + R"("},"payload":{"v":")" + id + R"("}})";
}

// Three that can be sent again, and one of each kind that cannot.
struct Desk {
    Desk() {
        file = directory.write("plant.json", test::files_document(1, root));
        write({letter("files", "path-mismatch", message("a"), R"(,"partition":2,"sequence":7)"),             // 1
               letter("input", "type-mismatch", ",_result,0,2026-11-21T09:50:00Z,2026-11-21T10:00:00Z,x,1"), // 2
               letter("files", "path-mismatch", message("b")),                                               // 3
               letter("files", "too-long", message("c").substr(0, 30), R"(,"truncated":true)"),              // 4
               letter("gone", "path-mismatch", message("d"), R"(,"partition":0)"),                           // 5
               letter("files", "path-mismatch", message("e"), R"(,"partition":9)"),                          // 6
               letter("files", "odd", "no message", R"(,"partition":0)"),                                    // 7
               "this is no record",                                                                          // 8
               letter("files", "path-mismatch", message("f"), R"(,"partition":0)")});                        // 9
    }
    void write(const std::vector<std::string>& lines) const {
        std::string text;
        for (const std::string& line : lines)
            text += line + "\n";
        directory.write("plant.dead-letters.jsonl", text);
    }
    [[nodiscard]] Finished run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "dead-letters");
        if (arguments[1] != "list" || arguments.size() == 2) arguments.insert(arguments.begin() + 2, file);
        arguments.insert(arguments.end(), {"--state", directory.path() + "/state"});
        return run_fluxgate(arguments, directory.path());
    }
    // Every line of every file that was made.
    [[nodiscard]] std::vector<std::string> delivered() const {
        std::vector<std::string> out;
        if (!std::filesystem::exists(root)) return out;
        for (const auto& entry : std::filesystem::recursive_directory_iterator{root})
            if (entry.is_regular_file())
                for (const std::string& line : test::lines_of(text_of(entry.path().string())))
                    out.push_back(line);
        std::sort(out.begin(), out.end());
        return out;
    }
    test::TempDirectory directory;
    std::string root = directory.path() + "/out", letters = directory.path() + "/plant.dead-letters.jsonl", file;
};

bool says(const std::string& text, const std::string& part) {
    INFO(text << "\n-- wanted: " << part);
    CHECK(text.find(part) != std::string::npos);
    return true;
}

} // namespace

TEST_CASE("list shows number, state, stage, reason, partition and beginning, and counts by reason") {
    const Desk desk;
    const Finished f = desk.run({"list"});
    INFO(f.out << f.err);
    CHECK(f.code == 0);
    says(f.out, "NUMBER  TIME                      STATE     STAGE             REASON                PARTITION  BEGINNING");
    says(f.out, "     1  2026-11-21T10:02:07.123Z  open      files             path-mismatch                 2  {\"systemProperties\":");
    says(f.out, "     4  2026-11-21T10:02:07.123Z  cut       files             too-long                      -  ");
    says(f.out, "8 dead letters in plant.dead-letters.jsonl, 0 replayed");
    says(f.out, "  path-mismatch: 5, 0 replayed");
    says(f.out, "lines that are no dead letters: 1");
    const Finished by_path = run_fluxgate({"dead-letters", "list", "--dead-letter", desk.letters, "--json"});
    CHECK(by_path.code == 0);
    CHECK(test::lines_of(by_path.out).size() == 8);
    says(by_path.out, R"({"number":9,"replayed":false,"time":"2026-11-21T10:02:07.123Z")");
}

TEST_CASE("show gives one record whole, and says which numbers there are not") {
    const Desk desk;
    const Finished f = desk.run({"show", "1"});
    CHECK(f.code == 0);
    says(f.out, "reason     path-mismatch: a sentence");
    says(f.out, message("a") + "\n");
    const Finished alone = run_fluxgate({"dead-letters", "show", "3", "--dead-letter", desk.letters});
    CHECK(alone.code == 0);
    says(alone.out, message("b"));
    for (const auto& [number, code] : std::vector<std::pair<std::string, int>>{{"8", 1}, {"77", 1}, {"0", 2}, {"one", 2}}) {
        INFO(number);
        CHECK(desk.run({"show", number}).code == code);
    }
}

TEST_CASE("what raw holds cannot steer a terminal") {
    const Desk desk;
    desk.write({letter("files", "x", R"(\u001b]0;owned\u0007)", R"(,"partition":0)")});
    std::string text = text_of(desk.letters);
    for (std::size_t at = 0; (at = text.find("\\\\u", at)) != std::string::npos;)
        text.erase(at, 1); // an escape of JSON, not a backslash
    desk.directory.write("plant.dead-letters.jsonl", text);
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"list"}, {"show", "1"}}) {
        const Finished f = desk.run(command);
        says(f.out, "?]0;owned?");
        CHECK(f.out.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("replay sends whole messages from their stage on, marks them, and names each that it cannot send") {
    const Desk desk;
    const Finished f = desk.run({"replay"});
    INFO(f.out << f.err);
    CHECK(f.code == 1); // some stay open
    CHECK(f.out.empty());
    says(f.err, "3 of 3 dead letters replayed");
    says(f.err, "dead letter 4 cannot be replayed: only its beginning is on record (truncated)");
    says(f.err, "dead letter 5 cannot be replayed: the document has no stage \"gone\" any more");
    says(f.err, "dead letter 6 cannot be replayed: its partition 9 is one of more than the 4 there are now");
    says(f.err, "dead letter 7 cannot be replayed: it is no whole message");
    says(f.err, "1 row failed in the source");
    CHECK(desk.delivered() == std::vector<std::string>{message("a"), message("b"), message("f")});
    CHECK(std::filesystem::exists(desk.root + "/plant/2-0.jsonl"));

    const Finished again = desk.run({"replay"});
    says(again.err, "0 of 0 dead letters replayed; 3 had been replayed before");
    CHECK(desk.delivered().size() == 3);
    const Finished list = desk.run({"list"});
    says(list.out, "  path-mismatch: 5, 3 replayed");
    says(list.out, "     3  2026-11-21T10:02:07.123Z  replayed  files");
    CHECK_FALSE(std::filesystem::exists(desk.directory.path() + "/state"));
}

TEST_CASE("replay of everything that can be sent ends with exit code 0, and --number chooses") {
    const Desk desk;
    const Finished one = desk.run({"replay", "--number", "3"});
    INFO(one.err);
    CHECK(one.code == 0);
    CHECK(desk.delivered() == std::vector<std::string>{message("b")});
    CHECK(desk.run({"replay", "--number", "1", "--number", "9"}).code == 0);
    CHECK(desk.delivered().size() == 3);
    const Finished none = desk.run({"replay", "--number", "50"});
    CHECK(none.code == 1);
    says(none.err, "dead letter 50 cannot be replayed: there is no such dead letter");
}

TEST_CASE("a mark counts only for the line that it was made for") {
    const Desk desk;
    says(desk.run({"replay"}).err, "3 of 3");
    std::string text = text_of(desk.letters);
    text.replace(text.find(escaped(message("a"))), escaped(message("a")).size(), escaped(message("z")));
    desk.directory.write("plant.dead-letters.jsonl", text);
    says(desk.run({"replay", "--number", "1"}).err, "1 of 1 dead letters replayed");
    CHECK(desk.delivered().back() == message("z"));
}

TEST_CASE("what could not be delivered is not marked, and comes with the next replay") {
    const Desk desk;
    desk.directory.write("out", "a file where a directory is wanted");
    const Finished f = desk.run({"replay"});
    INFO(f.err);
    CHECK(f.code == 1);
    says(f.err, "0 of 3 dead letters replayed");
    std::filesystem::remove(desk.root);
    says(desk.run({"replay"}).err, "3 of 3 dead letters replayed");
    CHECK(desk.delivered().size() == 3);
}

TEST_CASE("a file whose last line has no end is read up to it, and the marks begin a line of their own") {
    const Desk desk;
    std::ofstream{desk.letters, std::ios::app} << "{\"time\":\"2026-11-21T";
    says(desk.run({"list"}).out, "8 dead letters");
    says(desk.run({"replay"}).err, "3 of 3 dead letters replayed");
    says(desk.run({"list"}).out, "8 dead letters in plant.dead-letters.jsonl, 3 replayed");
}

TEST_CASE("a replay that is interrupted marks what it delivered, and the next one sends the rest") {
    const Desk desk;
    std::string text = test::files_document(1, desk.root);
    const std::string type = "\"output/file@v1\"";
    text.replace(text.find(type), text.size() - text.find(type), R"("output/stdout@v1"}}, "queue": {"maxBytes": "64KiB"}})");
    desk.directory.write("plant.json", text);
    constexpr std::size_t count = 20'000;
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < count; ++i)
        lines.push_back(letter("files", "path-mismatch", message(std::to_string(i) + std::string(200, '.'))));
    desk.write(lines);
    const auto process =
        test::start_fluxgate({"dead-letters", "replay", desk.file, "--state", desk.directory.path() + "/state"}, desk.directory.path());
    REQUIRE(process->until_output(1, std::chrono::seconds{20}));
    process->signal(SIGINT);
    const Finished f = process->wait(std::chrono::seconds{20});
    INFO(f.err);
    CHECK(f.code == 130);
    const std::vector<std::string> first = test::lines_of(f.out);
    REQUIRE(!first.empty());
    REQUIRE(first.size() < count);
    says(f.err, std::to_string(first.size()) + " of 20000 dead letters replayed");
    says(f.err, "interrupted; the same command sends the rest");
    const Finished rest = desk.run({"replay"});
    CHECK(rest.code == 0);
    std::set<std::string> all;
    for (const std::string& out : {f.out, rest.out})
        for (const std::string& line : test::lines_of(out))
            CHECK(all.insert(line).second);
    CHECK(all.size() == count);
}

TEST_CASE("two replays of one file do not run side by side") {
    const Desk desk;
    const int fd = ::open(desk.letters.c_str(), O_RDONLY);
    REQUIRE(::flock(fd, LOCK_EX) == 0);
    const Finished f = desk.run({"replay"});
    CHECK(f.code == 1);
    says(f.err, "is being replayed by another process");
    ::close(fd);
    CHECK(desk.delivered().empty());
}

TEST_CASE("what failed in an incremental source is answered with the window to read again") {
    const Desk desk;
    const std::string incremental = test::files_document(1, desk.root, R"(, "incremental": {"start": "-1h", "window": "10m"})");
    std::string text = incremental;
    text.replace(text.find("range(start: -10m)"), 18, "range(start: v.timeRangeStart, stop: v.timeRangeStop)");
    desk.directory.write("plant.json", text);
    REQUIRE(run_fluxgate({"validate", desk.file}).code == 0);
    const std::string state = desk.directory.path() + "/state";
    REQUIRE(run_fluxgate({"cursor", "set", desk.file, "2026-11-21T11:00:00Z", "--state", state}).code == 0);
    std::filesystem::rename(desk.letters, state + "/plant.dead-letters.jsonl");
    says(desk.run({"replay"}).err, "fluxgate cursor rewind " + desk.file + " 1h10m");

    // Never forward: between a cursor that stands before the row and the row lies what nobody was given.
    REQUIRE(run_fluxgate({"cursor", "set", desk.file, "2026-11-21T09:00:00Z", "--state", state}).code == 0);
    const Finished before = desk.run({"replay"});
    says(before.err, "the cursor stands at 2026-11-21T09:00:00Z: the next run reads them anyway");
    CHECK(before.err.find("fluxgate cursor") == std::string::npos);
    std::filesystem::rename(state + "/plant.db", state + "/away.db");
    const Finished without = desk.run({"replay"});
    says(without.err, "holds no state of plant");
    CHECK(without.err.find("fluxgate cursor") == std::string::npos);
}

TEST_CASE("mistyped commands and files that are not there are said as such") {
    const Desk desk;
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"dead-letters"},
                                                                                           {"dead-letters", "lsit", desk.file},
                                                                                           {"dead-letters", "list"},
                                                                                           {"dead-letters", "show", desk.file},
                                                                                           {"dead-letters", "replay"},
                                                                                           {"dead-letters", "replay", desk.file, "--nubmer", "3"},
                                                                                           {"dead-letters", "replay", desk.file, "--number", "three"},
                                                                                           {"dead-letters", "list", "not-there.json"}}) {
        const Finished f = run_fluxgate(arguments, desk.directory.path());
        INFO(arguments.back() << ": " << f.out << f.err);
        CHECK(f.code == 2);
        CHECK(f.out.empty());
        CHECK_FALSE(f.err.empty());
    }
    const Finished missing = run_fluxgate({"dead-letters", "list", "--dead-letter", "/nonexistent/letters"});
    CHECK(missing.code == 1);
    says(missing.err, "cannot open /nonexistent/letters: No such file");
    desk.directory.write("plant.dead-letters.jsonl", "");
    CHECK(desk.run({"replay"}).code == 0);
}
