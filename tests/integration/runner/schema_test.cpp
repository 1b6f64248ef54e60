// `fluxgate schema` as a new user tries it: a bare document, a mistyped name, a wrong server, a token that may not, a large server.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/raw_server.hpp"

#include <rapidjson/document.h>

#include <chrono>
#include <set>

using namespace fluxgate;
using test::Reply;
using test::run_fluxgate;

namespace {

struct Told {
    test::Finished run;
    std::map<std::string, std::vector<std::string>> lines; // by item
};

// Runs schema; with --json every line of standard output must be an object that says its item.
Told schema(const std::string& document, const std::vector<std::string>& more = {}) {
    const test::TempDirectory directory;
    std::vector<std::string> arguments{"schema", directory.write("document.json", document)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Told out;
    out.run = run_fluxgate(arguments, directory.path());
    if (std::find(more.begin(), more.end(), "--json") != more.end()) {
        for (const std::string& line : test::lines_of(out.run.out)) {
            rapidjson::Document read;
            read.Parse(line.c_str());
            INFO(line);
            REQUIRE_FALSE(read.HasParseError());
            out.lines[read["item"].GetString()].push_back(line);
        }
    }
    CHECK((out.run.out + out.run.err).find(test::token) == std::string::npos);
    return out;
}

std::unique_ptr<sample::Server> serve(const std::string& lines = {}) {
    sample::ServerOptions options;
    options.buckets = {"plant"};
    options.empty_buckets = {"mine", "_monitoring"};
    auto server = test::start_server(std::move(options));
    if (!lines.empty()) REQUIRE(server->write("mine", lines).ok());
    return server;
}

bool holds(const std::string& text, const std::string& word) {
    UNSCOPED_INFO(text << " / " << word);
    return text.find(word) != std::string::npos;
}

const std::string year = "2020-01-01T00:00:00Z";

std::string http(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nX-Influxdb-Version: v2.7.1\r\nContent-Type: text/csv\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace

TEST_CASE("schema tells buckets, measurements, fields with types, tags with values and the first and last times") {
    const auto server = serve("m,host=a,site=x f=1.5,n=2i 1600000000000000000\nm,host=b,site=x f=2.5 1600000100000000001\n"
                              "m,host=c s=\"t\",u=3u,b=true 1600000050000000000\nother v=1 1600000000000000000\n");
    const Told t = schema(test::original_document(server->port()), {"--json", "--bucket", "mine", "--start", year});
    INFO(t.run.out << t.run.err);
    REQUIRE(t.run.code == 0);
    REQUIRE(t.lines.at("measurement").size() == 2);
    CHECK(t.lines.at("measurement")[0] ==
          R"({"item":"measurement","bucket":"mine","name":"m","series":6,"complete":true,"first":"2020-09-13T12:26:40Z",)"
          R"("last":"2020-09-13T12:28:20.000000001Z","fields":[{"name":"b","types":["boolean"]},{"name":"f","types":["double"]},)"
          R"({"name":"n","types":["long"]},{"name":"s","types":["string"]},{"name":"u","types":["unsignedLong"]}],)"
          R"("tags":[{"name":"host","values":3,"sample":["a","b","c"]},{"name":"site","values":1,"sample":["x"]}]})");
    CHECK(t.lines.count("cut") == 0);
}

TEST_CASE("schema of a bare document and of a pipeline document is a table that names everything") {
    const auto server = serve();
    const test::TempDirectory out;
    for (const std::string& document : {test::original_document(server->port()), test::files_document(server->port(), out.path())}) {
        const Told t = schema(document);
        INFO(t.run.out << t.run.err);
        CHECK(t.run.code == 0);
        CHECK(holds(t.run.out, "bucket plant  (kept for ever)\n"));
        CHECK(holds(t.run.out, "bucket _monitoring  (kept for ever; not looked at"));
        CHECK(holds(t.run.out, "  machine  24 series, "));
        CHECK(holds(t.run.out, "    field  parts         unsignedLong\n"));
        CHECK(holds(t.run.out, "    tag    meter         3 values       M-1, M-2, \"M-3, roof\"\n"));
    }
}

TEST_CASE("a read section that schema prints makes a valid document that reads what was named") {
    const auto server = serve("we\\ ird\\,name,t=v f\\ \\\"1=1 1600000000000000000\n");
    std::string document = test::original_document(server->port());
    const Told t = schema(document, {"--as-read", "--bucket", "mine", "--start", year});
    INFO(t.run.out << t.run.err);
    REQUIRE(t.run.code == 0);
    CHECK(holds(t.run.out, R"("measurements": ["we ird,name"])"));
    CHECK(holds(t.run.err, "takes the place of \"query\""));
    const std::size_t from = document.find("\"query\""), to = document.find("},", from) + 1;
    document.replace(from, to - from, t.run.out);
    const test::TempDirectory directory;
    const std::string file = directory.write("document.json", document);
    const test::Finished valid = run_fluxgate({"validate", file}, directory.path());
    INFO(document << valid.err);
    CHECK(valid.code == 0);
    const test::Finished run = run_fluxgate({"run", file, "--once", "--state", directory.path() + "/state"}, directory.path());
    INFO(run.err);
    CHECK(run.code == 0);
    CHECK(holds(run.out, R"("_value":1,)"));
}

TEST_CASE("a read section is refused for several buckets and for one without rows") {
    const auto server = serve("m f=1 1600000000000000000\n");
    const Told several = schema(test::original_document(server->port()), {"--as-read"});
    CHECK(several.run.code == 2);
    CHECK(several.run.out.empty());
    CHECK(holds(several.run.err, "there are several: mine plant; name one with --bucket"));
    const Told empty = schema(test::original_document(server->port()), {"--as-read", "--bucket", "mine"});
    CHECK(empty.run.code == 1);
    CHECK(holds(empty.run.err, "has no rows since -720h; look further back with --start"));
}

TEST_CASE("what is left out is said, with how to get it") {
    std::string lines;
    for (int i = 0; i < 9; ++i) {
        lines += "m" + std::to_string(i) + ",host=h f=1 1600000000000000000\n" + "m0,host=h" + std::to_string(i) + " f=1 1600000000000000000\n";
    }
    const auto server = serve(lines);
    const Told t = schema(test::original_document(server->port()),
                          {"--json", "--bucket", "mine", "--start", year, "--max-measurements", "4", "--max-values", "2", "--max-series", "5"});
    INFO(t.run.out << t.run.err);
    REQUIRE(t.run.code == 0);
    CHECK(t.lines.at("measurement").size() == 4);
    CHECK(holds(t.lines.at("measurement")[0], R"("series":5,"complete":false)"));
    CHECK(holds(t.lines.at("measurement")[0], R"({"name":"host","values":10,"sample":["h","h0"]})"));
    CHECK(holds(t.lines.at("measurement")[1], R"("series":1,"complete":true)"));
    REQUIRE(t.lines.at("cut").size() == 2);
    CHECK(holds(t.lines.at("cut")[0], R"("measurement":"m0","what":"series","shown":5,"found":null)"));
    CHECK(holds(t.lines.at("cut")[1], R"("what":"measurements","shown":4,"found":9)"));
    const Told table = schema(test::original_document(server->port()), {"--bucket", "mine", "--start", year, "--max-measurements", "4"});
    CHECK(holds(table.run.out, "... 4 of 9 measurements: only the first measurements are looked at; name others with --measurement"));
}

TEST_CASE("when the time is up schema says what it knows, and that it is not all") {
    sample::ServerOptions options;
    options.faults = {*sample::parse_fault("delay-first-byte=30s,requests=9-")};
    const auto server = test::start_server(std::move(options));
    const auto began = std::chrono::steady_clock::now();
    const Told t = schema(test::original_document(server->port()), {"--json", "--bucket", "plant", "--timeout", "3s"});
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{20});
    INFO(t.run.out << t.run.err);
    CHECK(t.run.code == 0);
    CHECK(t.lines.at("measurement").size() == 1);
    REQUIRE(t.lines.at("cut").size() == 1);
    CHECK(holds(t.lines.at("cut")[0], R"("what":"time")"));
    CHECK(holds(t.lines.at("cut")[0], "--timeout"));
}

TEST_CASE("a mistyped bucket, measurement, time or switch is named, with what was meant") {
    const auto server = serve();
    const std::string document = test::original_document(server->port());
    struct Case {
        std::vector<std::string> arguments;
        const char* said;
    };
    for (const Case& c :
         {Case{{"--bucket", "plnt"}, "there is no bucket \"plnt\" in organization \"test-org\"\n"},
          Case{{"--bucket", "plnt"}, "did you mean \"plant\"?"}, Case{{"--bucket", "warehouse"}, "there are \"_monitoring\", \"mine\", \"plant\""},
          Case{{"--measurement", "machin"}, "did you mean \"machine\"?"}, Case{{"--start", "yesterday"}, "no such time"},
          Case{{"--timeout", "5"}, "write it like 30s"}, Case{{"--bukcet", "x"}, "--bukcet"}, Case{{"--json", "--as-read"}, "excludes"}}) {
        const Told t = schema(document, c.arguments);
        INFO(t.run.err);
        CHECK(t.run.code == 2);
        CHECK(t.run.out.empty());
        CHECK(holds(t.run.err, c.said));
    }
    const test::Finished help = run_fluxgate({"schema", "--help"});
    CHECK(help.code == 0);
    for (const char* word : {"--bucket", "--measurement", "--as-read", "--json", "--timeout", "--start"})
        CHECK(holds(help.out, word));
}

TEST_CASE("refusals and a wrong server are told with cause and next step, as check does") {
    const auto server = serve();
    const std::string unauthorized = R"({"code":"unauthorized","message":"unauthorized access"})";
    const std::string forbidden = R"({"code":"forbidden","message":"insufficient permissions"})";
    struct Case {
        std::string answer, said, next;
    };
    for (const Case& c :
         {Case{http(401, unauthorized), "cause: the server does not know the token", "AKV_ACCESS_TOKEN"},
          Case{http(403, forbidden), "cause: the token may not read the bucket", "give the token read permission"},
          Case{"HTTP/1.1 404 X\r\nContent-Length: 9\r\n\r\nnot found", "cause: the path of `url` does not lead", "/api/v2/query was asked"},
          Case{http(404, R"({"code":"not found","message":"organization name \"test-org\" not found"})"),
               "cause: the server has no organization \"test-org\"", "check organization"}}) {
        const test::RawServer raw{Reply{{c.answer}}};
        const Told t = schema(test::original_document(raw.port()));
        INFO(t.run.err);
        CHECK(t.run.code == 1);
        CHECK(t.run.out.empty());
        CHECK(holds(t.run.err, c.said));
        CHECK(holds(t.run.err, c.next));
    }
    std::uint16_t closed = 0;
    {
        const test::RawServer gone{Reply{}};
        closed = gone.port();
    }
    const Told t = schema(test::original_document(closed));
    CHECK(t.run.code == 1);
    CHECK(holds(t.run.err, "cause: nothing listens on this port"));
}

TEST_CASE("a field of two types has both, and a broken answer is an error") {
    const std::string head = "#datatype,string,long,string\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,_value\r\n";
    const auto typed = [](const std::string& type, const std::string& host, const std::string& value) {
        return "#datatype,string,long,dateTime:RFC3339," + type + ",string,string,string\r\n#group,false,false,false,false,true,true,true\r\n" +
               "#default,_result,,,,,,\r\n,result,table,_time,_value,_field,_measurement,host\r\n,,0,2026-11-21T10:00:00Z," + value + ",f,m," + host +
               "\r\n\r\n";
    };
    bool broken = false;
    const test::RawServer raw{[&](const std::string& request, int) {
        std::string body = head + ",,0,m\r\n\r\n";
        if (request.find("buckets()") != std::string::npos)
            body = "#datatype,string,long,string,string,string,string,long\r\n#group,false,false,false,false,true,false,false\r\n"
                   "#default,_result,,,,,,\r\n,result,table,name,id,organizationID,retentionPolicy,retentionPeriod\r\n"
                   ",,0,big,1a99065bae09216f,6ad8d1a211a9bae1,,604800000000000\r\n\r\n";
        if (request.find("measurementFieldKeys") != std::string::npos) body = head + ",,0,f\r\n\r\n";
        if (request.find("measurementTagKeys") != std::string::npos) body = head + ",,0,_field\r\n,,0,host\r\n\r\n";
        if (request.find("first()") != std::string::npos) body = typed("double", "a", "1.5") + typed("long", "b", "2");
        if (request.find("last()") != std::string::npos) body = typed("double", "a", "1.5") + typed("string", "b", "x");
        if (broken && request.find("last()") != std::string::npos) body.resize(body.size() - 2);
        return Reply{{http(200, body)}};
    }};
    const Told t = schema(test::original_document(raw.port()), {"--json"});
    INFO(t.run.out << t.run.err);
    CHECK(t.run.code == 0);
    CHECK(holds(t.lines.at("measurement").at(0), R"("fields":[{"name":"f","types":["double","long","string"]}])"));
    CHECK(holds(t.lines.at("bucket").at(0), R"("retentionSeconds":604800)"));
    broken = true;
    const Told cut = schema(test::original_document(raw.port()));
    CHECK(cut.run.code == 1);
    CHECK(holds(cut.run.err, "the answer is not complete"));
}
