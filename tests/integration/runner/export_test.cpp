// `fluxgate export` as a user runs it: what it writes is what is there, also after being killed; its line protocol written back gives the
// same rows; what is wrong is said before anything is made.
#include "runner.hpp"
#include "sample_server/engine.hpp"
#include "support/catch.hpp"
#include "support/raw_server.hpp"
#include "support/recording.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

using namespace fluxgate;
using test::Reply;
using test::run_fluxgate;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

std::unique_ptr<sample::Server> serve(const std::string& fault = {}) {
    sample::ServerOptions options;
    options.buckets = {"plant"};
    options.empty_buckets = {"mine", "copy"};
    if (!fault.empty()) options.faults = {*sample::parse_fault(fault)};
    return test::start_server(std::move(options));
}

Lines arguments(const std::string& document, const std::string& bucket, const std::string& out, const Lines& more = {}) {
    Lines all{"export", document, "--bucket", bucket, "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

// The text of all files of an export, in the order of their names.
std::string text_of(const std::string& out) {
    Lines names;
    for (const auto& entry : fs::directory_iterator{out})
        if (entry.is_regular_file()) names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names)
        text += test::read_file(name);
    return text;
}

std::size_t files_in(const std::string& out) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator{out})
        count += entry.is_regular_file() ? 1 : 0;
    return count;
}

Lines sorted(Lines lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
}

// What the oracle says a read of the bucket gives, as payloads.
Lines payloads(const sample::Server& server, const std::string& query) {
    const auto told = sample::expect(query, {}, server.written());
    REQUIRE(told.ok());
    Lines out;
    for (const auto& message : told->messages)
        out.push_back(message.payload);
    return sorted(std::move(out));
}

const std::string machine = R"(from(bucket: "plant") |> range(start: 2026-01-01T00:00:00Z, stop: 2026-01-01T00:20:00Z) )"
                            R"(|> filter(fn: (r) => r._measurement == "machine") |> drop(columns: ["_start", "_stop"]))";
const Lines of_machine{"--measurement", "machine", "--start", "2026-01-01T00:00:00Z", "--stop", "2026-01-01T00:20:00Z", "--format", "jsonl"};

bool holds(const std::string& text, const std::string& word) {
    UNSCOPED_INFO(text << " / " << word);
    return text.find(word) != std::string::npos;
}

Lines with(Lines a, const Lines& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

} // namespace

TEST_CASE("line protocol that was exported and written back gives the same rows: types at their limits, awkward strings, nanoseconds") {
    const auto server = serve();
    const std::string lines = "limits,t=v d=1.7976931348623157e+308,i=-9223372036854775808i,u=18446744073709551615u,b=true 1600000000000000001\n"
                              "limits,t=v d=5e-324,i=9223372036854775807i,u=0u,b=false 1600000000000000002\n"
                              "limits,t=v d=-0,i=-1i 1600000000999999999\n"
                              "limits d=0.1,i=9007199254740993i 1600000001000000000\n"
                              "limits d=123456789012345680000 1600000001500000000\n"
                              "str\\ ing\\,s,ta\\ g\\,\\=k\\\"ey=va\\ l\\,\\=ue\\\\x,other=\u00e4\u00f6\u65e5 fi\\ eld\\,\\=\"x=\"a \\\"quoted\\\" "
                              "\\\\ text, with = and\nline "
                              "\u65e5\u672c\" 1600000002000000000\n"
                              "str\\ ing\\,s fi\\ eld\\,\\=\"x=\"\" 1600000002000000000\n"
                              "str\\ ing\\,s fi\\ eld\\,\\=\"x=\"null\" 1600000002000000001\n"
                              "str\\ ing\\,s fi\\ eld\\,\\=\"x=\"#datatype,string\" 1600000002000000002\n"
                              "str\\ ing\\,s fi\\ eld\\,\\=\"x=\"\t lead\" 1600000002000000003\n";
    REQUIRE(server->write("mine", lines).ok());
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    const test::Finished f = run_fluxgate(arguments(document, "mine", out, {"--start", "2020-01-01T00:00:00Z", "--gzip", "--window", "8760h"}));
    INFO(f.err);
    REQUIRE(f.code == 0);
    const std::string text = text_of(out);
    INFO(text);
    REQUIRE(server->write("copy", text).ok());
    const std::string rest = R"( |> range(start: 2020-01-01T00:00:00Z, stop: 2021-01-01T00:00:00Z))";
    const Lines original = payloads(*server, R"(from(bucket: "mine"))" + rest);
    CHECK(original.size() == 18);
    CHECK(payloads(*server, R"(from(bucket: "copy"))" + rest) == original);
    for (const auto& entry : fs::directory_iterator{out})
        if (entry.is_regular_file()) CHECK(holds(entry.path().filename().string(), "mine-20"));
}

