#include "core/file_output.hpp"
#include "core/owned_batch.hpp"
#include "fake_host.hpp"
#include "temp_dir.hpp"

#include "support/catch.hpp"
#include "support/recording.hpp"

#include <rapidjson/document.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::core;
using core_test::FakeHost;
using core_test::Messages;
using core_test::TempDir;
using stage::Flushed;
using stage::Written;

namespace {

constexpr std::int64_t second = 1'000'000'000;

FileSettings settings(const TempDir& dir, const char* path = "{{partitionId}}/out-{{fileNumber}}.json", const char* what = ".payload") {
    FileSettings made;
    made.root_directory = dir.path().string();
    made.file_path = *PathTemplate::compile(path);
    made.path = *jsonpath::JsonPath::compile(what);
    made.time = std::chrono::seconds{60};
    return made;
}

Result<std::unique_ptr<FileOutput>> open(FakeHost& host, FileSettings with, std::uint32_t partition = 0, std::string_view pipeline = "plant",
                                         std::string_view instance = "host-1") {
    fg_stage_config raw{};
    raw.size = sizeof raw;
    raw.pipeline_id = stage::to_text(pipeline);
    raw.instance_id = stage::to_text(instance);
    raw.stage_id = stage::to_text("files");
    raw.partition = partition;
    raw.partition_count = 4;
    return FileOutput::open(std::move(with), stage::Config{raw}, host.host());
}

void write(FileOutput& out, std::uint64_t token, const std::string& payload) {
    fg_batch batch = Messages{}.add(payload).make();
    const auto written = out.write(batch, token);
    REQUIRE(written.ok());
    CHECK(*written == Written::taken);
}

std::int64_t poll(FileOutput& out) {
    std::int64_t deadline = 0;
    REQUIRE(out.poll(0, deadline).ok());
    return deadline;
}

using Names = std::vector<std::string>;

// A row of a window, as an incremental source with format.types sends it.
std::string row(const std::string& window_start, const std::string& value) {
    return R"({"_time":"2026-11-21T10:00:01Z","_value":)" + value + R"(,"_field":"f","_measurement":"m"},"properties":{"window":[")" + window_start +
           R"(","2026-11-21T10:20:00Z"],"types":{"_value":"long"},"groupKey":["_field","_measurement"]})";
}

} // namespace

TEST_CASE("file: batches complete only after their file has its final name, and not before") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir));
    write(*out, 1, "{\"a\":1}");
    write(*out, 2, "{\"a\":2}");
    CHECK(host.completed().empty());
    CHECK(dir.files() == Names{".fluxgate~plant~host-1~0~0.part"});
    CHECK(*out->flush(host.monotonic) == Flushed::all);
    CHECK(dir.files() == Names{"0/out-0.json"});
    CHECK(dir.read("0/out-0.json") == "{\"a\":1}\n{\"a\":2}\n");
    CHECK(host.completed() == FakeHost::Completed{{1, FG_DELIVERED}, {2, FG_DELIVERED}});
    CHECK(*out->flush(host.monotonic) == Flushed::all); // nothing to do makes no file
    CHECK(dir.files().size() == 1);
}

TEST_CASE("file: it closes batch.time after its first message, and asks to be polled then") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir));
    write(*out, 1, "1");
    const std::int64_t close_at = host.monotonic + 60 * second;
    host.monotonic = close_at - second / 2;
    write(*out, 2, "2");
    CHECK(poll(*out) == close_at);
    CHECK(host.completed().empty());
    host.monotonic = close_at;
    poll(*out);
    CHECK(host.completed().size() == 2);
    CHECK(dir.read("0/out-0.json") == "1\n2\n");
    host.monotonic += 3600 * second; // without messages there is no file
    poll(*out);
    CHECK(dir.files() == Names{"0/out-0.json"});
}

TEST_CASE("file: a message after the time goes into a new file also when nobody polled") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir));
    write(*out, 1, "1");
    host.monotonic += 61 * second;
    write(*out, 2, "2");
    CHECK(host.completed() == FakeHost::Completed{{1, FG_DELIVERED}});
    CHECK(out->flush(0).ok());
    CHECK(dir.read("0/out-1.json") == "2\n");
}

TEST_CASE("file: it closes at its size and never grows beyond it") {
    FakeHost host;
    TempDir dir;
    FileSettings small = settings(dir);
    small.max_file_bytes = 20;
    auto out = *open(host, std::move(small));
    for (std::uint64_t token = 1; token <= 5; ++token)
        write(*out, token, "\"123456\""); // 9 bytes with the line feed
    CHECK(host.completed().size() == 4);
    write(*out, 6, "\"" + std::string(100, 'x') + "\""); // larger than a whole file: alone in one, closed at once
    CHECK(host.completed().size() == 6);
    CHECK(dir.files() == Names{"0/out-0.json", "0/out-1.json", "0/out-2.json", "0/out-3.json"});
    CHECK(dir.read("0/out-0.json") == "\"123456\"\n\"123456\"\n");
    CHECK(dir.read("0/out-2.json") == "\"123456\"\n");
}

TEST_CASE("file: an existing file is never overwritten; the next number is taken") {
    FakeHost host;
    TempDir dir;
    std::filesystem::create_directories(dir.path() / "0");
    dir.put("0/out-0.json", "old 0");
    dir.put("0/out-1.json", "old 1");
    dir.put("0/out-3.json", "old 3");
    auto out = *open(host, settings(dir));
    for (std::uint64_t token = 1; token <= 2; ++token) {
        write(*out, token, std::to_string(token));
        CHECK(out->flush(0).ok());
    }
    CHECK(dir.read("0/out-0.json") == "old 0");
    CHECK(dir.read("0/out-1.json") == "old 1");
    CHECK(dir.read("0/out-2.json") == "1\n");
    CHECK(dir.read("0/out-3.json") == "old 3");
    CHECK(dir.read("0/out-4.json") == "2\n");
    std::filesystem::create_symlink("/dev/null", dir.path() / "0" / "out-5.json"); // a link is something that exists, too
    write(*out, 3, "3");
    CHECK(out->flush(0).ok());
    CHECK(dir.read("0/out-6.json") == "3\n");
}

TEST_CASE("file: a template without fileNumber gets -n before its extension") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir, "all.json"));
    for (std::uint64_t token = 1; token <= 3; ++token) {
        write(*out, token, std::to_string(token));
        CHECK(out->flush(0).ok());
    }
    CHECK(dir.files() == Names{"all-1.json", "all-2.json", "all.json"});
    CHECK(dir.read("all-2.json") == "3\n");
}

TEST_CASE("file: template times are those of the file's opening, and numbers begin anew with a new name") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir, "{{YYYY}}/{{MM}}/{{DD}}/{{HH}}{{mm}}-{{fileNumber}}"));
    write(*out, 1, "1");
    host.wall += 3600 * second;
    CHECK(out->flush(0).ok());
    write(*out, 2, "2");
    CHECK(out->flush(0).ok());
    write(*out, 3, "3");
    CHECK(out->flush(0).ok());
    CHECK(dir.files() == Names{"2026/11/21/1002-0", "2026/11/21/1102-0", "2026/11/21/1102-1"});
}

TEST_CASE("file: json files are one valid array, whatever the batches were") {
    FakeHost host;
    TempDir dir;
    FileSettings array = settings(dir, "a.json", ".payload.v");
    array.format = FileFormat::json;
    auto out = *open(host, std::move(array));
    fg_batch several = Messages{}.add("{\"v\":1}").add("{\"v\":[2]}").make();
    CHECK(*out->write(several, 1) == Written::taken);
    fg_batch none = Messages{}.add("7").make(); // .v of a number: a dead letter
    CHECK(*out->write(none, 2) == Written::taken);
    CHECK(host.completed() == FakeHost::Completed{{2, FG_DELIVERED}});
    CHECK(host.dead_letters.size() == 1);
    write(*out, 3, "{\"v\":\"x\"}");
    write(*out, 4, "{}");
    CHECK(out->flush(0).ok());
    rapidjson::Document dom;
    const std::string text = dir.read("a.json");
    dom.Parse(text.c_str());
    REQUIRE_FALSE(dom.HasParseError());
    REQUIRE(dom.IsArray());
    REQUIRE(dom.Size() == 4);
    CHECK(dom[0].GetInt() == 1);
    CHECK(dom[1][0].GetInt() == 2);
    CHECK(std::string{dom[2].GetString()} == "x");
    CHECK(dom[3].IsNull());
}