TEST_CASE("every row of the plant that line protocol can carry comes back the same") {
    const auto server = serve();
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    const test::Finished f =
        run_fluxgate(arguments(document, "plant", out, {"--start", "2026-01-01T00:00:00Z", "--stop", "2026-01-01T01:00:00Z", "--window", "10m"}));
    INFO(f.err);
    REQUIRE(f.code == 0);
    CHECK(files_in(out) == 6);
    REQUIRE(server->write("copy", text_of(out)).ok());
    const std::string rest = R"( |> range(start: 2026-01-01T00:00:00Z, stop: 2026-01-01T01:00:00Z))";
    const Lines original = payloads(*server, R"(from(bucket: "plant"))" + rest);
    CHECK(original.size() > 10'000);
    CHECK(payloads(*server, R"(from(bucket: "copy"))" + rest) == original);
}

TEST_CASE("JSON lines are the rows, one file a window, and an export that is complete reads nothing again") {
    const auto server = serve();
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    const Lines command = arguments(document, "plant", out, with(of_machine, {"--window", "5m"}));
    const test::Finished f = run_fluxgate(command);
    INFO(f.err);
    REQUIRE(f.code == 0);
    CHECK(f.out.empty());
    CHECK(sorted(test::lines_of(text_of(out))) == payloads(*server, machine));
    CHECK(fs::exists(out + "/plant-20260101T000000Z-20260101T000500Z-0.jsonl"));
    CHECK(files_in(out) == 4);
    CHECK(holds(f.err, "the export is complete: 4 files, "));
    CHECK_FALSE(holds(f.err, " 0.0 MiB"));
    CHECK((f.out + f.err).find(test::token) == std::string::npos);
    // As when a window turned out to be too large after some of its rows had been written, and its halves were read.
    std::ofstream{out + "/plant-20260101T000000Z-20260101T001000Z-0.jsonl"} << "once more\n";
    const std::uint64_t before = server->queries();
    const test::Finished again = run_fluxgate(command);
    CHECK(again.code == 0);
    CHECK(holds(again.err, "the export is complete: 4 files"));
    CHECK(server->queries() - before == 2); // the look at buckets and measurements
    CHECK(sorted(test::lines_of(text_of(out))) == payloads(*server, machine));
}

TEST_CASE("an export that is killed again and again loses nothing and duplicates nothing") {
    const char* given = std::getenv("FLUXGATE_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random(seed);
    const auto server = serve("delay-first-byte=15ms");
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    const Lines command = arguments(document, "plant", out, with(of_machine, {"--window", "30s", "--gzip"}));
    int killed = 0;
    test::Finished last;
    for (bool ended = false; !ended && killed < 60;) {
        const auto process = test::start_fluxgate(command);
        last = process->wait(std::chrono::milliseconds{50 + random() % 250}); // kills it when the time is up
        ended = !last.hung;
        killed += last.hung ? 1 : 0;
    }
    if (last.hung) last = run_fluxgate(command);
    INFO(last.err);
    REQUIRE(last.code == 0);
    CHECK(killed > 2);
    const Lines wanted = payloads(*server, machine);
    const Lines got = sorted(test::lines_of(text_of(out)));
    CHECK(got.size() == wanted.size());
    CHECK(got == wanted);
}

TEST_CASE("files of windows that the cursor has not passed are made anew, other files are left alone") {
    const auto server = serve();
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    const Lines command = arguments(document, "plant", out, with(of_machine, {"--window", "5m"}));
    REQUIRE(run_fluxgate(command).code == 0);
    // As after a kill between a file and the cursor that passes its window.
    REQUIRE(run_fluxgate({"cursor", "rewind", document, "12m", "--state", out + "/.fluxgate-export", "--id", "export"}).code == 0);
    std::ofstream{out + "/plant-notes.jsonl"} << "mine\n";
    const test::Finished f = run_fluxgate(command);
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(test::read_file(out + "/plant-notes.jsonl") == "mine\n");
    fs::remove(out + "/plant-notes.jsonl");
    const Lines wanted = payloads(*server, machine);
    const Lines got = sorted(test::lines_of(text_of(out)));
    // The cursor stands inside of the second window, whose file is whole: rewinding by hand repeats its end.
    CHECK(got.size() > wanted.size());
    Lines unique = got;
    unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
    CHECK(unique == wanted);
    CHECK(fs::exists(out + "/plant-20260101T000500Z-20260101T001000Z-0.jsonl"));
    CHECK_FALSE(fs::exists(out + "/plant-20260101T001000Z-20260101T001500Z-0.jsonl"));
}

TEST_CASE("an interrupted export says where it stands, and the same command goes on") {
    const auto server = serve("delay-first-byte=200ms");
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    const Lines command = arguments(document, "plant", out, with(of_machine, {"--window", "1m"}));
    const auto process = test::start_fluxgate(command);
    std::this_thread::sleep_for(std::chrono::milliseconds{1500});
    process->signal(SIGINT);
    const test::Finished f = process->wait(std::chrono::seconds{20});
    INFO(f.err);
    CHECK(f.code == 130);
    CHECK(holds(f.err, "the same command goes on from there"));
    const test::Finished rest = run_fluxgate(command);
    CHECK(rest.code == 0);
    CHECK(sorted(test::lines_of(text_of(out))) == payloads(*server, machine));
}

TEST_CASE("a directory belongs to one export, with its switches") {
    const auto server = serve();
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    REQUIRE(run_fluxgate(arguments(document, "plant", out, of_machine)).code == 0);
    const std::string before = text_of(out);
    const test::Finished other = run_fluxgate(arguments(document, "plant", out, with(of_machine, {"--gzip"})));
    CHECK(other.code == 2);
    CHECK(holds(other.err, "holds an export with --gzip off, not on; go on with the same switches, or give another directory with --out"));
    CHECK(run_fluxgate(arguments(document, "mine", out, {"--start", "2020-01-01T00:00:00Z"})).code == 2);
    CHECK(text_of(out) == before);
    const test::Finished foreign = run_fluxgate(arguments(document, "plant", directory.path(), of_machine));
    CHECK(foreign.code == 2);
    CHECK(holds(foreign.err, "is not empty and holds no export"));
}

TEST_CASE("what is wrong with an export is said before anything is made") {
    const auto server = serve();
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/out";
    struct Case {
        Lines arguments;
        int code;
        const char* said;
    };
    const Lines start{"--start", "2026-01-01T00:00:00Z"};
    for (const Case& c : {Case{arguments(document, "plnt", out, start), 2, "did you mean \"plant\"?"},
                          Case{arguments(document, "plant", out, with(start, {"--measurement", "machin"})), 2, "did you mean \"machine\"?"},
                          Case{arguments(document, "plant", out), 2, "--start is required"},
                          Case{{"export", document, "--out", out, "--start", "-1h"}, 2, "--bucket is required"},
                          Case{arguments(document, "plant", out, {"--start", "yesterday"}), 2, "--start yesterday: "},
                          Case{arguments(document, "plant", out, {"--start", "-1h", "--stop", "-2h"}), 2, "nothing would be exported"},
                          Case{arguments(document, "plant", out, with(start, {"--window", "30d"})), 2, "fluxgate: --window: must be a duration"},
                          Case{arguments(document, "plant", out, with(start, {"--field", ""})), 2, "fluxgate: --field: "},
                          Case{arguments(document, "plant", out, with(start, {"--format", "csv"})), 2, "--format"},
                          Case{arguments(document, "plant", out, with(start, {"--compress"})), 2, "--compress"},
                          Case{arguments(directory.path() + "/none.json", "plant", out, start), 2, "cannot read"}}) {
        const test::Finished f = run_fluxgate(c.arguments);
        INFO(f.err);
        CHECK(f.code == c.code);
        CHECK(holds(f.err, c.said));
        CHECK_FALSE(fs::exists(out));
    }
    const test::Finished help = run_fluxgate({"export", "--help"});
    CHECK(help.code == 0);
    CHECK(holds(help.out, "an interrupted export goes on where it was"));
}

TEST_CASE("a wrong server or a token that may not export is told with cause and next step") {
    const std::string head = "X-Influxdb-Version: v2.7.1\r\nContent-Type: application/json\r\nContent-Length: ";
    const auto refusal = [&](int status, const std::string& body) {
        return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + head + std::to_string(body.size()) + "\r\n\r\n" + body;
    };
    const test::TempDirectory directory;
    const std::string out = directory.path() + "/out";
    const Lines start{"--start", "2026-01-01T00:00:00Z"};
    struct Case {
        std::string answer, said;
    };
    for (const Case& c :
         {Case{refusal(401, R"({"code":"unauthorized","message":"unauthorized access"})"), "cause: the server does not know the token"},
          Case{refusal(403, R"({"code":"forbidden","message":"insufficient permissions"})"), "next:  give the token read permission"},
          Case{"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", "cause: the path of `url` does not lead to InfluxDB's API"}}) {
        const test::RawServer raw{Reply{{c.answer}}};
        const test::Finished f = run_fluxgate(arguments(directory.write("document.json", test::original_document(raw.port())), "plant", out, start));
        INFO(f.err);
        CHECK(f.code == 1);
        CHECK(holds(f.err, c.said));
        CHECK_FALSE(fs::exists(out));
    }
}

TEST_CASE("rows that line protocol cannot carry are dead letters, and the export says so with exit 1") {
    const std::string buckets =
        "#datatype,string,long,string,string,string,string,long\r\n#group,false,false,false,false,true,false,false\r\n"
        "#default,_result,,,,,,\r\n,result,table,name,id,organizationID,retentionPolicy,retentionPeriod\r\n,,0,odd,1,2,,0\r\n\r\n";
    const std::string names =
        "#datatype,string,long,string\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,_value\r\n,,0,m\r\n\r\n";
    const std::string rows =
        "#datatype,string,long,dateTime:RFC3339,double,string,string,string\r\n#group,false,false,false,false,true,true,true\r\n"
        "#default,_result,,,,,,\r\n,result,table,_time,_value,_field,_measurement,t\r\n"
        ",,0,2026-01-01T00:00:01Z,1,f,m,a\r\n,,1,2026-01-01T00:00:02Z,2,f,m,\"two\r\nlines\"\r\n,,2,2026-01-01T00:00:03Z,NaN,f,m,b\r\n\r\n";
    const test::RawServer raw{[&](const std::string& request, int) {
        const std::string& body = request.find("buckets()") != std::string::npos ? buckets
                                  : request.find("schema.") != std::string::npos ? names
                                                                                 : rows;
        return Reply{{"HTTP/1.1 200 OK\r\nX-Influxdb-Version: v2.7.1\r\nContent-Type: text/csv\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\n\r\n" + body}};
    }};
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(raw.port())), out = directory.path() + "/out";
    const test::Finished f = run_fluxgate(arguments(document, "odd", out, {"--start", "2026-01-01T00:00:00Z", "--stop", "2026-01-01T00:01:00Z"}));
    INFO(f.err);
    CHECK(f.code == 1);
    CHECK(text_of(out) == "m,t=a f=1 1767225601000000000\n");
    const std::string letters = test::read_file(out + "/.fluxgate-export/dead-letters.jsonl");
    CHECK(test::lines_of(letters).size() == 2);
    CHECK(holds(letters, "line-protocol"));
    CHECK(holds(f.err, "2 rows could not be written"));
    CHECK(holds(f.err, "dead-letters.jsonl"));
}

TEST_CASE("names of the command line hold no references to variables") {
    const auto server = serve();
    REQUIRE(server->write("mine", "cost\\ ${USD},t=v f=1i 1600000000000000001\n").ok());
    const test::TempDirectory directory;
    const std::string document = directory.write("document.json", test::original_document(server->port())), out = directory.path() + "/${USD}";
    const test::Finished f = run_fluxgate(
        arguments(document, "mine", out,
                  {"--start", "2020-09-01T00:00:00Z", "--stop", "2020-10-01T00:00:00Z", "--window", "720h", "--measurement", "cost ${USD}"}));
    INFO(f.err);
    REQUIRE(f.code == 0);
    CHECK(text_of(out) == "cost\\ ${USD},t=v f=1i 1600000000000000001\n");
}