TEST_CASE("file: a path of . writes whole messages") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir, "a", "."));
    const Messages messages = Messages{}.add("1").add("2");
    int releases = 0;
    fg_batch batch = messages.make(&releases);
    CHECK(*out->write(batch, 1) == Written::taken);
    CHECK(releases == 1); // the file holds the text; the memory goes back at once
    CHECK(out->flush(0).ok());
    CHECK(dir.read("a") == messages.text());
}

TEST_CASE("file: a link below rootDirectory is not followed") {
    FakeHost host;
    TempDir dir, elsewhere;
    std::filesystem::create_directory_symlink(elsewhere.path(), dir.path() / "0");
    auto out = *open(host, settings(dir));
    write(*out, 1, "1");
    const auto flushed = out->flush(0);
    REQUIRE_FALSE(flushed.ok());
    CHECK(flushed.error().code == Errc::io);
    CHECK(flushed.error().message.find("symbolic links") != std::string::npos);
    CHECK(elsewhere.files().empty());
    CHECK(host.completed().empty());
    CHECK_FALSE(out->flush(0).ok()); // stays broken
    out.reset();
    CHECK(host.completed() == FakeHost::Completed{{1, FG_ABANDONED}});
}

TEST_CASE("file: a directory name that is a file is an io error that names it") {
    FakeHost host;
    TempDir dir;
    dir.put("0", "a file");
    auto out = *open(host, settings(dir));
    write(*out, 1, "1");
    const auto flushed = out->flush(0);
    REQUIRE_FALSE(flushed.ok());
    CHECK(flushed.error().message.find((dir.path() / "0").string()) != std::string::npos);
}

TEST_CASE("file: releasing the output abandons what is open and leaves no file") {
    FakeHost host;
    TempDir dir;
    {
        auto out = *open(host, settings(dir));
        write(*out, 1, "1");
    }
    CHECK(host.completed() == FakeHost::Completed{{1, FG_ABANDONED}});
    CHECK(dir.files().empty());
}

TEST_CASE("file: leftovers of the same pipeline and instance go at the start, others stay") {
    FakeHost host;
    TempDir dir;
    const Names mine{".fluxgate~plant~host-1~0~0.part", ".fluxgate~plant~host-1~7~12.part"};
    const Names others{".fluxgate~plant~host-2~0~0.part", ".fluxgate~plant2~host-1~0~0.part", ".fluxgate~plant~host-1~0~0.json", "x.part"};
    for (const Names& names : {mine, others})
        for (const std::string& name : names)
            dir.put(name, "left");
    auto out = *open(host, settings(dir));
    Names left = dir.files();
    Names expected = others;
    std::sort(expected.begin(), expected.end());
    CHECK(left == expected);
}

TEST_CASE("file: a partition that starts later leaves the open files of its siblings alone") {
    FakeHost host;
    TempDir dir;
    auto first = *open(host, settings(dir), 0);
    write(*first, 1, "1");
    auto second_one = *open(host, settings(dir), 1);
    write(*second_one, 2, "2");
    auto twin = *open(host, settings(dir), 0); // the same partition of another stage of the pipeline
    write(*twin, 3, "3");
    CHECK(dir.files().size() == 3);
    for (FileOutput* out : {first.get(), second_one.get(), twin.get()})
        CHECK(out->flush(0).ok());
    CHECK(dir.files() == Names{"0/out-0.json", "0/out-1.json", "1/out-0.json"});
}

TEST_CASE("file: ids are told apart in the names of unfinished files") {
    CHECK(part_prefix("a~b", "c") != part_prefix("a", "b~c"));
    CHECK(part_prefix("a/b", "c") == ".fluxgate~a%2Fb~c~");
    const std::string long_id(300, 'x');
    CHECK(part_prefix(long_id + "1", long_id).size() < 200);
    CHECK(part_prefix(long_id + "1", "i") != part_prefix(long_id + "2", "i"));
}

TEST_CASE("file: rootDirectory and its parents are made; one that is a file is an error that names it") {
    FakeHost host;
    TempDir dir;
    FileSettings deep = settings(dir);
    deep.root_directory += "/x/y";
    CHECK(open(host, deep).ok());
    CHECK(std::filesystem::is_directory(dir.path() / "x" / "y"));
    dir.put("file", "");
    FileSettings bad = settings(dir);
    bad.root_directory += "/file/y";
    const auto failed = open(host, bad);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Errc::io);
    CHECK(failed.error().message.find("/file'") != std::string::npos);
}

TEST_CASE("file: when the file system takes no more the error names the file and the reason, and nothing completes") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir));
    write(*out, 1, "1");
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1000, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    int releases = 0;
    fg_batch batch = Messages{}.add("\"" + std::string(5000, 'x') + "\"").make(&releases);
    const auto written = out->write(batch, 2);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().code == Errc::io);
    CHECK(written.error().message.find(".fluxgate~plant~host-1~0~0.part") != std::string::npos);
    CHECK(written.error().message.find("File too large") != std::string::npos);
    CHECK(releases == 0);
    release_batch(batch);
    CHECK(host.completed().empty());
    CHECK_FALSE(out->flush(0).ok());
    out.reset();
    CHECK(host.completed() == FakeHost::Completed{{1, FG_ABANDONED}});
    CHECK(dir.files().empty());
}

TEST_CASE("file: partitions that start and write at the same time in one directory do not hurt each other") {
    FakeHost host;
    TempDir dir;
    constexpr std::uint32_t partitions = 8;
    std::vector<std::thread> workers;
    std::vector<int> ok(partitions, 0);
    for (std::uint32_t p = 0; p < partitions; ++p) {
        workers.emplace_back([&, p] {
            for (int round = 0; round < 20; ++round) {
                auto out = open(host, settings(dir, "same/{{fileNumber}}"), p);
                if (!out.ok()) return;
                fg_batch batch = Messages{p}.add(std::to_string(p)).make();
                if (!(*out)->write(batch, p).ok() || !(*out)->flush(0).ok()) return;
                ++ok[p];
            }
        });
    }
    for (std::thread& worker : workers)
        worker.join();
    CHECK(ok == std::vector<int>(partitions, 20));
    CHECK(dir.files().size() == std::size_t{partitions} * 20);
    CHECK(host.completed().size() == std::size_t{partitions} * 20);
}

TEST_CASE("file: with the window in its name a file holds rows of one window") {
    FakeHost host;
    TempDir dir;
    auto out = *open(host, settings(dir, "w-{{windowStart}}-{{windowStop}}-{{fileNumber}}.json"));
    write(*out, 1, row("2026-11-21T10:00:00Z", "1"));
    write(*out, 2, row("2026-11-21T10:00:00Z", "2"));
    CHECK(host.completed().empty());
    write(*out, 3, row("2026-11-21T10:10:00.5Z", "3"));
    CHECK(host.completed() == FakeHost::Completed{{1, FG_DELIVERED}, {2, FG_DELIVERED}});
    write(*out, 4, "{}"); // without a window
    CHECK(*out->flush(host.monotonic) == Flushed::all);
    CHECK(dir.files() == Names{"w-20261121T100000Z-20261121T102000Z-0.json", "w-20261121T101000.5Z-20261121T102000Z-0.json", "w-none-none-0.json"});
}

TEST_CASE("file: line protocol and gzip, each file one whole member, what cannot be a line a dead letter") {
    FakeHost host;
    TempDir dir;
    FileSettings with = settings(dir, "{{fileNumber}}.lp.gz");
    with.format = FileFormat::line_protocol;
    with.compression = Compression::gzip;
    auto out = *open(host, with);
    std::string wanted;
    for (std::uint64_t i = 1; i <= 3000; ++i) {
        write(*out, i, row("2026-11-21T10:00:00Z", std::to_string(i)));
        wanted += "m f=" + std::to_string(i) + "i 1795255201000000000\n";
    }
    write(*out, 3001, row("2026-11-21T10:00:00Z", "null"));
    CHECK(*out->flush(host.monotonic) == Flushed::all);
    CHECK(host.completed().size() == 3001);
    REQUIRE(host.dead_letters.size() == 1);
    CHECK(host.dead_letters[0].rfind("line-protocol: {", 0) == 0);
    CHECK(dir.files() == Names{"0.lp.gz"});
    CHECK(dir.read("0.lp.gz").size() < wanted.size() / 3);
    CHECK(fluxgate::test::read_file((dir.path() / "0.lp.gz").string()) == wanted);
}
